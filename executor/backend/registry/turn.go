package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/gofrs/flock"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// turnTime is how long another process of this machine is waited for; turnPoll is how often it is looked whether it is done.
	turnTime = 5 * time.Second
	turnPoll = 5 * time.Millisecond
	// settleFactor is how much longer than its own a publication expects those of others to be under way, shortestSettle and longestSettle what it
	// waits at least and at most. The least is for registries so near that time is lost by programs, not by the network.
	settleFactor   = 4
	shortestSettle = 100 * time.Millisecond
	longestSettle  = 3 * time.Second
)

// turn waits for other processes of this machine that are about to move the tag, and keeps them waiting until release. A registry has no
// compare-and-swap: between processes of one machine this takes its place. Where files cannot be locked, or somebody holds the lock for very long, it
// goes on without.
func (l *Location) turn(ctx context.Context) (release func()) {
	dir := l.repo.host.turns
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return func() {}
	}
	sum := sha256.Sum256([]byte(l.Key()))
	lock := flock.New(filepath.Join(dir, fmt.Sprintf("tag-%02x.lock", sum[0]))) // few files, however many tags
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	if held, err := lock.TryLockContext(ctx, turnPoll); err != nil || !held {
		return func() {}
	}
	return func() { _ = lock.Unlock() }
}

// Settle waits for publications that had looked at the tag before it was moved to root, and would not have seen it there; see backend.Settler. How long
// those are under way is judged by how long this one was.
func (l *Location) Settle(ctx context.Context, root ocispec.Descriptor) error {
	wait := min(max(settleFactor*time.Duration(l.moved.Load()), shortestSettle), longestSettle)
	if err := l.repo.host.retry.sleep(ctx, wait); err != nil {
		return err
	}
	now, err := l.repo.head(ctx, l.ref.Identifier())
	if err != nil {
		return fmt.Errorf("look at tag again: %w", err)
	}
	if now != root.Digest {
		return backend.ErrConflict
	}
	return nil
}
