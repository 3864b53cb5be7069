// Package memory keeps caches in the memory of the process. It is for tests: a backend like any other, which shows what a new one takes. It is not
// entered in the table of locations, and no configuration can name it unless a test enters it.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store is what several locations keep their blobs and names in.
type Store struct {
	mu    sync.Mutex
	blobs map[digest.Digest][]byte
	names map[string]digest.Digest
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{blobs: map[digest.Digest][]byte{}, names: map[string]digest.Digest{}}
}

// Location is one name in a store.
type Location struct {
	store  *Store
	name   string
	format cache.Format
}

// Open returns the location that the attribute name stands for, "buildkit" without one.
func Open(c config.Cache, s *Store) (*Location, error) {
	name := c.String("name")
	if name == "" {
		name = "buildkit"
	}
	return &Location{store: s, name: name, format: cache.Format{Mode: cache.Mode(c.String("mode")), SelfDescribed: true}}, nil
}

// Name is "memory" and the name.
func (l *Location) Name() string { return "memory " + l.name }

// Host is this machine.
func (l *Location) Host() string { return "" }

// Key is the name.
func (l *Location) Key() string { return l.Name() }

// Check finds nothing wrong: memory can be written.
func (l *Location) Check(ctx context.Context) error { return context.Cause(ctx) }

// Format is that of configs that stand alone.
func (l *Location) Format() cache.Format { return l.format }

// Blobs is the store.
func (l *Location) Blobs() blob.Pusher { return l.store }

// Native names an import that BuildKit does not have: it cannot read this process's memory.
func (l *Location) Native(*backend.Current) backend.Native {
	return backend.Native{Type: "memory", Attrs: map[string]string{"name": l.name}}
}

// Read returns the cache under the name; see backend.Source.
func (l *Location) Read(ctx context.Context) (*backend.Current, error) {
	l.store.mu.Lock()
	root, ok := l.store.names[l.name]
	raw := l.store.blobs[root]
	l.store.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("%s: %w", l.Name(), blob.ErrNotFound)
	}
	cur := &backend.Current{Root: ocispec.Descriptor{Digest: root, Size: int64(len(raw))}, Blobs: l.store}
	if digest.FromBytes(raw) != root {
		return cur, fmt.Errorf("%s: %w", l.Name(), blob.ErrIntegrity)
	}
	cur.Note = cache.Note(raw)
	var err error
	if cur.Cache, err = cache.Decode(raw, nil); err != nil {
		return cur, err
	}
	return cur, context.Cause(ctx)
}

// Missing are the layers that are not in the store.
func (l *Location) Missing(ctx context.Context, cur *backend.Current) ([]ocispec.Descriptor, error) {
	var gone []ocispec.Descriptor
	for _, layer := range cur.Cache.Layers() {
		if has, err := l.store.Has(ctx, layer.Descriptor); err != nil {
			return nil, err
		} else if !has {
			gone = append(gone, layer.Descriptor)
		}
	}
	return gone, nil
}

// Publish puts the config under the name, unless the name holds something else by now; see backend.Destination.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	enc, err := c.Encode(l.format)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		return ocispec.Descriptor{}, err
	}
	if l.store.names[l.name] != replaces.Digest {
		return ocispec.Descriptor{}, backend.ErrConflict
	}
	l.store.blobs[enc.ConfigDesc.Digest] = enc.Config
	l.store.names[l.name] = enc.ConfigDesc.Digest
	return enc.ConfigDesc, nil
}

// Has tells whether the store holds a blob.
func (s *Store) Has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, ok := s.blobs[desc.Digest]
	return ok && int64(len(raw)) == desc.Size, context.Cause(ctx)
}

// Push stores a blob; see blob.Pusher.
func (s *Store) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	if has, err := s.Has(ctx, desc); has || err != nil {
		return err
	}
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close() //nolint:errcheck // read side
	raw, err := io.ReadAll(blob.Verify(rc, desc))
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[desc.Digest] = raw
	return nil
}

// Fetch opens a blob; see blob.Fetcher.
func (s *Store) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	s.mu.Lock()
	raw, ok := s.blobs[desc.Digest]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, blob.ErrNotFound)
	}
	return blob.Verify(io.NopCloser(bytes.NewReader(raw)), desc), nil
}
