package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	"github.com/gofrs/flock"
	"github.com/moby/buildkit/client"
)

const (
	startTime = 30 * time.Second
	stopTime  = 10 * time.Second
	poll      = 25 * time.Millisecond
	logTail   = 2 << 10
	// socketLimit is how long the path of a Unix socket may be.
	socketLimit = 100
)

// Embedded is a buildkitd that cachectl runs itself, for machines without a builder. Several processes share one: each holds a shared lock
// while it uses the daemon, and the last to leave stops it. A process that is killed leaves the daemon to the next.
type Embedded struct {
	dir    string
	socket string
	users  *flock.Flock
}

// embeddedDir is where the state is kept.
func embeddedDir(dataDir string) (string, error) {
	if dataDir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find the user's data directory: %w", err)
			}
			base = filepath.Join(home, ".local", "share")
		}
		dataDir = filepath.Join(base, "cachectl")
	}
	return filepath.Abs(filepath.Join(dataDir, "buildkit"))
}

func newEmbedded(dataDir string) (*Embedded, error) {
	dir, err := embeddedDir(dataDir)
	if err != nil {
		return nil, err
	}
	e := &Embedded{dir: dir, socket: filepath.Join(dir, "buildkitd.sock")}
	if len(e.socket) > socketLimit {
		sum := sha256.Sum256([]byte(dir))
		e.socket = filepath.Join(os.TempDir(), "cachectl-"+hex.EncodeToString(sum[:8])+".sock")
	}
	e.users = flock.New(filepath.Join(dir, "users.lock"))
	return e, nil
}

// Address is what a client dials.
func (e *Embedded) Address() string { return "unix://" + e.socket }

// StartEmbedded returns the embedded daemon, started if it does not run. The caller releases it.
func StartEmbedded(ctx context.Context, opt Options) (*Embedded, error) {
	e, err := newEmbedded(opt.DataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory of the embedded builder: %w", err)
	}
	unlock, err := e.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	cfg := daemonConfig(opt.Registries)
	if answers(e.socket) && !e.sameConfig(cfg) {
		if alone, _ := e.users.TryLock(); alone {
			// A daemon that was left behind, or of a run with other registries.
			if err := e.stop(ctx); err != nil {
				return nil, err
			}
			_ = e.users.Unlock()
		} else {
			opt.Logger.Warn("the embedded builder is in use with other registry settings; these are not changed")
		}
	}
	if _, err := e.users.TryRLockContext(ctx, poll); err != nil {
		return nil, fmt.Errorf("lock embedded builder: %w", err)
	}
	if answers(e.socket) {
		return e, nil
	}
	if err := e.start(ctx, opt, cfg); err != nil {
		return nil, errors.Join(err, e.users.Unlock())
	}
	return e, nil
}

// lock is held while the daemon is started or stopped.
func (e *Embedded) lock(ctx context.Context) (func(), error) {
	l := flock.New(filepath.Join(e.dir, "start.lock"))
	if _, err := l.TryLockContext(ctx, poll); err != nil {
		return nil, fmt.Errorf("lock embedded builder: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}

func (e *Embedded) sameConfig(cfg []byte) bool {
	have, err := os.ReadFile(filepath.Join(e.dir, "buildkitd.toml"))
	return err == nil && bytes.Equal(have, cfg)
}

// start runs the daemon and waits until it answers.
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
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.Env, err = e.environment(); err != nil {
		return err
	}
	// A group of its own: Ctrl-C is for cachectl, which stops the daemon when it has put its work away.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", args[0], err)
	}
	if err := os.WriteFile(e.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return e.await(ctx, exited)
}

// await waits until the daemon answers, or says why it does not.
func (e *Embedded) await(ctx context.Context, exited <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		select {
		case err := <-exited:
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

// Release gives the daemon up and stops it when nobody else uses it.
func (e *Embedded) Release(ctx context.Context) error {
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := e.users.Unlock(); err != nil {
		return err
	}
	if alone, err := e.users.TryLock(); err != nil || !alone {
		return err
	}
	defer e.users.Unlock() //nolint:errcheck // the file stays
	return e.stop(ctx)
}

// stop ends the daemon and waits until it is gone.
func (e *Embedded) stop(ctx context.Context) error {
	raw, err := os.ReadFile(e.pidFile())
	if err != nil {
		return nil // not running
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil || pid <= 1 || !isDaemon(pid) {
		return os.Remove(e.pidFile())
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	for isDaemon(pid) {
		select {
		case <-ctx.Done():
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return os.Remove(e.pidFile())
		case <-time.After(poll):
		}
	}
	return os.Remove(e.pidFile())
}

// isDaemon tells whether a process is a running daemon rather than one that got its number later.
func isDaemon(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(raw, []byte("buildkitd"))
}

// EmbeddedStatus is what there is of the embedded builder.
type EmbeddedStatus struct {
	Dir     string `json:"dir"`
	Running bool   `json:"running"`
	Bytes   int64  `json:"bytes"`
}

// StatusEmbedded tells where the embedded builder's state is, whether the daemon runs and how much it keeps.
func StatusEmbedded(dataDir string) (*EmbeddedStatus, error) {
	e, err := newEmbedded(dataDir)
	if err != nil {
		return nil, err
	}
	st := &EmbeddedStatus{Dir: e.dir, Running: answers(e.socket)}
	err = filepath.WalkDir(e.dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		if info, err := d.Info(); err == nil {
			st.Bytes += info.Size()
		}
		return nil
	})
	return st, err
}

// RemoveEmbedded stops the embedded builder and deletes its state: its cache is gone, published caches are not touched. It fails while
// another process uses it.
func RemoveEmbedded(ctx context.Context, dataDir string) error {
	e, err := newEmbedded(dataDir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(e.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if alone, err := e.users.TryLock(); err != nil || !alone {
		return errors.Join(errors.New("the embedded builder is in use"), err)
	}
	defer e.users.Unlock() //nolint:errcheck // removed with the directory
	if err := e.stop(ctx); err != nil {
		return err
	}
	if err := unmountBelow(e.dir); err != nil {
		return err
	}
	return os.RemoveAll(e.dir)
}

// unmountBelow takes away mounts that a killed daemon left behind, so that nothing is deleted through them.
func unmountBelow(dir string) error {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", fields[1], err)
			}
		}
	}
	return nil
}
