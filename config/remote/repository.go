package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// watchEvery is how often the size of a repository is looked at while it grows.
	watchEvery = 100 * time.Millisecond
	// killAfter is how long git's pipes may stay open when it has been killed.
	killAfter = 2 * time.Second
	// errorLimit bounds what is kept of git's messages.
	errorLimit = 4 << 10
)

// repository is a shallow copy without a work tree, so that nothing in it is ever run: no hook, no filter, no submodule.
type repository struct {
	location *Location
	dir      string
	env      []string
	limit    int64
}

// repository makes the directory that git works in. The caller closes it.
func (l *Location) repository(opt Options) (*repository, error) {
	dir, err := os.MkdirTemp("", "cachectl-git-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the repository: %w", err)
	}
	return &repository{location: l, dir: dir, env: l.environment(opt.Authorization, dir), limit: opt.MaxRepository}, nil
}

// close removes the directory, as far as that can be done.
func (r *repository) close() { _ = os.RemoveAll(r.dir) }

// git runs git in the repository and returns what it prints, at most a definition and its header. It is ended when ctx is, or when the repository has
// outgrown its limit.
func (r *repository) git(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := exec.CommandContext(ctx, "git", append([]string{
		"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
		"-c", "protocol.version=2", "-c", "transfer.bundleURI=false", "-c", "fetch.writeCommitGraph=false",
	}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, stdin
	out, said := &limited{limit: MaxFile + 1<<10}, &limited{limit: errorLimit}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git has helpers, which end with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killAfter
	if err := cmd.Start(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, fmt.Errorf("run git: %w", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ctx, stop)
	}()
	err := cmd.Wait()
	cause := context.Cause(ctx)
	stop(nil)
	<-watched
	switch {
	case cause != nil:
		return nil, cause
	case err != nil:
		return nil, fmt.Errorf("git: %s", r.message(said.String(), err))
	}
	return out.Bytes(), nil
}

// watch ends git when the repository gets too large.
func (r *repository) watch(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var total int64
		_ = filepath.WalkDir(r.dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // files come and go
			}
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
			return nil
		})
		if total > r.limit {
			stop(fmt.Errorf("the repository is larger than %d bytes", r.limit))
			return
		}
	}
}

// message is what git says, on one line, without the password of its address.
func (r *repository) message(said string, err error) string {
	said = strings.Join(strings.Fields(said), " ")
	if said == "" {
		said = err.Error()
	}
	if p := r.location.Password(); p != "" {
		said = strings.ReplaceAll(said, p, "***")
	}
	return strings.TrimPrefix(said, "fatal: ")
}

// limited keeps the first bytes that are written to it and drops the rest.
type limited struct {
	bytes.Buffer
	limit int
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.limit - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
