package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Root is the directory of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "cache.hcl.example")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("the module's directory was not found above the test")
		}
		dir = parent
	}
}

// toolDir is where `make tools` and `make deps` put what no package has.
func toolDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(Root(t), ".tools", "bin")
}

// Tool is the path of a program that `make tools` builds or `make deps` installs.
func Tool(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{filepath.Join(toolDir(t), name), "/usr/sbin/" + name, "/sbin/" + name} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed by this test: run `make deps tools`", name)
	}
	return path
}

// Busybox is the static busybox that test images are made of.
func Busybox(t testing.TB) string {
	t.Helper()
	return Tool(t, "busybox")
}

// Write makes a directory with files and returns it.
func Write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
