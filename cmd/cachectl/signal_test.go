package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// silentBuilder is an address that takes connections and says nothing, and a channel that tells of the first.
func silentBuilder(t *testing.T) (string, <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	called := make(chan struct{})
	go func() {
		var conns []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			if conns = append(conns, c); len(conns) == 1 {
				close(called)
			}
		}
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	return "tcp://" + l.Addr().String(), called
}

// A signal ends a run that waits for a builder, with the code that shells have for it, and what happened is still told.
func TestSignalEndsARun(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		dir := t.TempDir()
		file := "target \"default\" {\n  output = [\"type=cacheonly\"]\n  dockerfile-inline = \"FROM scratch\\nCOPY f /\"\n}\n"
		if err := os.WriteFile(filepath.Join(dir, "cache.hcl"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		addr, called := silentBuilder(t)
		cmd := exec.CommandContext(t.Context(), exe, "apply", "--builder", addr)
		cmd.Args[0] = "cachectl" // the name that makes the test binary run the program
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "NO_COLOR=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-called
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		var exited *exec.ExitError
		if !errors.As(err, &exited) || exited.ExitCode() != c.want {
			t.Errorf("%s: %v, want exit code %d\n%s", c.signal, err, c.want, stderr.String())
		}
		if !strings.Contains(stderr.String(), "stopped by "+c.signal.String()+", ending what is under way") {
			t.Errorf("%s: that the run stops is not told:\n%s", c.signal, stderr.String())
		}
		if !strings.Contains(stderr.String(), "1 canceled") {
			t.Errorf("%s: the summary does not say so:\n%s", c.signal, stderr.String())
		}
	}
}
