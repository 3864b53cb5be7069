package cache_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"pgregory.net/rapid"
)

// mirrored is a difference with A and B exchanged.
func mirrored(d *cache.Difference) *cache.Difference {
	flip := func(pairs [][2]int) [][2]int {
		var out [][2]int
		for _, p := range pairs {
			out = append(out, [2]int{p[1], p[0]})
		}
		slices.SortFunc(out, func(x, y [2]int) int { return x[0] - y[0] })
		return out
	}
	return &cache.Difference{
		RecordsA: d.RecordsB, RecordsB: d.RecordsA, RecordsBoth: d.RecordsBoth, Changed: flip(d.Changed),
		LayersA: d.LayersB, LayersB: d.LayersA, LayersBoth: d.LayersBoth, Recompressed: flip(d.Recompressed),
		BytesA: d.BytesB, BytesB: d.BytesA, BytesBoth: d.BytesBoth,
	}
}

func TestComparisonIsSymmetricAndCountsEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		d := cache.Compare(a, b)
		if diff := cmp.Diff(mirrored(d), cache.Compare(b, a)); diff != "" {
			t.Errorf("b against a is not a against b, exchanged:\n%s", diff)
		}
		if len(d.RecordsA)+d.RecordsBoth != len(a.Records()) || len(d.RecordsB)+d.RecordsBoth != len(b.Records()) {
			t.Errorf("%d only in a, %d only in b, %d in both, of %d and %d records", len(d.RecordsA), len(d.RecordsB), d.RecordsBoth, len(a.Records()), len(b.Records()))
		}
		if d.BytesA+d.BytesBoth != a.Stats().Bytes || d.BytesB+d.BytesBoth != b.Stats().Bytes {
			t.Errorf("bytes %d, %d and %d of %d and %d", d.BytesA, d.BytesB, d.BytesBoth, a.Stats().Bytes, b.Stats().Bytes)
		}
	})
}

func TestACacheEqualsItselfAndWhatHasOtherRecordsDoesNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		if d := cache.Compare(a, a); !d.Equal() {
			t.Errorf("a differs from itself: %+v", d)
		}
		if d := cache.Compare(a, b); d.Equal() && (!a.Covers(b) || !b.Covers(a)) {
			t.Error("caches with different results count as equal")
		}
	})
}

func TestAMergeLacksNothingOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		m := cache.Merge(a, b)
		if d := cache.Compare(a, m); len(d.RecordsA) > 0 {
			t.Errorf("records of a are not in the merge: %v", d.RecordsA)
		}
		if got, want := len(m.Records()), len(cache.Compare(a, b).RecordsB)+len(a.Records()); got != want {
			t.Errorf("the merge has %d records, want %d", got, want)
		}
	})
}

func TestAnotherCompressionChangesBytesAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a")
		b, err := a.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
			d := l.Descriptor
			d.Digest, d.MediaType = digest.FromString("zstd of "+string(d.Digest)), ocispec.MediaTypeImageLayerZstd
			return d, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		d := cache.Compare(a, b)
		if len(d.RecordsA)+len(d.RecordsB)+len(d.Changed)+len(d.LayersA)+len(d.LayersB) > 0 || len(d.Recompressed) != d.LayersBoth || d.BytesBoth != 0 {
			t.Errorf("%+v", d)
		}
		if d.Equal() != (len(a.Layers()) == 0) {
			t.Error("other blobs count as equal")
		}
	})
}

func TestUsageCountsEachBlobOnceInItsStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kept []cache.Kept
		type place struct {
			store string
			blob  digest.Digest
		}
		sizes := map[place]int64{}
		for i := range rapid.IntRange(0, 5).Draw(t, "caches") {
			k := cache.Kept{Cache: draw(t, fmt.Sprint("cache ", i)), Store: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "store")}
			kept = append(kept, k)
			for _, l := range k.Cache.Layers() {
				sizes[place{k.Store, l.Descriptor.Digest}] = l.Descriptor.Size
			}
		}
		u := cache.Measure(kept)
		var total, parts int64
		for _, n := range sizes {
			total += n
		}
		for i, e := range u.Each {
			parts += e.UniqueBytes
			if e.Bytes != kept[i].Cache.Stats().Bytes {
				t.Errorf("cache %d has %d bytes, not %d", i, kept[i].Cache.Stats().Bytes, e.Bytes)
			}
			of := e.UniqueBytes
			for _, s := range u.Shared {
				if slices.Contains(s.Caches, i) {
					of += s.Bytes
				}
			}
			if of != e.Bytes {
				t.Errorf("cache %d: unique and shared are %d bytes of %d", i, of, e.Bytes)
			}
		}
		for _, s := range u.Shared {
			parts += s.Bytes
			for _, i := range s.Caches {
				if kept[i].Store != kept[s.Caches[0]].Store {
					t.Errorf("caches of different stores share %d bytes", s.Bytes)
				}
			}
		}
		if u.Bytes != total || parts != total || u.Layers != len(sizes) {
			t.Errorf("%d bytes in %d layers, %d by parts; want %d in %d", u.Bytes, u.Layers, parts, total, len(sizes))
		}
	})
}
