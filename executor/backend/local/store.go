package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/gofrs/flock"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// lockPoll is how often a held lock is tried again.
const lockPoll = 20 * time.Millisecond

// store is the blobs of a layout directory. It is a blob.Fetcher and a blob.Pusher.
type store struct{ dir string }

func (s *store) path(d digest.Digest) string {
	return filepath.Join(s.dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

func (s *store) ingest() string { return filepath.Join(s.dir, "ingest") }

// init makes the directories and the layout file.
func (s *store) init() error {
	for _, d := range []string{filepath.Join(s.dir, ocispec.ImageBlobsDir, "sha256"), s.ingest()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, ocispec.ImageLayoutFile)); err == nil {
		return nil
	}
	return s.replace(ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`))
}

// Fetch opens a blob; see blob.Fetcher.
func (s *store) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	f, err := openRegular(s.path(desc.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, blob.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return blob.Verify(f, desc), nil
}

// openRegular opens a file that is not a link to somewhere else.
func openRegular(path string) (*os.File, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read side
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
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

// Has tells whether a blob is there with its size; see blob.Pusher.
func (s *store) Has(_ context.Context, desc ocispec.Descriptor) (bool, error) {
	st, err := os.Lstat(s.path(desc.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return st.Mode().IsRegular() && st.Size() == desc.Size, nil
}

// Push writes a blob; see blob.Pusher.
func (s *store) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	if has, err := s.Has(ctx, desc); err != nil || has {
		return err
	}
	if err := s.init(); err != nil {
		return err
	}
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close() //nolint:errcheck // read side
	return s.place(s.path(desc.Digest), blob.Verify(rc, desc))
}

// write stores a document as a blob.
func (s *store) write(desc ocispec.Descriptor, raw []byte) error {
	return s.place(s.path(desc.Digest), bytes.NewReader(raw))
}

// replace gives a file of the layout new content.
func (s *store) replace(name string, raw []byte) error {
	return s.place(filepath.Join(s.dir, name), bytes.NewReader(raw))
}

// place writes r to a temporary file, makes it durable, and gives it its name.
func (s *store) place(path string, r io.Reader) (err error) {
	if err := os.MkdirAll(s.ingest(), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.ingest(), "part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = io.Copy(f, r); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // read side
	return d.Sync()
}

// lock waits for the lock of the index, which is BuildKit's too (client/ociindex: index.json.lock). The file is left behind: removing
// it would let two hold it at once.
func (s *store) lock(ctx context.Context) (unlock func(), err error) {
	l := flock.New(filepath.Join(s.dir, ocispec.ImageIndexFile+".lock"))
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("lock %s: %w", s.dir, err)
	}
	return func() { _ = l.Unlock() }, nil
}
