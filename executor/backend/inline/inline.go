// Package inline reads the caches that BuildKit leaves in images (cache-to type=inline): the key moby.buildkit.cache.v0 of an image's config.
//
// An inline cache has no location of its own; the backends that images live in, registry and local, come here when a name points at an image.
package inline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What is followed in an index; real ones have a dozen images and one level.
const (
	maxDepth  = 4
	maxImages = 256
)

// Image is where an image is read from.
type Image interface {
	blob.Fetcher
	// Manifest reads a manifest or index by its descriptor, bounded and checked against its digest, and returns its media type.
	Manifest(ctx context.Context, desc ocispec.Descriptor) (raw []byte, mediaType string, err error)
}

// Read returns the cache of the image m, or of all images of the index m together, one for each platform. An image without one is
// cache.ErrNotCache. Images of an index that have no usable cache are left out if another has one.
func Read(ctx context.Context, m *cache.Manifest, from Image) (*cache.Cache, error) {
	r := reader{from: from, seen: map[digest.Digest]bool{}}
	if err := r.read(ctx, m, 0); err != nil {
		return nil, err
	}
	if len(r.found) == 0 {
		if r.broken != nil {
			return nil, r.broken
		}
		return nil, fmt.Errorf("%w; an image carries one when it was built with cache-to type=inline", cache.ErrNotCache)
	}
	return cache.Merge(r.found...), nil
}

// reader goes through an index.
type reader struct {
	from   Image
	seen   map[digest.Digest]bool
	found  []*cache.Cache
	broken error // the first image whose cache is not usable
}

func (r *reader) read(ctx context.Context, m *cache.Manifest, depth int) error {
	if m.Images == nil {
		return r.image(ctx, m)
	}
	if depth == maxDepth {
		return fmt.Errorf("%w: an index nests deeper than %d", cache.ErrInvalid, maxDepth)
	}
	for _, d := range m.Images {
		if r.seen[d.Digest] || d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			continue
		}
		r.seen[d.Digest] = true
		if len(r.seen) > maxImages {
			return fmt.Errorf("%w: an index lists more than %d images", cache.ErrInvalid, maxImages)
		}
		raw, mediaType, err := r.from.Manifest(ctx, d)
		if err != nil {
			return fmt.Errorf("read manifest %s: %w", d.Digest, err)
		}
		child, err := cache.ParseManifest(mediaType, raw)
		if err != nil {
			return fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
		if child.IsCache {
			continue
		}
		if err := r.read(ctx, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// image takes the cache out of an image's config.
func (r *reader) image(ctx context.Context, m *cache.Manifest) error {
	if m.Config.Size > cache.ConfigLimit {
		return fmt.Errorf("%w: image config of %d bytes is larger than %d", cache.ErrInvalid, m.Config.Size, cache.ConfigLimit)
	}
	rc, err := r.from.Fetch(ctx, m.Config)
	if err != nil {
		return fmt.Errorf("read image config: %w", err)
	}
	defer rc.Close() //nolint:errcheck // read side
	cfg, err := io.ReadAll(rc)
	if err != nil {
		return fmt.Errorf("read image config: %w", err)
	}
	c, err := cache.DecodeInline(cfg, m.Layers)
	switch {
	case errors.Is(err, cache.ErrNotCache):
	case err != nil && r.broken == nil:
		r.broken = err
	case err == nil:
		r.found = append(r.found, c)
	}
	return nil
}
