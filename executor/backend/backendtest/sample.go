package backendtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Sample is a cache together with the bytes of its layers.
type Sample struct {
	Cache *cache.Cache
	Blobs map[digest.Digest][]byte
}

// sampleTime is when every sample's results were made.
func sampleTime() time.Time { return time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC) }

// NewSample makes a cache of n steps, each with a layer of about 3 kB on the one before. Equal seeds give equal samples, others share nothing.
func NewSample(t testing.TB, seed string, n int) *Sample {
	t.Helper()
	s := &Sample{Blobs: map[digest.Digest][]byte{}}
	var cfg types.CacheConfig
	var layers []ocispec.Descriptor
	for i := range n {
		raw := noise(fmt.Sprintf("%s %d", seed, i), 3000+i)
		d := digest.FromBytes(raw)
		s.Blobs[d] = raw
		layers = append(layers, ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageLayer, Digest: d, Size: int64(len(raw)),
			Annotations: map[string]string{cache.AnnotationUncompressed: d.String()},
		})
		parent := i - 1
		if i%50 == 0 {
			parent = -1 // no chain gets longer than caches may have it
		}
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: d, ParentIndex: parent})
		rec := types.CacheRecord{
			Digest:  digest.FromString(fmt.Sprintf("step %s %d", seed, i)),
			Results: []types.CacheResult{{LayerIndex: i, CreatedAt: sampleTime()}},
		}
		if i > 0 {
			rec.Inputs = [][]types.CacheInput{{{LinkIndex: i - 1}}}
		}
		cfg.Records = append(cfg.Records, rec)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Cache, err = cache.Decode(raw, layers); err != nil {
		t.Fatal(err)
	}
	return s
}

// noise is n bytes that do not compress, the same for the same seed.
func noise(seed string, n int) []byte {
	var key [32]byte
	copy(key[:], digest.FromString(seed).Encoded())
	out := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(out)
	return out
}
