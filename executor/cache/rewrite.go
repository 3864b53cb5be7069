package cache

import (
	"fmt"
	"maps"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Rewrite returns the cache with other blobs for its layers, as change names them: the same layers in another compression or at another
// place. Layers that become equal become one. A descriptor that does not say its diffID is given the layer's. The error is that of change, or
// ErrInvalid for a descriptor that cannot be published.
func (c *Cache) Rewrite(change func(Layer) (ocispec.Descriptor, error)) (*Cache, error) {
	layers := make([]Layer, len(c.layers))
	for i, l := range c.layers {
		desc, err := change(l)
		if err != nil {
			return nil, err
		}
		if err := checkDescriptors([]ocispec.Descriptor{desc}); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		layers[i] = Layer{Descriptor: desc, DiffID: l.DiffID, Parent: l.Parent}
		if id := digest.Digest(desc.Annotations[AnnotationUncompressed]); checkDigest(id) == nil {
			layers[i].DiffID = id
			continue
		}
		annotations := map[string]string{}
		maps.Copy(annotations, desc.Annotations)
		annotations[AnnotationUncompressed] = l.DiffID.String()
		layers[i].Descriptor.Annotations = annotations
	}
	return canonical(layers, c.records)
}

// Covers tells whether every key that has a result in other has one in c.
func (c *Cache) Covers(other *Cache) bool {
	have := make(map[digest.Digest]bool, len(c.records))
	for i, r := range c.records {
		have[c.ids[i]] = len(r.Results)+len(r.Chains) > 0
	}
	for i, r := range other.records {
		if len(r.Results)+len(r.Chains) > 0 && !have[other.ids[i]] {
			return false
		}
	}
	return true
}
