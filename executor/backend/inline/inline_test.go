package inline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cachectl/cachectl/executor/backend/inline"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// memory is an Image in memory that counts what is read.
type memory struct {
	blobs map[digest.Digest][]byte
	reads int
}

func (m *memory) put(raw []byte) digest.Digest {
	d := digest.FromBytes(raw)
	m.blobs[d] = raw
	return d
}

func (m *memory) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	m.reads++
	raw, ok := m.blobs[desc.Digest]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return blob.Verify(io.NopCloser(bytes.NewReader(raw)), desc), nil
}

func (m *memory) Manifest(ctx context.Context, desc ocispec.Descriptor) ([]byte, string, error) {
	rc, err := m.Fetch(ctx, desc)
	if err != nil {
		return nil, "", err
	}
	raw, err := io.ReadAll(rc)
	return raw, desc.MediaType, err
}

// image puts an image with an inline cache of one record there. With mismatch its layers and diffIDs differ in number.
func (m *memory) image(t *testing.T, seed string, mismatch bool) ocispec.Descriptor {
	t.Helper()
	records, err := json.Marshal([]types.CacheRecord{{Digest: digest.FromString(seed), ChainedResults: []types.ChainedResult{{LayerIndexes: []int{0}}}}})
	if err != nil {
		t.Fatal(err)
	}
	diffIDs := []digest.Digest{digest.FromString("diff" + seed)}
	if mismatch {
		diffIDs = append(diffIDs, digest.FromString("other"))
	}
	cfg := m.put(asJSON(t, map[string]any{"rootfs": map[string]any{"diff_ids": diffIDs}, "moby.buildkit.cache.v0": records}))
	raw := asJSON(t, map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest,
		"config": ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: cfg, Size: int64(len(m.blobs[cfg]))},
		"layers": []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromString("layer" + seed), Size: 1}},
	})
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: m.put(raw), Size: int64(len(raw))}
}

func (m *memory) index(t *testing.T, entries ...ocispec.Descriptor) ocispec.Descriptor {
	t.Helper()
	raw := asJSON(t, map[string]any{"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": entries})
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: m.put(raw), Size: int64(len(raw))}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func read(t *testing.T, m *memory, desc ocispec.Descriptor) (*cache.Cache, error) {
	t.Helper()
	parsed, err := cache.ParseManifest(desc.MediaType, m.blobs[desc.Digest])
	if err != nil {
		t.Fatal(err)
	}
	return inline.Read(t.Context(), parsed, m)
}

func TestAnImageWithABrokenCacheDoesNotHideTheOthers(t *testing.T) {
	m := &memory{blobs: map[digest.Digest][]byte{}}
	broken, whole := m.image(t, "broken", true), m.image(t, "whole", false)
	c, err := read(t, m, m.index(t, broken, whole))
	if err != nil || c.Stats().Records != 1 {
		t.Errorf("got %v, %v, want the record of the other image", c, err)
	}
	if _, err := read(t, m, broken); !errors.Is(err, cache.ErrInvalid) {
		t.Errorf("alone: %v, want ErrInvalid", err)
	}
}

func TestNestedIndexesAreFollowedToALimit(t *testing.T) {
	m := &memory{blobs: map[digest.Digest][]byte{}}
	desc := m.index(t, m.image(t, "inner", false))
	if c, err := read(t, m, m.index(t, desc)); err != nil || c.Stats().Records != 1 {
		t.Errorf("one level: %v, %v", c, err)
	}
	for range 20 {
		desc = m.index(t, desc)
	}
	m.reads = 0
	if _, err := read(t, m, desc); !errors.Is(err, cache.ErrInvalid) {
		t.Errorf("twenty levels: %v, want ErrInvalid", err)
	}
	if m.reads > 10 {
		t.Errorf("%d documents were read before the limit", m.reads)
	}
}

func TestAnIndexOfManyImagesIsReadToALimit(t *testing.T) {
	m := &memory{blobs: map[digest.Digest][]byte{}}
	var entries []ocispec.Descriptor
	for i := range 300 {
		entries = append(entries, m.image(t, fmt.Sprint(i), false))
	}
	if _, err := read(t, m, m.index(t, entries...)); !errors.Is(err, cache.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func TestAnImageListedTwiceIsReadOnce(t *testing.T) {
	m := &memory{blobs: map[digest.Digest][]byte{}}
	desc := m.image(t, "twice", false)
	index := m.index(t, desc, desc, desc)
	if c, err := read(t, m, index); err != nil || c.Stats().Records != 1 {
		t.Errorf("got %v, %v", c, err)
	}
	if m.reads != 2 {
		t.Errorf("%d documents were read, want a manifest and a config", m.reads)
	}
}
