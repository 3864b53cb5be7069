package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/gofrs/flock"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// lockPoll is how often a held lock is tried again.
	lockPoll = 20 * time.Millisecond
	// partPrefix starts the names of files that are being written. Those of a process that was killed are removed when they are older than partAge.
	partPrefix = ".cachectl-part-"
	partAge    = 24 * time.Hour
)

// store is the files of a layout directory. It is a blob.Fetcher and a blob.Pusher. Every access goes through an os.Root, so that no link in
// the directory leads out of it; the directory itself may be reached by one.
type store struct{ dir string }

// root opens the directory. The caller closes it.
func (s *store) root() (*os.Root, error) { return os.OpenRoot(s.dir) }

func blobPath(d digest.Digest) string {
	return path.Join(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// init makes the directory, what belongs into it, and opens it.
func (s *store) init() (*os.Root, error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	err = root.MkdirAll(path.Join(ocispec.ImageBlobsDir, "sha256"), 0o755)
	if err == nil {
		_, err = root.Lstat(ocispec.ImageLayoutFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = place(root, ocispec.ImageLayoutFile, strings.NewReader(`{"imageLayoutVersion":"`+ocispec.ImageLayoutVersion+`"}`))
		}
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// Fetch opens a blob; see blob.Fetcher.
func (s *store) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	root, err := s.root()
	if err == nil {
		defer root.Close() //nolint:errcheck // read side
		var f *os.File
		if f, err = openRegular(root, blobPath(desc.Digest)); err == nil {
			return blob.Verify(f, desc), nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, blob.ErrNotFound)
	}
	return nil, err
}

// openRegular opens a file that is neither a link nor something that never ends.
func openRegular(root *os.Root, name string) (*os.File, error) {
	st, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", filepath.Join(root.Name(), name))
	}
	return root.Open(name)
}

// read reads a file of the layout that is no larger than limit bytes.
func (s *store) read(name string, limit int64) ([]byte, error) {
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // read side
	f, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read side
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", filepath.Join(s.dir, name), limit)
	}
	return raw, err
}

// document reads a blob into memory.
func (s *store) document(ctx context.Context, desc ocispec.Descriptor, limit int64) ([]byte, error) {
	if desc.Size > limit {
		return nil, fmt.Errorf("blob %s of %d bytes is larger than %d", desc.Digest, desc.Size, limit)
	}
	rc, err := s.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close() //nolint:errcheck // read side
	return io.ReadAll(rc)
}

// size is how large a blob is, -1 if it is not there as a regular file.
func (s *store) size(d digest.Digest) (int64, error) {
	root, err := s.root()
	if err == nil {
		defer root.Close() //nolint:errcheck // read side
		var st fs.FileInfo
		if st, err = root.Lstat(blobPath(d)); err == nil && st.Mode().IsRegular() {
			return st.Size(), nil
		}
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	return -1, err
}

// Has tells whether a blob is there with its size; see blob.Pusher.
func (s *store) Has(_ context.Context, desc ocispec.Descriptor) (bool, error) {
	size, err := s.size(desc.Digest)
	return size >= 0 && size == desc.Size, err
}

// Push writes a blob; see blob.Pusher.
func (s *store) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	if has, err := s.Has(ctx, desc); err != nil || has {
		return err
	}
	root, err := s.init()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // read side
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close() //nolint:errcheck // read side
	return placeBlob(root, desc, blob.WithContext(ctx, blob.Verify(rc, desc)))
}

// write stores a document as a blob, whatever is there under its name.
func (s *store) write(root *os.Root, desc ocispec.Descriptor, raw []byte) error {
	return placeBlob(root, desc, bytes.NewReader(raw))
}

func placeBlob(root *os.Root, desc ocispec.Descriptor, r io.Reader) error {
	name := blobPath(desc.Digest)
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return place(root, name, r)
}

// place writes r to a temporary file beside name, makes it durable, and gives it its name. After a crash at any point, name is what it was
// or what it is to be.
func place(root *os.Root, name string, r io.Reader) (err error) {
	part := path.Join(path.Dir(name), partPrefix+rand.Text())
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = root.Remove(part)
		}
	}()
	if _, err = io.Copy(f, r); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = root.Rename(part, name); err != nil {
		return err
	}
	return syncDir(root, path.Dir(name))
}

func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // read side
	return d.Sync()
}

// sweep removes what processes that were killed have left half written.
func sweep(root *os.Root, now time.Time) {
	for _, dir := range []string{".", path.Join(ocispec.ImageBlobsDir, "sha256"), path.Join(ocispec.ImageBlobsDir, "sha512")} {
		d, err := root.Open(dir)
		if err != nil {
			continue
		}
		names, _ := d.Readdirnames(-1)
		_ = d.Close()
		for _, name := range names {
			if !strings.HasPrefix(name, partPrefix) {
				continue
			}
			part := path.Join(dir, name)
			if st, err := root.Lstat(part); err == nil && now.Sub(st.ModTime()) > partAge {
				_ = root.Remove(part)
			}
		}
	}
}

// lock waits for the lock of the index, which is BuildKit's too (client/ociindex: index.json.lock). We leave the file behind, but BuildKit
// removes it when it is done; a lock on a file that is not there any more excludes nobody, so it is taken again.
func (s *store) lock(ctx context.Context) (unlock func(), err error) {
	file := filepath.Join(s.dir, ocispec.ImageIndexFile+".lock")
	for {
		if st, err := os.Lstat(file); err == nil && !st.Mode().IsRegular() {
			return nil, fmt.Errorf("lock %s: it is not a regular file", file)
		}
		l := flock.New(file)
		if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return nil, fmt.Errorf("lock %s: %w", s.dir, err)
		}
		held, err := l.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Lstat(file); err == nil && os.SameFile(held, there) {
				return func() { _ = l.Unlock() }, nil
			}
		}
		_ = l.Unlock()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("lock %s: %w", s.dir, err)
		}
	}
}
