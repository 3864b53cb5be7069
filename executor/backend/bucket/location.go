package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const (
	// looksAtOnce is how many layers are looked for at once.
	looksAtOnce = 16
	// digestName is what an object's meta calls the digest of the config that cachectl wrote into it. Azure takes letters only.
	digestName = "cachectl"
)

// Options say which name of a store a location is.
type Options struct {
	// Type is the backend, Place what people call the place, without any secret, Host what locations of one account and bucket have in common.
	Type, Place, Host string
	// Name is what the cache is called in the bucket.
	Name string
	Mode string
	// Parallel is how many layers are uploaded at once.
	Parallel int
	// RenewAfter is the age beyond which what is in use is renewed, where the service is a Renewer.
	RenewAfter time.Duration
	// Entry is the cache entry that the name was opened by.
	Entry config.Cache
	// Native is the entry for BuildKit. It is asked for after something was read.
	Native func() backend.Native
}

// Location is a name in a bucket. It is a backend.Source and a backend.Destination.
type Location struct {
	opt   Options
	store *Store
	blobs *pusher
	key   string

	mu sync.Mutex
	// seen are the objects that the name was seen to be, by what was in them.
	seen map[digest.Digest]Object
}

// Open returns a name of a store.
func Open(store *Store, opt Options) *Location {
	return &Location{
		opt: opt, store: store, blobs: &pusher{Store: store, slots: make(chan struct{}, max(opt.Parallel, 1))},
		key: store.service.ManifestKey(opt.Name), seen: map[digest.Digest]Object{},
	}
}

// Name is the type, the place and the key.
func (l *Location) Name() string { return l.opt.Type + " " + l.opt.Place + "/" + l.key }

// Host is the account and bucket.
func (l *Location) Host() string { return l.opt.Type + " " + l.opt.Host }

// Key is the bucket and the object's key.
func (l *Location) Key() string { return l.opt.Type + " " + l.opt.Host + "/" + l.key }

// Format says how caches are written here.
func (l *Location) Format() cache.Format {
	return cache.Format{Mode: cache.Mode(l.opt.Mode), OCI: true, SelfDescribed: true}
}

// Blobs is the bucket.
func (l *Location) Blobs() blob.Pusher { return l.blobs }

// Native is the entry for BuildKit. A bucket has nothing to pin it by: BuildKit reads what the name holds by then.
func (l *Location) Native(*backend.Current) backend.Native { return l.opt.Native() }

// Forget drops what is remembered of the bucket, so that Missing looks again.
func (l *Location) Forget() { l.store.forget() }

// Check fails if the bucket cannot be written.
func (l *Location) Check(ctx context.Context) error { return l.store.service.Check(ctx) }

// Read returns the cache that the name holds. A config that cachectl wrote is checked against the digest that was written with it; BuildKit
// writes none.
func (l *Location) Read(ctx context.Context) (*backend.Current, error) {
	raw, obj, err := l.document(ctx)
	if err != nil && !errors.Is(err, cache.ErrTooLarge) {
		return nil, err
	}
	cur := &backend.Current{Root: l.note(raw, obj), Blobs: l.store}
	if err != nil {
		return cur, err
	}
	if stated := obj.Meta[digestName]; stated != "" {
		cur.MadeBy = "cachectl"
		if stated != cur.Root.Digest.String() {
			return cur, fmt.Errorf("config is %s and was written as %s: %w", cur.Root.Digest, stated, blob.ErrIntegrity)
		}
	}
	cur.Note = cache.Note(raw)
	cur.Cache, err = cache.Decode(raw, nil)
	return cur, err
}

// note remembers what the name was seen to hold and describes it. What is too large to be read is known by its tag.
func (l *Location) note(raw []byte, obj Object) ocispec.Descriptor {
	root := ocispec.Descriptor{MediaType: types.CacheConfigMediaTypeV0, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	if raw == nil {
		root.Digest, root.Size = digest.FromString("tag "+obj.Tag), obj.Size
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[root.Digest] = obj
	return root
}

// document reads the object of the name into memory. One that is too large is ErrTooLarge and comes without its bytes.
func (l *Location) document(ctx context.Context) ([]byte, Object, error) {
	body, obj, err := l.store.get(ctx, l.key, 0, "")
	if err != nil {
		return nil, obj, err
	}
	r := &resumable{ctx: ctx, body: body, size: obj.Size, open: func(from int64) (io.ReadCloser, error) {
		body, _, err := l.store.get(ctx, l.key, from, obj.Tag)
		return body, err
	}}
	defer func() { _ = r.Close() }()
	if obj.Size > cache.ConfigLimit {
		return nil, obj, fmt.Errorf("%w: config of %d bytes", cache.ErrTooLarge, obj.Size)
	}
	raw, err := io.ReadAll(io.LimitReader(r, cache.ConfigLimit+1))
	switch {
	case err != nil:
		return nil, obj, fmt.Errorf("read %s: %w", l.key, err)
	case len(raw) > cache.ConfigLimit:
		return nil, obj, fmt.Errorf("%w: config of more than %d bytes", cache.ErrTooLarge, cache.ConfigLimit)
	}
	return raw, obj, nil
}

// Missing looks for each layer.
func (l *Location) Missing(ctx context.Context, cur *backend.Current) ([]ocispec.Descriptor, error) {
	var mu sync.Mutex
	var missing []ocispec.Descriptor
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for _, desc := range distinct(cur.Cache) {
		group.Go(func() error {
			has, err := l.store.has(ctx, desc)
			if err == nil && !has {
				mu.Lock()
				missing = append(missing, desc)
				mu.Unlock()
			}
			return err
		})
	}
	err := group.Wait()
	return missing, err
}

// distinct are the blobs of a cache, each once.
func distinct(c *cache.Cache) []ocispec.Descriptor {
	var list []ocispec.Descriptor
	seen := map[digest.Digest]bool{}
	for _, layer := range c.Layers() {
		if d := layer.Descriptor.Digest; !seen[d] {
			seen[d] = true
			list = append(list, layer.Descriptor)
		}
	}
	return list
}
