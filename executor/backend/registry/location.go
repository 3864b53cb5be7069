package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
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
}

// Open returns the location that a cache-from or cache-to "registry" names.
func Open(c config.Cache, hosts *Hosts) (*Location, error) {
	insecure := c.Bool("registry.insecure")
	ref, err := parse(c.String("ref"), hosts, insecure)
	if err != nil {
		return nil, err
	}
	repo := ref.Context()
	return &Location{
		ref: ref, insecure: insecure,
		repo:   hosts.repository(repo, insecure),
		format: backend.Format(c.String("mode"), c.Bool("oci-mediatypes"), c.Bool("image-manifest")),
	}, nil
}

// parse reads a ref; hosts that may be spoken to without TLS are.
func parse(s string, hosts *Hosts, insecure bool) (name.Reference, error) {
	ref, err := name.ParseReference(s)
	if err != nil {
		return nil, fmt.Errorf("ref %q: %w", s, err)
	}
	if insecure || hosts.plain(ref.Context().RegistryStr()) {
		return name.ParseReference(s, name.Insecure)
	}
	return ref, nil
}

// repository returns the shared view of a repository.
func (h *Hosts) repository(repo name.Repository, insecure bool) *repository {
	host := h.host(repo.Registry, insecure)
	host.mu.Lock()
	defer host.mu.Unlock()
	if host.repositories == nil {
		host.repositories = map[string]*repository{}
	}
	if r, ok := host.repositories[repo.Name()]; ok {
		return r
	}
	r := &repository{host: host, name: repo, known: map[digest.Digest]bool{}}
	host.repositories[repo.Name()] = r
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
	raw, root, err := l.repo.manifest(ctx, l.ref.Identifier())
	if err != nil {
		return nil, err
	}
	cur := &backend.Current{Root: root, Blobs: l.repo}
	m, err := cache.ParseManifest(root.MediaType, raw)
	if err != nil {
		return cur, err
	}
	if m.MediaType != "" {
		cur.Root.MediaType = m.MediaType
	}
	if !m.IsCache {
		cur.Cache, err = l.inline(ctx, m)
		return cur, err
	}
	if root.Size > cache.ImportLimit || m.Config.Size > cache.ImportLimit {
		return cur, fmt.Errorf("%w: its manifest has %d bytes and its config %d, the limit is %d", cache.ErrTooLarge, root.Size, m.Config.Size, cache.ImportLimit)
	}
	cfg, err := l.document(ctx, m.Config)
	if err != nil {
		return cur, fmt.Errorf("read cache config: %w", err)
	}
	cur.Cache, err = cache.Decode(cfg, m.Layers)
	return cur, err
}

// inline reads the caches that images carry in their configs; an index has one for each platform.
func (l *Location) inline(ctx context.Context, m *cache.Manifest) (*cache.Cache, error) {
	if m.Images == nil {
		cfg, err := l.document(ctx, m.Config)
		if err != nil {
			return nil, fmt.Errorf("read image config: %w", err)
		}
		return cache.DecodeInline(cfg, m.Layers)
	}
	var found []*cache.Cache
	for _, d := range m.Images {
		raw, desc, err := l.repo.manifest(ctx, d.Digest.String())
		if err != nil {
			return nil, fmt.Errorf("read manifest %s: %w", d.Digest, err)
		}
		image, err := cache.ParseManifest(desc.MediaType, raw)
		if err != nil {
			return nil, err
		}
		if image.Images != nil {
			continue // an index in an index: BuildKit's attestations and others have no cache
		}
		c, err := l.inline(ctx, image)
		if errors.Is(err, cache.ErrNotCache) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, cache.ErrNotCache
	}
	return cache.Merge(found...), nil
}

// document reads a config into memory.
func (l *Location) document(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	if desc.Size > cache.ConfigLimit {
		return nil, fmt.Errorf("%w: config of %d bytes", cache.ErrInvalid, desc.Size)
	}
	rc, err := l.repo.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close() //nolint:errcheck // read side
	return io.ReadAll(rc)
}

// Native pins the ref by digest, so that BuildKit imports what was checked. An image is imported by its tag alone: the digest of one of
// its manifests is not what holds the cache.
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
	if _, ok := l.ref.(name.Tag); !ok {
		return fmt.Errorf("%s is a digest; a cache is published under a tag", l.ref)
	}
	loc, err := l.repo.start(ctx)
	if err != nil {
		return err
	}
	resp := &http.Response{Header: http.Header{"Location": {loc.String()}}}
	l.repo.cancel(ctx, loc, resp)
	return nil
}

// Publish writes config and manifest by digest, reads the manifest back and moves the tag; see backend.Destination. A registry has no
// compare-and-swap: the tag is looked at immediately before it is moved, and read back after.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	enc, err := c.Encode(l.format)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := l.pushConfig(ctx, enc); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("push cache config: %w", err)
	}
	if err := l.repo.putManifest(ctx, enc.ManifestDesc.Digest.String(), enc.ManifestDesc.MediaType, enc.Manifest); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("push manifest: %w", explain(err, l.format))
	}
	if _, _, err := l.repo.manifest(ctx, enc.ManifestDesc.Digest.String()); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("read manifest back: %w", err)
	}
	tag := l.ref.Identifier()
	now, err := l.repo.head(ctx, tag)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("look at tag: %w", err)
	}
	if now != replaces.Digest {
		return ocispec.Descriptor{}, backend.ErrConflict
	}
	if err := l.repo.putManifest(ctx, tag, enc.ManifestDesc.MediaType, enc.Manifest); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("move tag: %w", explain(err, l.format))
	}
	now, err = l.repo.head(ctx, tag)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("read tag back: %w", err)
	}
	if now != enc.ManifestDesc.Digest {
		return ocispec.Descriptor{}, backend.ErrConflict
	}
	return enc.ManifestDesc, nil
}

func (l *Location) pushConfig(ctx context.Context, enc *cache.Encoded) error {
	_, err := blob.Copy(ctx, enc.ConfigDesc, memory(enc.Config), l.repo)
	return err
}

// memory is a blob in memory.
type memory []byte

// Fetch opens it.
func (m memory) Fetch(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m)), nil
}

// explain adds what to do about a refusal that has a known reason.
func explain(err error, f cache.Format) error {
	var status *StatusError
	refused := errors.As(err, &status) && (status.Status == http.StatusBadRequest || status.Status == http.StatusNotFound)
	if refused && !f.ImageManifest {
		return fmt.Errorf("%w; this registry does not take the index form of a cache: leave out image-manifest=false, or allow indexes of blobs in the registry's validation settings", err)
	}
	return err
}

// transportStatus is the status inside an error of go-containerregistry, 0 if there is none.
func transportStatus(err error) int {
	var te *transport.Error
	if errors.As(err, &te) {
		return te.StatusCode
	}
	return 0
}
