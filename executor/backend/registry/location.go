package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/inline"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// headsAtOnce is how many blobs are looked for at once; the host's limit applies besides.
const headsAtOnce = 16

// Location is a tag or digest of a repository. It is a backend.Source and a backend.Destination.
type Location struct {
	ref      name.Reference
	repo     *repository
	insecure bool
	format   cache.Format
	entry    config.Cache
	// mirrored says that the tag may be resolved by a mirror.
	mirrored bool
	// moved is how long the tag was last being moved, from looking at it to having moved it, in nanoseconds.
	moved atomic.Int64
}

// OpenSource returns the location that a cache-from "registry" names. It is read from the host's mirrors where they have it.
func OpenSource(c config.Cache, hosts *Hosts) (*Location, error) {
	l, err := open(c, hosts)
	if err == nil {
		l.mirrored = true
	}
	return l, err
}

// OpenDestination returns the location that a cache-to "registry" names. Its tag is always that of the registry itself.
func OpenDestination(c config.Cache, hosts *Hosts) (*Location, error) {
	l, err := open(c, hosts)
	if err == nil {
		l.repo.writable.Store(true)
	}
	return l, err
}

func open(c config.Cache, hosts *Hosts) (*Location, error) {
	ref, err := name.ParseReference(c.String("ref"))
	if err != nil {
		return nil, fmt.Errorf("ref %q: %w", c.String("ref"), err)
	}
	insecure := c.Bool("registry.insecure")
	repo, err := hosts.repository(ref.Context(), insecure)
	if err != nil {
		return nil, err
	}
	return &Location{
		ref: ref, insecure: insecure, repo: repo, entry: c,
		format: backend.Format(c.String("mode"), c.Bool("oci-mediatypes"), c.Bool("image-manifest")),
	}, nil
}

// repository returns the shared view of a repository.
func (h *Hosts) repository(repo name.Repository, insecure bool) (*repository, error) {
	r := h.host(repo.Registry, insecure).repository(repo)
	block := h.block(repo.RegistryStr())
	if block == nil || len(block.Mirrors) == 0 {
		return r, nil
	}
	var mirrors []*mirror
	for _, addr := range block.Mirrors {
		reg, err := name.NewRegistry(addr)
		if err != nil {
			return nil, fmt.Errorf("mirror %q of registry %s: %w", addr, block.Host, err)
		}
		mirrors = append(mirrors, &mirror{repository: h.host(reg, false).repository(reg.Repo(repo.RepositoryStr()))})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mirrors == nil {
		r.mirrors = mirrors
	}
	return r, nil
}

func (h *host) repository(repo name.Repository) *repository {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, ok := h.repositories[repo.Name()]; ok {
		return r
	}
	r := &repository{
		host: h, name: repo, known: map[digest.Digest]bool{}, wrong: map[digest.Digest]bool{}, tags: map[string]chan struct{}{},
	}
	h.repositories[repo.Name()] = r
	return r
}

// Name is "registry" and the ref.
func (l *Location) Name() string { return "registry " + l.ref.String() }

// Host is the registry's host and port.
func (l *Location) Host() string { return l.repo.name.RegistryStr() }

// Key is the normalised ref.
func (l *Location) Key() string { return "registry " + l.ref.Name() }

// Format says how caches are written here.
func (l *Location) Format() cache.Format { return l.format }

// Blobs is the repository.
func (l *Location) Blobs() blob.Pusher { return l.repo }

// Read returns the cache at the ref: a cache manifest, a cache index, or an image with an inline cache.
func (l *Location) Read(ctx context.Context) (*backend.Current, error) {
	raw, root, err := l.resolve(ctx)
	if err != nil {
		return nil, err
	}
	cur := &backend.Current{Root: root, Blobs: l.repo}
	m, err := cache.ParseManifest(root.MediaType, raw)
	if err != nil {
		return cur, err
	}
	cur.MadeBy, cur.Note, cur.Image = m.MadeBy, m.Note, !m.IsCache
	if m.MediaType != "" {
		cur.Root.MediaType = m.MediaType
	}
	if root.Size > cache.ImportLimit || (m.IsCache && m.Config.Size > cache.ImportLimit) {
		return cur, fmt.Errorf("%w: its manifest has %d bytes and its config %d, the limit is %d", cache.ErrTooLarge, root.Size, m.Config.Size, cache.ImportLimit)
	}
	if !m.IsCache {
		cur.Cache, err = inline.Read(ctx, m, l.repo)
		return cur, err
	}
	cfg, err := l.document(ctx, m.Config)
	if err != nil {
		return cur, fmt.Errorf("read cache config: %w", err)
	}
	cur.Cache, err = cache.Decode(cfg, m.Layers)
	return cur, err
}

// Peek reads the manifest at the ref, in one request; see backend.Peeker.
func (l *Location) Peek(ctx context.Context) (*cache.Manifest, ocispec.Descriptor, error) {
	raw, root, err := l.resolve(ctx)
	if err != nil {
		return nil, root, err
	}
	m, err := cache.ParseManifest(root.MediaType, raw)
	return m, root, err
}

// resolve reads what the ref points at.
func (l *Location) resolve(ctx context.Context) (raw []byte, root ocispec.Descriptor, err error) {
	read := func(ctx context.Context, from *repository) error {
		raw, root, err = from.manifest(ctx, l.ref.Identifier())
		return err
	}
	if l.mirrored && l.repo.fromMirrors(ctx, func(ctx context.Context, m *mirror) error { return read(ctx, m.repository) }) {
		return raw, root, nil
	}
	err = read(ctx, l.repo)
	return raw, root, err
}

// document reads a config into memory.
func (l *Location) document(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	if desc.Size > cache.ConfigLimit {
		return nil, fmt.Errorf("%w: config of %d bytes", cache.ErrInvalid, desc.Size)
	}
	raw, err := l.readBlob(ctx, desc)
	if errors.Is(err, blob.ErrIntegrity) {
		raw, err = l.readBlob(ctx, desc) // past any cache on the way this time
	}
	return raw, err
}

func (l *Location) readBlob(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	rc, err := l.repo.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close() //nolint:errcheck // read side
	return io.ReadAll(rc)
}

// Native pins the ref by digest, so that BuildKit imports what was checked. BuildKit takes tag and digest together and resolves by
// the digest (cache/remotecache/registry, canonicalizeRef); the tag stays in for what BuildKit shows.
func (l *Location) Native(cur *backend.Current) backend.Native {
	attrs := map[string]string{"ref": l.repo.name.Name() + "@" + cur.Root.Digest.String()}
	if tag, ok := l.ref.(name.Tag); ok {
		attrs["ref"] = tag.Name() + "@" + cur.Root.Digest.String()
	}
	if l.insecure {
		attrs["registry.insecure"] = "true"
	}
	return backend.Native{Type: "registry", Attrs: attrs}
}

// Missing looks for each layer. What was found once is not looked for again in this run.
func (l *Location) Missing(ctx context.Context, cur *backend.Current) ([]ocispec.Descriptor, error) {
	var mu sync.Mutex
	var missing []ocispec.Descriptor
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(headsAtOnce)
	seen := map[digest.Digest]bool{}
	for _, layer := range cur.Cache.Layers() {
		if seen[layer.Descriptor.Digest] {
			continue
		}
		seen[layer.Descriptor.Digest] = true
		group.Go(func() error {
			has, err := l.repo.Has(ctx, layer.Descriptor)
			if err == nil && !has {
				mu.Lock()
				missing = append(missing, layer.Descriptor)
				mu.Unlock()
			}
			return err
		})
	}
	return missing, group.Wait()
}

// Forget drops what is remembered of the repository, so that Missing looks again.
func (l *Location) Forget() { l.repo.forget() }

// Check opens an upload and cancels it.
func (l *Location) Check(ctx context.Context) error {
	if err := l.publishable(); err != nil {
		return err
	}
	at, err := l.repo.start(ctx)
	if err != nil {
		return err
	}
	l.repo.cancel(ctx, at)
	return nil
}

func (l *Location) publishable() error {
	if _, ok := l.ref.(name.Tag); !ok {
		return fmt.Errorf("%s is a digest; a cache is published under a tag", l.ref)
	}
	return nil
}
