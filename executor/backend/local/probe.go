package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// lockTime is how long a lock that is held is waited for.
const lockTime = 200 * time.Millisecond

// Probe tries the file system out in a directory of its own beside the location's, or in the nearest that exists; see backend.Prober.
func (l *Location) Probe(ctx context.Context, tell func(backend.Finding)) error {
	parent, err := l.nearest()
	dir := ""
	if err == nil {
		dir, err = os.MkdirTemp(parent, ".cachectl-doctor-")
	}
	if err != nil && isDir(l.dir) { // only the directory itself may be written
		parent = l.dir
		dir, err = os.MkdirTemp(parent, ".cachectl-doctor-")
	}
	f := backend.Finding{Feature: "write", Answer: backend.Yes, Seen: "in " + parent, Means: "caches can be written here"}
	if err != nil {
		f.Answer, f.Seen, f.Means, f.Err = backend.No, err.Error(), "caches cannot be written here", fmt.Errorf("a directory cannot be made: %w", err)
		tell(f)
		return nil
	}
	tell(f)
	for _, try := range []func(context.Context, string) backend.Finding{forms, lockable} {
		if err = context.Cause(ctx); err != nil {
			break
		}
		tell(try(ctx, dir))
	}
	f = backend.Finding{Feature: "clean-up", Answer: backend.Yes, Seen: "nothing is left behind"}
	if gone := os.RemoveAll(dir); gone != nil {
		f = backend.Finding{Feature: "clean-up", Answer: backend.No, Seen: gone.Error(), Means: "remove " + dir + " by hand"}
	}
	tell(f)
	return err
}

// nearest is the directory that the location's would be made in: the nearest that exists.
func (l *Location) nearest() (string, error) {
	for path := l.dir; ; path = filepath.Dir(path) {
		st, err := os.Stat(path)
		switch {
		case err == nil && !st.IsDir():
			return "", &os.PathError{Op: "make directory in", Path: path, Err: syscall.ENOTDIR}
		case err == nil && path != l.dir:
			return path, nil
		case path == filepath.Dir(path):
			return path, err
		}
	}
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// forms publishes a small cache in each form over the one before, and reads it back.
func forms(ctx context.Context, dir string) backend.Finding {
	f := backend.Finding{Feature: "replace", Answer: backend.Yes, Seen: "a cache was replaced three times", Means: "readers see the old cache or the new one; every form and compression works"}
	var root ocispec.Descriptor
	for _, format := range []cache.Format{{OCI: true, ImageManifest: true}, {OCI: true}, {}} {
		l := &Location{dir: dir, tag: "probe", store: &store{dir: dir}, format: format}
		var err error
		if root, err = l.Publish(ctx, &cache.Cache{}, root); err == nil {
			_, err = l.Read(ctx)
		}
		if err != nil {
			return backend.Finding{Feature: "replace", Answer: backend.No, Seen: err.Error(), Means: "caches cannot be published here", Err: fmt.Errorf("a cache cannot be replaced: %w", err)}
		}
	}
	return f
}

// lockable tells whether a lock that is held keeps others out.
func lockable(ctx context.Context, dir string) backend.Finding {
	s := &store{dir: dir}
	f := backend.Finding{Feature: "lock", Answer: backend.Yes, Seen: "a second lock had to wait", Means: "several writers of one cache take turns, and lose nothing"}
	unlock, err := s.lock(ctx)
	if err == nil {
		defer unlock()
		short, cancel := context.WithTimeout(ctx, lockTime)
		defer cancel()
		var again func()
		if again, err = (&store{dir: dir}).lock(short); err == nil {
			again()
			err = errors.New("two locks were held at once")
		} else if errors.Is(err, context.DeadlineExceeded) {
			return f
		}
	}
	f.Answer, f.Seen, f.Means = backend.No, err.Error(), "let one process at a time write a cache here, or give each a tag of its own"
	return f
}
