package build_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/cachectl/cachectl/executor/build"
)

// processEnv makes the test's own program another user of the embedded builder: its value is the state directory.
const processEnv = "CACHECTL_TEST_BUILDER_USER"

// TestMain runs the tests, or one process that they start.
func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(processEnv); ok {
		os.Exit(useBuilder(dir))
	}
	os.Exit(m.Run())
}

// useBuilder starts or joins the embedded builder, prints its address, and gives it up when its input ends.
func useBuilder(dir string) int {
	ctx := context.Background()
	e, err := build.Discover(ctx, build.Options{Name: "embedded", DataDir: dir, LookupEnv: os.LookupEnv, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(e.Address)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := e.Close(ctx); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// user is a process that uses the embedded builder.
type user struct {
	cmd   *exec.Cmd
	stdin io.Closer
	// first is all it printed at first: an address, or an error.
	first string
}

// startUser starts a process of its own that uses the builder of opt and waits until it does, or has failed to. wrap are programs to start it with.
func startUser(t *testing.T, opt build.Options, attr *syscall.SysProcAttr, wrap ...string) *user {
	t.Helper()
	// By way of the open file: the directory of test programs is closed to other users.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	args := append(wrap, "/proc/self/fd/3")
	u := &user{cmd: exec.Command(args[0], args[1:]...)}
	u.cmd.ExtraFiles = []*os.File{self}
	u.cmd.SysProcAttr = attr
	u.cmd.Dir = "/"
	u.cmd.Env = []string{processEnv + "=" + opt.DataDir}
	for _, name := range []string{"CACHECTL_BUILDKITD", "HOME", "PATH"} {
		if v, ok := opt.LookupEnv(name); ok {
			u.cmd.Env = append(u.cmd.Env, name+"="+v)
		}
	}
	if u.stdin, err = u.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.cmd.Process.Kill(); _ = u.cmd.Wait() })
	r := bufio.NewReader(out)
	if u.first, err = r.ReadString('\n'); err != nil {
		t.Fatalf("the process said %q: %v", u.first, err)
	}
	if strings.HasPrefix(u.first, "error:") {
		rest, _ := io.ReadAll(r)
		u.first += string(rest)
	}
	u.first = strings.TrimSpace(u.first)
	return u
}

// leave ends the process in order.
func (u *user) leave(t *testing.T) {
	t.Helper()
	_ = u.stdin.Close()
	if err := u.cmd.Wait(); err != nil {
		t.Errorf("the process failed: %v", err)
	}
}

// kill ends the process as a crash does.
func (u *user) kill(t *testing.T) {
	t.Helper()
	if err := u.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = u.cmd.Wait()
}
