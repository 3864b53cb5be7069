package build_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/gofrs/flock"
)

// eventually waits until a condition holds; the test's own deadline is the limit.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.Fatalf("ended before %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func info(t *testing.T, e *build.Endpoint) {
	t.Helper()
	c, err := e.Client(t.Context()) // asks for Info
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func TestProcessesShareOneDaemonAndTheLastStopsIt(t *testing.T) {
	opt := options(t)
	first := startUser(t, opt, nil)
	second := discover(t, opt)
	if first.first != second.Address {
		t.Fatalf("the first process uses %s, the second %s", first.first, second.Address)
	}
	first.leave(t)
	info(t, second)
	third := startUser(t, opt, nil)
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !running(t, opt) {
		t.Error("the daemon was stopped under another process")
	}
	third.leave(t)
	if running(t, opt) {
		t.Error("the daemon outlived its last user")
	}
}

func TestADaemonWhoseUserWasKilledIsStopped(t *testing.T) {
	opt := options(t)
	u := startUser(t, opt, nil)
	pid := pidOf(t, opt)
	u.kill(t)
	eventually(t, "the daemon was stopped", func() bool {
		_, err := os.Stat(filepath.Join("/proc", pid))
		return os.IsNotExist(err)
	})
	info(t, discoverAndClose(t, opt))
}

func TestADaemonOutlivesTheProcessThatStartedIt(t *testing.T) {
	opt := options(t)
	starter := startUser(t, opt, nil)
	e := discover(t, opt)
	pid := pidOf(t, opt)
	starter.kill(t)
	watchLooksOnce(t, opt)
	info(t, e)
	if now := pidOf(t, opt); now != pid {
		t.Errorf("the daemon was process %s and is %s", pid, now)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running(t, opt) {
		t.Error("the daemon outlived its last user")
	}
}

func TestAnInterruptedStartLeavesNoDaemon(t *testing.T) {
	opt := options(t)
	dir := testenv.Write(t, map[string]string{"buildkitd": "#!/bin/sh\nwhile :; do sleep 1; done\n"})
	silent := filepath.Join(dir, "buildkitd")
	if err := os.Chmod(silent, 0o755); err != nil {
		t.Fatal(err)
	}
	env := opt.LookupEnv
	opt.LookupEnv = func(k string) (string, bool) {
		if k == "CACHECTL_BUILDKITD" {
			return silent, true
		}
		return env(k)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var pid string
	go func() {
		defer cancel()
		eventually(t, "the daemon was started", func() bool {
			raw, _ := os.ReadFile(pidFile(opt))
			pid = string(raw)
			return pid != ""
		})
	}()
	if _, err := build.Discover(ctx, opt); err == nil {
		t.Fatal("a daemon that does not answer was used")
	}
	if raw, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline")); err == nil && len(raw) > 0 {
		t.Errorf("the daemon, process %s, runs on: %q", pid, raw)
	}
}

func TestStateIsKeptAcrossRestarts(t *testing.T) {
	opt := options(t)
	dir := testenv.Write(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\nCOPY b /\n", "a": "a", "b": "b"})
	var cached []int
	for range 2 {
		e := discover(t, opt)
		steps := testenv.PlainBuild{Dir: dir}.Run(t, &testenv.Daemon{Address: e.Address})
		if len(steps) != 2 {
			t.Errorf("the build has the steps %v, want 2", steps)
		}
		cached = append(cached, steps.Cached())
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if cached[0] != 0 || cached[1] != 2 {
		t.Errorf("cached were %v of 2 steps, want 0 and then 2", cached)
	}
}

func TestAStateDirectoryMayHaveALongAndStrangeName(t *testing.T) {
	opt := options(t)
	real := filepath.Join(opt.DataDir, "a directory with blanks", strings.Repeat("long", 40))
	if err := os.MkdirAll(real, 0o700); err != nil {
		t.Fatal(err)
	}
	opt.DataDir = filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, opt.DataDir); err != nil {
		t.Fatal(err)
	}
	e := discover(t, opt)
	info(t, e)
	if len(strings.TrimPrefix(e.Address, "unix://")) > 107 {
		t.Errorf("the socket %s has a longer path than sockets can have", e.Address)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := build.RemoveEmbedded(t.Context(), opt.DataDir); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(real, "buildkit", "*")); len(left) > 0 {
		t.Errorf("removed, it leaves %v", left)
	}
}

func pidFile(opt build.Options) string {
	return filepath.Join(opt.DataDir, "buildkit", "buildkitd.pid")
}

func pidOf(t *testing.T, opt build.Options) string {
	t.Helper()
	raw, err := os.ReadFile(pidFile(opt))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// discoverAndClose finds a builder that is given up when the test ends.
func discoverAndClose(t *testing.T, opt build.Options) *build.Endpoint {
	t.Helper()
	e := discover(t, opt)
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// watchLooksOnce waits until the watch has looked for users: it is let in after it was seen to wait for the lock.
func watchLooksOnce(t *testing.T, opt build.Options) {
	t.Helper()
	path := filepath.Join(opt.DataDir, "buildkit.lock")
	l := flock.New(path)
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch looked", func() bool { return waitedFor(t, path) })
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch was let in", func() bool { return !waitedFor(t, path) })
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// waitedFor tells whether a process waits for the lock of a file (proc_locks(5): such lines begin with an arrow).
func waitedFor(t *testing.T, path string) bool {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, "->") && strings.Contains(line, inode(st)) {
			return true
		}
	}
	return false
}

// inode is how a list of locks names a file, apart from its device.
func inode(st os.FileInfo) string {
	return fmt.Sprintf(":%d ", st.Sys().(*syscall.Stat_t).Ino)
}
