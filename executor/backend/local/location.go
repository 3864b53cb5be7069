// Package local reads and publishes caches in directories: OCI image layouts, as BuildKit's local cache backend has them.
//
// Blobs are written before the index that names them, each under a temporary name first; the index is replaced as a whole under a lock that
// waits. A reader sees the old cache or the new one at every moment.
package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/inline"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Location is a tag or digest in a layout directory. It is a backend.Source and a backend.Destination.
type Location struct {
	dir    string
	tag    string
	digest digest.Digest
	store  *store
	format cache.Format
	entry  config.Cache
}

// Open returns the location of a cache-from (src) or cache-to (dest) "local"; relative paths are below base.
func Open(c config.Cache, base string) (*Location, error) {
	dir := c.String("dest")
	if dir == "" {
		dir = c.String("src")
	}
	if dir == "" {
		return nil, errors.New("local cache without src or dest")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(base, dir)
	}
	l := &Location{
		dir: filepath.Clean(dir), tag: c.String("tag"), store: &store{dir: filepath.Clean(dir)},
		format: backend.Format(c.String("mode"), c.Bool("oci-mediatypes"), c.Bool("image-manifest")),
		entry:  c,
	}
	if l.tag == "" {
		l.tag = "latest"
	}
	if d := c.String("digest"); d != "" {
		l.digest = digest.Digest(d)
		if err := l.digest.Validate(); err != nil {
			return nil, fmt.Errorf("digest %q: %w", d, err)
		}
	}
	return l, nil
}

// Name is "local", the directory and the tag.
func (l *Location) Name() string {
	if l.digest != "" {
		return "local " + l.dir + "@" + l.digest.String()
	}
	return "local " + l.dir + ":" + l.tag
}

// Host is this machine.
func (l *Location) Host() string { return "" }

// Pool is the directory; see backend.Pooled.
func (l *Location) Pool() string { return "local " + l.dir }

// Key is the directory and the tag.
func (l *Location) Key() string { return "local " + l.dir + ":" + l.tag }

// Format says how caches are written here.
func (l *Location) Format() cache.Format { return l.format }

// Blobs is the directory.
func (l *Location) Blobs() blob.Pusher { return l.store }

// Read returns the cache that the tag or digest names.
func (l *Location) Read(ctx context.Context) (*backend.Current, error) {
	root, err := l.resolve(ctx)
	if err != nil {
		return nil, err
	}
	cur := &backend.Current{Root: root, Blobs: l.store}
	raw, err := l.store.document(ctx, root, cache.ManifestLimit)
	if err != nil {
		return cur, fmt.Errorf("read manifest: %w", err)
	}
	m, err := cache.ParseManifest(root.MediaType, raw)
	if err != nil {
		return cur, err
	}
	cur.MadeBy, cur.Note, cur.Image = m.MadeBy, m.Note, !m.IsCache
	cur.Root.MediaType = m.MediaType
	if root.Size > cache.ImportLimit || (m.IsCache && m.Config.Size > cache.ImportLimit) {
		return cur, fmt.Errorf("%w: its manifest has %d bytes and its config %d, the limit is %d", cache.ErrTooLarge, root.Size, m.Config.Size, cache.ImportLimit)
	}
	if !m.IsCache {
		cur.Cache, err = inline.Read(ctx, m, l.store)
		return cur, err
	}
	cfg, err := l.store.document(ctx, m.Config, cache.ConfigLimit)
	if err != nil {
		return cur, fmt.Errorf("read cache config: %w", err)
	}
	cur.Cache, err = cache.Decode(cfg, m.Layers)
	return cur, err
}

// Peek reads the manifest that the tag or digest names; see backend.Peeker.
func (l *Location) Peek(ctx context.Context) (*cache.Manifest, ocispec.Descriptor, error) {
	root, err := l.resolve(ctx)
	if err != nil {
		return nil, root, err
	}
	raw, err := l.store.document(ctx, root, cache.ManifestLimit)
	if err != nil {
		return nil, root, fmt.Errorf("read manifest: %w", err)
	}
	m, err := cache.ParseManifest(root.MediaType, raw)
	return m, root, err
}

// Manifest reads a manifest by its descriptor; see inline.Image.
func (s *store) Manifest(ctx context.Context, desc ocispec.Descriptor) ([]byte, string, error) {
	raw, err := s.document(ctx, desc, cache.ManifestLimit)
	return raw, desc.MediaType, err
}

// resolve finds the manifest.
func (l *Location) resolve(ctx context.Context) (ocispec.Descriptor, error) {
	if l.digest != "" {
		size, err := l.store.size(l.digest)
		if err == nil && size < 0 {
			err = fmt.Errorf("manifest %s: %w", l.digest, blob.ErrNotFound)
		}
		return ocispec.Descriptor{Digest: l.digest, Size: size}, err
	}
	idx, err := l.readIndex(ctx)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, d := range idx.Manifests {
		if d.Annotations[ocispec.AnnotationRefName] == l.tag {
			if err := d.Digest.Validate(); err != nil {
				return ocispec.Descriptor{}, fmt.Errorf("index.json: digest %q: %w", d.Digest, err)
			}
			if d.Size < 0 {
				return ocispec.Descriptor{}, fmt.Errorf("index.json: %s has size %d: %w", d.Digest, d.Size, cache.ErrInvalid)
			}
			return ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("tag %s: %w", l.tag, blob.ErrNotFound)
}

// Native hands BuildKit the directory and the digest that was read.
func (l *Location) Native(cur *backend.Current) backend.Native {
	return backend.Native{Type: "local", Attrs: map[string]string{"src": l.dir, "digest": cur.Root.Digest.String()}}
}

// Missing returns the layers whose files are gone or of another size.
func (l *Location) Missing(ctx context.Context, cur *backend.Current) ([]ocispec.Descriptor, error) {
	var missing []ocispec.Descriptor
	for _, layer := range cur.Cache.Layers() {
		has, err := l.store.Has(ctx, layer.Descriptor)
		if err != nil {
			return nil, err
		}
		if !has {
			missing = append(missing, layer.Descriptor)
		}
	}
	return missing, nil
}

// Check makes the directory and writes and removes a file in it.
func (l *Location) Check(context.Context) error {
	if l.digest != "" {
		return errors.New("a cache is published under a tag, not a digest")
	}
	root, err := l.store.init()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing to lose
	sweep(root, time.Now())
	const name = partPrefix + "check"
	if err := place(root, name, bytes.NewReader(nil)); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Publish writes config and manifest and puts the tag into the index; see backend.Destination.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	enc, err := c.Encode(l.format)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	root, err := l.store.init()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer root.Close() //nolint:errcheck // what matters was synced
	for _, doc := range []struct {
		desc ocispec.Descriptor
		raw  []byte
	}{{enc.ConfigDesc, enc.Config}, {enc.ManifestDesc, enc.Manifest}} {
		if err := context.Cause(ctx); err != nil {
			return ocispec.Descriptor{}, err
		}
		if err := l.store.write(root, doc.desc, doc.raw); err != nil {
			return ocispec.Descriptor{}, err
		}
		// Read back what the disk says was written.
		if _, err := l.store.document(ctx, doc.desc, cache.ManifestLimit); err != nil {
			return ocispec.Descriptor{}, fmt.Errorf("read %s back: %w", doc.desc.Digest, err)
		}
	}
	if err := l.tagIt(ctx, root, enc, replaces); err != nil {
		return ocispec.Descriptor{}, err
	}
	return enc.ManifestDesc, nil
}

// tagIt points the tag at the manifest if it still points at what the caller has seen, and if all that the manifest lists is there: who sweeps the
// directory does so under the same lock. Other tags stay.
func (l *Location) tagIt(ctx context.Context, root *os.Root, enc *cache.Encoded, replaces ocispec.Descriptor) error {
	desc := enc.ManifestDesc
	unlock, err := l.store.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	idx, err := l.parseIndex()
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	var kept []ocispec.Descriptor
	var now digest.Digest
	for _, d := range idx.Manifests {
		if d.Annotations[ocispec.AnnotationRefName] == l.tag {
			now = d.Digest
			continue
		}
		kept = append(kept, d)
	}
	if now != replaces.Digest {
		return backend.ErrConflict
	}
	for _, layer := range enc.Layers {
		if has, err := l.store.Has(ctx, layer); err != nil || !has {
			return errors.Join(err, fmt.Errorf("layer %s is gone since it was found or pushed: %w; run again", layer.Digest, blob.ErrNotFound))
		}
	}
	desc.Annotations = map[string]string{ocispec.AnnotationRefName: l.tag}
	idx.SchemaVersion, idx.MediaType = 2, ocispec.MediaTypeImageIndex
	idx.Manifests = append(kept, desc)
	raw, err := json.Marshal(idx)
	if err != nil {
		return err
	}
	return place(root, ocispec.ImageIndexFile, bytes.NewReader(raw))
}

// readIndex reads the index. BuildKit writes it in place, so one that does not parse may be half written: it is read again under the lock.
func (l *Location) readIndex(ctx context.Context) (ocispec.Index, error) {
	idx, err := l.parseIndex()
	if !errors.Is(err, errDamaged) {
		return idx, err
	}
	unlock, lockErr := l.store.lock(ctx)
	if lockErr != nil {
		return idx, err
	}
	defer unlock()
	return l.parseIndex()
}

// errDamaged says that the index is not one.
var errDamaged = errors.New("not an index")

func (l *Location) parseIndex() (ocispec.Index, error) {
	var idx ocispec.Index
	raw, err := l.store.read(ocispec.ImageIndexFile, cache.ManifestLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return idx, fmt.Errorf("%s: %w", l.dir, blob.ErrNotFound)
	}
	if err != nil {
		return idx, err
	}
	if len(raw) == 0 { // BuildKit makes it before it fills it, and takes it for an empty one
		return idx, fmt.Errorf("%s: %w", l.dir, blob.ErrNotFound)
	}
	if err := json.Unmarshal(raw, &idx); err != nil {
		return idx, fmt.Errorf("%s in %s is damaged: %w: %w; remove it to start anew, the layers stay", ocispec.ImageIndexFile, l.dir, errDamaged, err)
	}
	return idx, nil
}
