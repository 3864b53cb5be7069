package fingerprint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// RegistryImages resolves images in registries: a reference is asked for once in its life. What has a digest (manifests, configs) is kept in a
// directory between runs and checked against its digest each time.
type RegistryImages struct {
	hosts *registry.Hosts
	dir   string

	mu      sync.Mutex
	digests map[string]func() (digest.Digest, error)
}

// NewRegistryImages returns a resolver that asks hosts and keeps documents in dir; "" keeps none.
func NewRegistryImages(hosts *registry.Hosts, dir string) *RegistryImages {
	return &RegistryImages{hosts: hosts, dir: dir, digests: map[string]func() (digest.Digest, error){}}
}

// Resolve finds the digest that a reference points at and the config of the image in it for a platform, chosen as BuildKit chooses
// (util/imageutil/config.go).
func (r *RegistryImages) Resolve(ctx context.Context, ref string, platform ocispec.Platform) (Image, error) {
	img, err := r.hosts.Image(ref)
	if err != nil {
		return Image{}, err
	}
	dgst, err := once(&r.mu, r.digests, ref, func() (digest.Digest, error) { return img.Digest(ctx) })
	if err != nil {
		return Image{}, err
	}
	config, err := configOf(dgst, platform,
		func(d digest.Digest) ([]byte, error) {
			return r.document(d, func() ([]byte, error) { return img.Manifest(ctx, d) })
		},
		func(d ocispec.Descriptor) ([]byte, error) {
			return r.document(d.Digest, func() ([]byte, error) { return img.Document(ctx, d) })
		})
	return Image{Digest: dgst, Config: config}, err
}

// configOf finds the config of an image for a platform below what its reference points at. manifest and document read by digest.
func configOf(root digest.Digest, platform ocispec.Platform, manifest func(digest.Digest) ([]byte, error), document func(ocispec.Descriptor) ([]byte, error)) ([]byte, error) {
	m, err := decodeManifest(manifest(root))
	if err != nil {
		return nil, err
	}
	if m.Manifests != nil {
		chosen, err := choose(m.Manifests, platform)
		if err != nil {
			return nil, err
		}
		if m, err = decodeManifest(manifest(chosen.Digest)); err != nil {
			return nil, err
		}
	}
	if m.Config == nil || m.Config.Digest.Validate() != nil {
		return nil, errors.New("its manifest has no config")
	}
	config, err := document(*m.Config)
	if err != nil {
		return nil, fmt.Errorf("read its config: %w", err)
	}
	return config, nil
}

// imageManifest is a manifest or an index, as far as it matters here.
type imageManifest struct {
	Config    *ocispec.Descriptor  `json:"config"`
	Manifests []ocispec.Descriptor `json:"manifests"`
}

func decodeManifest(raw []byte, err error) (*imageManifest, error) {
	if err != nil {
		return nil, fmt.Errorf("read its manifest: %w", err)
	}
	var m imageManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read its manifest: %w", err)
	}
	return &m, nil
}

// choose picks the manifest for a platform.
func choose(list []ocispec.Descriptor, platform ocispec.Platform) (ocispec.Descriptor, error) {
	match := platforms.Only(platform)
	var fit []ocispec.Descriptor
	for _, d := range list {
		if d.Digest.Validate() == nil && d.Platform != nil && match.Match(*d.Platform) {
			fit = append(fit, d)
		}
	}
	if len(fit) == 0 {
		return ocispec.Descriptor{}, fmt.Errorf("it has nothing for %s", platforms.FormatAll(platform))
	}
	slices.SortStableFunc(fit, func(a, b ocispec.Descriptor) int {
		switch {
		case match.Less(*a.Platform, *b.Platform):
			return -1
		case match.Less(*b.Platform, *a.Platform):
			return 1
		}
		return 0
	})
	return fit[0], nil
}

// document returns the bytes of a digest, kept or fetched. A directory that cannot be written costs a request in the next run and nothing else.
func (r *RegistryImages) document(dgst digest.Digest, fetch func() ([]byte, error)) ([]byte, error) {
	if err := dgst.Validate(); err != nil {
		return nil, err
	}
	path := filepath.Join(r.dir, dgst.Algorithm().String()+"-"+dgst.Encoded())
	if r.dir != "" {
		if raw, err := os.ReadFile(path); err == nil && dgst.Algorithm().FromBytes(raw) == dgst {
			return raw, nil
		}
	}
	raw, err := fetch()
	if err != nil || r.dir == "" {
		return raw, err
	}
	keep(path, raw)
	return raw, nil
}
