package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	startTime = 30 * time.Second
	stopTime  = 10 * time.Second
	poll      = 25 * time.Millisecond
	// socketLimit is how long the path of a Unix socket may be, with room for the name of the trace socket beside it (unix(7): 108 bytes).
	socketLimit = 96
)

// Embedded is a buildkitd that cachectl runs itself, for machines without a builder. Several processes share one: each holds a shared lock
// while it uses the daemon, and the last to leave stops it. A process that is killed loses its lock with its life; a watch stops the daemon
// when nobody is left.
type Embedded struct {
	dir    string
	socket string
	users  *flock.Flock
}

// embeddedDir is where the state is kept, free of symbolic links: mounts are listed by their real paths.
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
	dir, err := filepath.Abs(filepath.Join(dataDir, "buildkit"))
	if err != nil {
		return "", fmt.Errorf("find the embedded builder's directory: %w", err)
	}
	for parent := dir; ; parent = filepath.Dir(parent) {
		if real, err := filepath.EvalSymlinks(parent); err == nil {
			return filepath.Join(real, dir[len(parent):]), nil
		}
		if parent == filepath.Dir(parent) {
			return dir, nil
		}
	}
}

func newEmbedded(dataDir string) (*Embedded, error) {
	dir, err := embeddedDir(dataDir)
	if err != nil {
		return nil, err
	}
	e := &Embedded{dir: dir, socket: filepath.Join(dir, "buildkitd.sock"), users: flock.New(dir + ".users")}
	if len(e.socket) > socketLimit {
		// The name follows from the directory alone, so that all who share the daemon find it whatever their environment.
		sum := sha256.Sum256([]byte(dir))
		e.socket = filepath.Join(fmt.Sprintf("/tmp/cachectl-%d", os.Getuid()), hex.EncodeToString(sum[:8])+".sock")
	}
	return e, nil
}

// Address is what a client dials.
func (e *Embedded) Address() string { return "unix://" + e.socket }

// StartEmbedded returns the embedded daemon, started if it does not run. The caller releases it.
func StartEmbedded(ctx context.Context, opt Options) (*Embedded, error) {
	if err := checkSystem(); err != nil {
		return nil, err
	}
	e, err := newEmbedded(opt.DataDir)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{e.dir, filepath.Dir(e.socket)} {
		if err := privateDir(dir); err != nil {
			return nil, err
		}
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
			if err := errors.Join(e.stop(ctx), e.users.Unlock()); err != nil {
				return nil, err
			}
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

// privateDir makes a directory that only this user can enter, and refuses one that somebody else made: who owns the directory of a socket
// decides who answers there.
func privateDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make directory of the embedded builder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make directory of the embedded builder: %w", err)
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at directory of the embedded builder: %w", err)
	}
	if !st.IsDir() || ownerOf(st) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of this user; the embedded builder does not use it", dir)
	}
	return os.Chmod(dir, 0o700)
}

// lock is held while the daemon is started or stopped. The locks are beside the directory, not in it: they outlive its removal.
func (e *Embedded) lock(ctx context.Context) (func(), error) {
	l := flock.New(e.dir + ".lock")
	if _, err := l.TryLockContext(ctx, poll); err != nil {
		return nil, fmt.Errorf("lock embedded builder: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}

func (e *Embedded) sameConfig(cfg []byte) bool {
	have, err := os.ReadFile(filepath.Join(e.dir, "buildkitd.toml"))
	return err == nil && bytes.Equal(have, cfg)
}

// Release gives the daemon up and stops it when nobody else uses it. It does so even when ctx is canceled, within the time that ctx has left
// or seconds.
func (e *Embedded) Release(ctx context.Context) error {
	ctx, cancel := grace(ctx)
	defer cancel()
	unlock, err := e.lock(ctx)
	if err != nil {
		return errors.Join(err, e.users.Unlock())
	}
	defer unlock()
	if err := e.users.Unlock(); err != nil {
		return fmt.Errorf("unlock embedded builder: %w", err)
	}
	if alone, err := e.users.TryLock(); err != nil || !alone {
		return err
	}
	defer e.users.Unlock() //nolint:errcheck // the file stays
	return e.stop(ctx)
}

// grace is time to put things away after ctx was canceled, or until its deadline when that is to come.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := time.Now().Add(stopTime)
	if d, ok := ctx.Deadline(); ok && ctx.Err() == nil && d.Before(limit) {
		limit = d
	}
	return context.WithDeadline(context.WithoutCancel(ctx), limit)
}
