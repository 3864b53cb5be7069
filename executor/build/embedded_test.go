package build_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/internal/testenv"
)

// options are for an embedded builder with state of its own. Unless told otherwise nothing else is to be found.
func options(t *testing.T) build.Options {
	t.Helper()
	env := map[string]string{"CACHECTL_BUILDKITD": testenv.Tool(t, "buildkitd"), "HOME": t.TempDir(), "PATH": os.Getenv("PATH")}
	return build.Options{
		Name: "embedded", DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok },
	}
}

func running(t *testing.T, opt build.Options) bool {
	t.Helper()
	st, err := build.StatusEmbedded(opt.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	return st.Running
}

func discover(t *testing.T, opt build.Options) *build.Endpoint {
	t.Helper()
	e, err := build.Discover(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheEmbeddedBuilderIsSharedAndStoppedByTheLast(t *testing.T) {
	opt := options(t)
	first, second := discover(t, opt), discover(t, opt)
	if first.Address != second.Address {
		t.Errorf("two daemons were started: %s and %s", first.Address, second.Address)
	}
	c, err := first.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !running(t, opt) {
		t.Error("the daemon was stopped under the second user")
	}
	if err := build.RemoveEmbedded(t.Context(), opt.DataDir); err == nil {
		t.Error("the state of a daemon in use was removed")
	}
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running(t, opt) {
		t.Error("the daemon outlived its last user")
	}
	if err := build.RemoveEmbedded(t.Context(), opt.DataDir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(opt.DataDir, "buildkit")); !os.IsNotExist(err) {
		t.Errorf("state is left: %v", err)
	}
}

func TestOtherRegistrySettingsRestartAnIdleDaemon(t *testing.T) {
	opt := options(t)
	if err := discover(t, opt).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	opt.Registries = []*config.Registry{{Host: "registry.example.com", HTTP: true}}
	e := discover(t, opt)
	defer e.Close(t.Context())
	raw, err := os.ReadFile(filepath.Join(opt.DataDir, "buildkit", "buildkitd.toml"))
	if err != nil || !strings.Contains(string(raw), "[registry.\"registry.example.com\"]\n  http = true") {
		t.Errorf("the daemon's configuration is %q (%v)", raw, err)
	}
}

func TestADaemonThatCannotStartSaysWhy(t *testing.T) {
	opt := options(t)
	broken := filepath.Join(testenv.Write(t, map[string]string{"buildkitd": "#!/bin/sh\necho no such luck >&2\nexit 3\n"}), "buildkitd")
	if err := os.Chmod(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	opt.LookupEnv = func(k string) (string, bool) {
		if k == "CACHECTL_BUILDKITD" {
			return broken, true
		}
		return "", false
	}
	if _, err := build.Discover(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got %v, want the daemon's own words", err)
	}
}
