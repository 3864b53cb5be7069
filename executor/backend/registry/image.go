package registry

import (
	"context"
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image somebody else keeps in a registry: it is looked at and never written.
type Image struct {
	ref  name.Reference
	repo *repository
}

// Image returns the image a reference names.
func (h *Hosts) Image(ref string) (*Image, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", ref, err)
	}
	repo, err := h.repository(parsed.Context(), false)
	if err != nil {
		return nil, err
	}
	return &Image{ref: parsed, repo: repo}, nil
}

// Digest is what the reference points at now, from a mirror of the host if one answers. Nothing there is an error wrapping blob.ErrNotFound.
func (i *Image) Digest(ctx context.Context) (digest.Digest, error) {
	if d, ok := i.ref.(name.Digest); ok {
		return digest.Digest(d.DigestStr()), nil
	}
	var dgst digest.Digest
	look := func(ctx context.Context, from *repository) (err error) {
		if dgst, err = from.head(ctx, i.ref.Identifier()); err == nil && dgst == "" {
			err = fmt.Errorf("image %s: %w", i.ref, blob.ErrNotFound)
		}
		return err
	}
	if i.repo.fromMirrors(ctx, func(ctx context.Context, m *mirror) error { return look(ctx, m.repository) }) {
		return dgst, nil
	}
	return dgst, look(ctx, i.repo)
}

// Published is what the reference points at in the registry itself, past its mirrors. Nothing there is "".
func (i *Image) Published(ctx context.Context) (digest.Digest, error) {
	return i.repo.head(ctx, i.ref.Identifier())
}

// Manifest reads a manifest or index of the image's repository, at most cache.ManifestLimit bytes; the bytes match the digest.
func (i *Image) Manifest(ctx context.Context, dgst digest.Digest) ([]byte, error) {
	raw, _, err := i.repo.Manifest(ctx, ocispec.Descriptor{Digest: dgst})
	return raw, err
}

// Document reads a config of the image's repository, at most cache.ManifestLimit bytes; the bytes match the descriptor.
func (i *Image) Document(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	if desc.Size < 0 || desc.Size > cache.ManifestLimit {
		return nil, fmt.Errorf("%w: config of %d bytes", cache.ErrInvalid, desc.Size)
	}
	rc, err := i.repo.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close() //nolint:errcheck // read side
	return io.ReadAll(rc)
}
