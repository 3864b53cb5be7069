package testenv

import (
	"os/exec"
	"testing"
)

// Browser is the path of a Chromium that runs without a display.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is needed by this test: run `make deps`")
	return ""
}
