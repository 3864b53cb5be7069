package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// marksFile is where marks are kept, beside the index. BuildKit does not look at it.
	marksFile  = "cachectl-marks.json"
	marksLimit = 64 << 20
	// ingestDir is where BuildKit's client keeps blobs that it is writing (containerd: plugins/content/local). One that was not touched for
	// ingestAge belongs to an export that was killed.
	ingestDir = "ingest"
	ingestAge = time.Hour
	// What is followed from the index.
	maxDepth     = 8
	maxManifests = 100_000
	// dirBatch is how many entries of a directory are held at once.
	dirBatch = 1024
)

// Objects calls fn for every blob; see backend.Sweeper. What is no blob by its name is not one.
func (l *Location) Objects(ctx context.Context, fn func(backend.Object) error) error {
	root, err := l.store.root()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // read side
	for _, algorithm := range []digest.Algorithm{digest.SHA256, digest.SHA512} {
		if err := eachBlob(ctx, root, algorithm, fn); err != nil {
			return err
		}
	}
	return nil
}

func eachBlob(ctx context.Context, root *os.Root, algorithm digest.Algorithm, fn func(backend.Object) error) error {
	dir, err := root.Open(path.Join(ocispec.ImageBlobsDir, algorithm.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // read side
	for {
		entries, err := dir.ReadDir(dirBatch)
		for _, e := range entries {
			d := digest.NewDigestFromEncoded(algorithm, e.Name())
			if d.Validate() != nil || !e.Type().IsRegular() {
				continue
			}
			st, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := fn(backend.Object{Digest: d, Size: st.Size(), Modified: st.ModTime()}); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// Needed is all that is reachable from the index, caches and images; see backend.Sweeper.
func (l *Location) Needed(ctx context.Context) (map[digest.Digest]bool, error) {
	idx, err := l.readIndex(ctx)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return nil, err
	}
	return l.reachable(ctx, idx)
}

func (l *Location) reachable(ctx context.Context, idx ocispec.Index) (map[digest.Digest]bool, error) {
	f := follower{store: l.store, needed: map[digest.Digest]bool{}}
	for _, d := range idx.Manifests {
		if err := f.follow(ctx, d, 0); err != nil {
			return nil, fmt.Errorf("what %s needs is not known: %w; repair or remove it first", nameOf(d), err)
		}
	}
	return f.needed, nil
}

func nameOf(d ocispec.Descriptor) string {
	if tag := d.Annotations[ocispec.AnnotationRefName]; tag != "" {
		return "tag " + tag
	}
	return "manifest " + d.Digest.String()
}

// follower collects what manifests need.
type follower struct {
	store     *store
	needed    map[digest.Digest]bool
	manifests int
}

// follow adds what a manifest needs. A manifest that is gone needs nothing: nobody finds anything through it.
func (f *follower) follow(ctx context.Context, d ocispec.Descriptor, depth int) error {
	if err := d.Digest.Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", d.Digest, err)
	}
	if f.needed[d.Digest] {
		return nil
	}
	f.needed[d.Digest] = true
	if f.manifests++; f.manifests > maxManifests || depth > maxDepth {
		return fmt.Errorf("%w: more than %d manifests, or nested deeper than %d", cache.ErrInvalid, maxManifests, maxDepth)
	}
	raw, err := f.store.document(ctx, d, cache.ManifestLimit)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := cache.ParseManifest(d.MediaType, raw)
	if err != nil {
		return err
	}
	if m.Config.Digest != "" {
		f.needed[m.Config.Digest] = true
	}
	for _, layer := range m.Layers {
		f.needed[layer.Digest] = true
	}
	for _, child := range m.Images {
		if err := f.follow(ctx, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// Marks reads what SetMarks wrote.
func (l *Location) Marks(context.Context) ([]byte, error) {
	raw, err := l.store.read(marksFile, marksLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// SetMarks writes the marks beside the index.
func (l *Location) SetMarks(_ context.Context, marks []byte) error {
	root, err := l.store.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what matters was synced
	if marks != nil {
		return place(root, marksFile, bytes.NewReader(marks))
	}
	if err := root.Remove(marksFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Delete removes blobs under the lock of the index; see backend.Sweeper. An export of ours looks under the same lock whether its layers are there.
// One of BuildKit's does not, so nothing is deleted while there is a sign of one.
func (l *Location) Delete(ctx context.Context, objects []backend.Object) ([]backend.Object, error) {
	root, err := l.store.root()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // what matters was synced
	unlock, err := l.store.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if exporting(root, time.Now()) {
		return nil, fmt.Errorf("%s: %w", l.dir, backend.ErrBusy)
	}
	idx, err := l.parseIndex()
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return nil, err
	}
	needed, err := l.reachable(ctx, idx)
	if err != nil {
		return nil, err
	}
	var deleted []backend.Object
	for _, o := range objects {
		if err := context.Cause(ctx); err != nil {
			return deleted, err
		}
		st, err := root.Lstat(blobPath(o.Digest))
		if needed[o.Digest] || err != nil || !st.Mode().IsRegular() || st.Size() != o.Size || !st.ModTime().Equal(o.Modified) {
			continue
		}
		if err := root.Remove(blobPath(o.Digest)); err != nil {
			return deleted, err
		}
		deleted = append(deleted, o)
	}
	return deleted, nil
}

// exporting tells whether BuildKit's client is writing blobs.
func exporting(root *os.Root, now time.Time) bool {
	dir, err := root.Open(ingestDir)
	if err != nil {
		return false
	}
	defer dir.Close() //nolint:errcheck // read side
	entries, _ := dir.ReadDir(dirBatch)
	for _, e := range entries {
		if st, err := e.Info(); err == nil && now.Sub(st.ModTime()) < ingestAge {
			return true
		}
	}
	return false
}
