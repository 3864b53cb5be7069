package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
)

const (
	logTail = 2 << 10
	// killTime is how long a daemon that was killed may take to be gone.
	killTime = 2 * time.Second
)

// start runs the daemon and waits until it answers. A daemon that does not answer is not left running.
func (e *Embedded) start(ctx context.Context, opt Options, cfg []byte) error {
	args, err := e.command(opt.LookupEnv)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(e.dir, "buildkitd.toml"), cfg, 0o600); err != nil {
		return fmt.Errorf("write configuration of the embedded builder: %w", err)
	}
	log, err := os.Create(filepath.Join(e.dir, "buildkitd.log"))
	if err != nil {
		return fmt.Errorf("open log of the embedded builder: %w", err)
	}
	defer log.Close() //nolint:errcheck // the daemon has its own handle
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = e.dir
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.Env, err = e.environment(); err != nil {
		return err
	}
	// A session of its own: Ctrl-C is for cachectl, which stops the daemon when it has put its work away.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", args[0], err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	err = os.WriteFile(e.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
	if err == nil {
		err = e.watch(cmd.Process.Pid)
	}
	if err == nil {
		err = e.await(ctx, exited)
	}
	if err != nil {
		ctx, cancel := grace(ctx)
		defer cancel()
		return errors.Join(err, e.stop(ctx))
	}
	return nil
}

// await waits until the daemon answers, or says why it does not.
func (e *Embedded) await(ctx context.Context, exited <-chan error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("%s have passed", startTime))
	defer cancel()
	for {
		select {
		case err := <-exited:
			if err == nil {
				err = errors.New("exit status 0")
			}
			return fmt.Errorf("the embedded builder ended at once (%w):\n%s\n%s", err, e.logEnd(), machineHint())
		case <-ctx.Done():
			return fmt.Errorf("the embedded builder did not answer: %w:\n%s", context.Cause(ctx), e.logEnd())
		case <-time.After(poll):
		}
		if !answers(e.socket) {
			continue
		}
		c, err := client.New(ctx, e.Address())
		if err != nil {
			continue
		}
		_, err = c.ListWorkers(ctx)
		_ = c.Close()
		if err == nil {
			return nil
		}
	}
}

func (e *Embedded) pidFile() string { return filepath.Join(e.dir, "buildkitd.pid") }

// logEnd is the end of the daemon's log.
func (e *Embedded) logEnd() string {
	f, err := os.Open(filepath.Join(e.dir, "buildkitd.log"))
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // read side
	if st, err := f.Stat(); err == nil && st.Size() > logTail {
		_, _ = f.Seek(-logTail, io.SeekEnd)
	}
	raw, _ := io.ReadAll(f)
	return strings.TrimSpace(string(raw))
}

// stop ends the daemon and waits until it is gone; one that has not ended when ctx has is killed.
func (e *Embedded) stop(ctx context.Context) error {
	pid := e.pid()
	if pid == 0 {
		return nil // not running
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	if !e.gone(ctx, pid) {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // with what it runs: the session is its own
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
		defer cancel()
		if !e.gone(last, pid) {
			return fmt.Errorf("the embedded builder, process %d, does not end", pid)
		}
	}
	if err := os.Remove(e.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget embedded builder: %w", err)
	}
	return nil
}

// gone waits until the daemon has ended, and tells whether it did before ctx.
func (e *Embedded) gone(ctx context.Context, pid int) bool {
	for e.isDaemon(pid) {
		select {
		case <-ctx.Done():
			return !e.isDaemon(pid)
		case <-time.After(poll):
		}
	}
	return true
}

// pid is the running daemon's process, 0 if it does not run.
func (e *Embedded) pid() int {
	raw, err := os.ReadFile(e.pidFile())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil || pid <= 1 || !e.isDaemon(pid) {
		return 0
	}
	return pid
}

// isDaemon tells whether a process is this daemon rather than one that got its number later, be it another buildkitd.
func (e *Embedded) isDaemon(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(raw, []byte("\x00"+e.root()+"\x00"))
}

// root is the state of the daemon itself. It stands in its command line and in no other program's.
func (e *Embedded) root() string { return filepath.Join(e.dir, "root") }
