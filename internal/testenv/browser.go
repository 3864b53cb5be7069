package testenv

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Browser is the path of a Chromium that runs without a display: the one that `make deps` has put beside the tools, or the machine's own.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{
		filepath.Join(toolDir(t), "chromium-headless-shell"), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is needed by this test: run `make deps`")
	return ""
}
