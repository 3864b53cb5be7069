package cache

import (
	"fmt"
	"time"

	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Decode reads a cache config whose layers are listed by a manifest, or, when layers is nil, describe themselves by annotations as in
// buckets and GitHub's cache. A result with a layer that is not listed or has no diffID is dropped, as BuildKit does; its key stays.
// Of a descriptor only media type, digest, size and annotations are kept: what else it says, such as where to fetch it, is not ours to pass on.
// The error wraps ErrInvalid and names the record or layer.
func Decode(config []byte, layers []ocispec.Descriptor) (*Cache, error) {
	if len(config) > ConfigLimit {
		return nil, invalid("config of %d bytes is larger than %d", len(config), ConfigLimit)
	}
	var raw configDocument
	if err := decodeJSON(config, &raw); err != nil {
		return nil, invalid("config: %v", err)
	}
	listed := map[digest.Digest]ocispec.Descriptor{}
	for _, d := range layers {
		listed[d.Digest] = d // of several the last, as BuildKit does
	}
	return fromConfig(raw, func(l configLayer) (ocispec.Descriptor, bool) {
		if layers == nil {
			return selfDescribed(l)
		}
		d, ok := listed[l.Blob]
		return d, ok
	})
}

// DecodeInline reads the cache that BuildKit puts into an image's config (moby.buildkit.cache.v0). The image's own layers are its layers.
// An image without one is ErrNotCache.
func DecodeInline(imageConfig []byte, layers []ocispec.Descriptor) (*Cache, error) {
	if len(imageConfig) > ConfigLimit {
		return nil, invalid("image config of %d bytes is larger than %d", len(imageConfig), ConfigLimit)
	}
	var img struct {
		Rootfs struct {
			DiffIDs []digest.Digest `json:"diff_ids"`
		} `json:"rootfs"`
		History []struct {
			Created    *time.Time `json:"created"`
			EmptyLayer bool       `json:"empty_layer"`
		} `json:"history"`
		Cache []byte `json:"moby.buildkit.cache.v0"`
	}
	if err := decodeJSON(imageConfig, &img); err != nil {
		return nil, invalid("image config: %v", err)
	}
	if len(img.Cache) == 0 {
		return nil, ErrNotCache
	}
	if len(img.Rootfs.DiffIDs) != len(layers) {
		return nil, invalid("image has %d layers and %d diffIDs", len(layers), len(img.Rootfs.DiffIDs))
	}
	var created []string
	for _, h := range img.History {
		if !h.EmptyLayer && h.Created != nil {
			created = append(created, h.Created.UTC().Format(time.RFC3339Nano))
		}
	}
	var raw configDocument
	if err := decodeJSON(img.Cache, &raw.Records); err != nil {
		return nil, invalid("inline cache: %v", err)
	}
	byBlob := map[digest.Digest]ocispec.Descriptor{}
	for i, d := range layers {
		annotations := map[string]string{AnnotationUncompressed: img.Rootfs.DiffIDs[i].String()}
		if i < len(created) {
			annotations[AnnotationCreatedAt] = created[i]
		}
		d.Annotations = annotations
		byBlob[d.Digest] = d
		raw.Layers = append(raw.Layers, configLayer{Blob: d.Digest, ParentIndex: i - 1})
	}
	return fromConfig(raw, func(l configLayer) (ocispec.Descriptor, bool) {
		d, ok := byBlob[l.Blob]
		return d, ok
	})
}

// fromConfig checks a config and makes it canonical.
func fromConfig(raw configDocument, describe func(configLayer) (ocispec.Descriptor, bool)) (*Cache, error) {
	if len(raw.Records) > maxRecords {
		return nil, invalid("%d records, more than %d", len(raw.Records), maxRecords)
	}
	if len(raw.Layers) > maxLayers {
		return nil, invalid("%d layers, more than %d", len(raw.Layers), maxLayers)
	}
	layers := make([]Layer, len(raw.Layers))
	usable := make([]bool, len(raw.Layers))
	for i, l := range raw.Layers {
		if err := checkDigest(l.Blob); err != nil {
			return nil, invalid("layer %d: %v", i, err)
		}
		desc, ok := describe(l)
		diffID := digest.Digest(desc.Annotations[AnnotationUncompressed])
		if !ok || checkDigest(diffID) != nil || desc.Size < 0 || desc.Size > maxBlob {
			// Kept under its digest so that chains can be checked; nothing with it in its chain survives.
			desc = ocispec.Descriptor{Digest: l.Blob}
		} else {
			desc = ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size, Annotations: desc.Annotations}
			usable[i] = true
		}
		layers[i] = Layer{Descriptor: desc, DiffID: diffID, Parent: l.ParentIndex}
	}
	whole, err := wholeChains(layers, usable)
	if err != nil {
		return nil, err
	}
	records, unlisted, err := decodeRecords(raw.Records, whole)
	if err != nil {
		return nil, err
	}
	c, err := canonical(layers, records)
	if err != nil {
		return nil, err
	}
	c.unlisted = unlisted
	return c, nil
}

// wholeChains tells for each layer whether it and all its parents are usable.
func wholeChains(layers []Layer, usable []bool) ([]bool, error) {
	if _, _, err := chainIDs(layers); err != nil {
		return nil, err
	}
	const unknown, yes, no = 0, 1, 2
	state := make([]byte, len(layers))
	var stack []int
	for i := range layers {
		l := i
		for l >= 0 && state[l] == unknown {
			stack = append(stack, l)
			l = layers[l].Parent
		}
		below := byte(yes)
		if l >= 0 {
			below = state[l]
		}
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if below == yes && !usable[top] {
				below = no
			}
			state[top] = below
		}
	}
	whole := make([]bool, len(layers))
	for i := range state {
		whole[i] = state[i] == yes
	}
	return whole, nil
}

// decodeRecords checks and converts the records, and counts the results that are left out because a layer of theirs is not usable.
func decodeRecords(raw []types.CacheRecord, whole []bool) (records []Record, unlisted int, err error) {
	records = make([]Record, len(raw))
	links := 0
	for i, rr := range raw {
		if err := checkDigest(rr.Digest); err != nil {
			return nil, 0, invalid("record %d: %v", i, err)
		}
		r := Record{Digest: rr.Digest}
		for _, alternatives := range rr.Inputs {
			if links += len(alternatives); links > maxLinks {
				return nil, 0, invalid("more than %d links", maxLinks)
			}
			list := make([]Link, 0, len(alternatives))
			for _, in := range alternatives {
				list = append(list, Link{Selector: in.Selector, Record: in.LinkIndex})
			}
			r.Inputs = append(r.Inputs, list)
		}
		for _, res := range rr.Results {
			if res.LayerIndex < 0 || res.LayerIndex >= len(whole) {
				return nil, 0, invalid("record %d has a result in layer %d of %d", i, res.LayerIndex, len(whole))
			}
			if err := checkTime(res.CreatedAt); err != nil {
				return nil, 0, invalid("record %d: %v", i, err)
			}
			if !whole[res.LayerIndex] {
				unlisted++
				continue
			}
			r.Results = append(r.Results, Result{Layer: res.LayerIndex, CreatedAt: res.CreatedAt})
		}
		for _, ch := range rr.ChainedResults {
			chain, ok, err := decodeChain(ch, whole)
			if err != nil {
				return nil, 0, invalid("record %d: %v", i, err)
			}
			if !ok {
				unlisted++
				continue
			}
			r.Chains = append(r.Chains, chain)
		}
		records[i] = r
	}
	return records, unlisted, nil
}

func decodeChain(ch types.ChainedResult, whole []bool) (Chain, bool, error) {
	if len(ch.LayerIndexes) > maxChain {
		return Chain{}, false, fmt.Errorf("a chain of %d layers, more than %d", len(ch.LayerIndexes), maxChain)
	}
	if err := checkTime(ch.CreatedAt); err != nil {
		return Chain{}, false, err
	}
	for _, l := range ch.LayerIndexes {
		if l < 0 || l >= len(whole) {
			return Chain{}, false, fmt.Errorf("a chain with layer %d of %d", l, len(whole))
		}
		if !whole[l] {
			return Chain{}, false, nil
		}
	}
	return Chain{Layers: ch.LayerIndexes, CreatedAt: ch.CreatedAt}, len(ch.LayerIndexes) > 0, nil
}

// checkTime refuses times that can be read but, in UTC, not be written again.
func checkTime(t time.Time) error {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		return fmt.Errorf("a result of the year %d", y)
	}
	return nil
}
