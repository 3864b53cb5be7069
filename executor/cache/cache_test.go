package cache_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-cmp/cmp"
	remotecache "github.com/moby/buildkit/cache/remotecache/v1"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"pgregory.net/rapid"
)

var format = cache.Format{Mode: cache.ModeMax, OCI: true, ImageManifest: true}

func id(s string) digest.Digest { return digest.FromString(s) }

// layer is a descriptor as BuildKit writes it.
func layer(n int) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageLayerGzip, Digest: id(fmt.Sprint("blob ", n)), Size: int64(100 + n),
		Annotations: map[string]string{cache.AnnotationUncompressed: id(fmt.Sprint("tar ", n)).String(), cache.AnnotationCreatedAt: "2026-01-02T03:04:05Z"},
	}
}

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// draw makes a valid cache: layers in chains, records that link to earlier ones, results now and then, few distinct times.
func draw(t *rapid.T, name string) *cache.Cache {
	var cfg types.CacheConfig
	layers := rapid.IntRange(1, 8).Draw(t, name+" layers")
	var descs []ocispec.Descriptor
	for i := range layers {
		n := rapid.IntRange(0, 11).Draw(t, fmt.Sprint(name, " blob ", i))
		descs = append(descs, layer(n))
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: layer(n).Digest, ParentIndex: rapid.IntRange(-1, i-1).Draw(t, fmt.Sprint(name, " parent ", i))})
	}
	depth := map[int]int{}
	for i := range rapid.IntRange(1, 10).Draw(t, name+" records") {
		r := types.CacheRecord{}
		if i > 0 {
			for in := range rapid.IntRange(0, 2).Draw(t, fmt.Sprint(name, " inputs ", i)) {
				var alternatives []types.CacheInput
				for range rapid.IntRange(1, 2).Draw(t, fmt.Sprint(name, " alternatives ", i, in)) {
					link := rapid.IntRange(0, i-1).Draw(t, "link")
					depth[i] = max(depth[i], depth[link]+1)
					alternatives = append(alternatives, types.CacheInput{LinkIndex: link, Selector: rapid.SampledFrom([]string{"", "/src"}).Draw(t, "selector")})
				}
				r.Inputs = append(r.Inputs, alternatives)
			}
		}
		// An operation has one number of inputs and stands behind what it needs: no key is its own ancestor. BuildKit loses records of graphs
		// where one is, and other ones each time.
		r.Digest = id(fmt.Sprint("key ", len(r.Inputs), " ", depth[i], " ", rapid.IntRange(0, 2).Draw(t, fmt.Sprint(name, " key ", i))))
		if rapid.Bool().Draw(t, fmt.Sprint(name, " result ", i)) {
			r.Results = append(r.Results, types.CacheResult{
				LayerIndex: rapid.IntRange(0, layers-1).Draw(t, "layer"), CreatedAt: day.AddDate(0, 0, rapid.IntRange(0, 2).Draw(t, "day")),
			})
		}
		cfg.Records = append(cfg.Records, r)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Decode(raw, descs)
	if err != nil {
		t.Fatalf("decode %s: %v", raw, err)
	}
	return c
}

// text is a cache's canonical bytes.
func text(t interface{ Fatal(...any) }, c *cache.Cache) string {
	enc, err := c.Encode(format)
	if err != nil {
		t.Fatal(err)
	}
	return string(enc.Config) + string(enc.Manifest)
}

func TestMergeIsCommutativeAssociativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw(t, "a"), draw(t, "b"), draw(t, "c")
		if x, y := text(t, cache.Merge(a, b)), text(t, cache.Merge(b, a)); x != y {
			t.Errorf("a+b is not b+a:\n%s", cmp.Diff(x, y))
		}
		if x, y := text(t, cache.Merge(cache.Merge(a, b), c)), text(t, cache.Merge(a, cache.Merge(b, c))); x != y {
			t.Errorf("(a+b)+c is not a+(b+c):\n%s", cmp.Diff(x, y))
		}
		if x, y := text(t, cache.Merge(a, a)), text(t, a); x != y {
			t.Errorf("a+a is not a:\n%s", cmp.Diff(y, x))
		}
	})
}

func TestAMergeHasEveryKeyOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		m := cache.Merge(a, b)
		if !m.Covers(a) || !m.Covers(b) {
			t.Error("a key is missing in the merge")
		}
	})
}

func TestEncodingIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t, "c")
		enc, err := c.Encode(format)
		if err != nil {
			t.Fatal(err)
		}
		m, err := cache.ParseManifest(enc.ManifestDesc.MediaType, enc.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		again, err := cache.Decode(enc.Config, m.Layers)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := text(t, c), text(t, again); x != y {
			t.Errorf("decoded and encoded again it is another cache:\n%s", cmp.Diff(x, y))
		}
	})
}

// TestBuildKitAcceptsWhatIsEncoded hands every output to BuildKit's own parser and checks that it keeps all records.
func TestBuildKitAcceptsWhatIsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, c := range []*cache.Cache{draw(t, "c"), draw(t, "min").Min(), cache.Merge(draw(t, "a"), draw(t, "b"))} {
			enc, err := c.Encode(format)
			if err != nil {
				t.Fatal(err)
			}
			layers := remotecache.DescriptorProvider{}
			for _, l := range enc.Layers {
				layers[l.Digest] = remotecache.DescriptorProviderPair{Descriptor: l}
			}
			chains := remotecache.NewCacheChains()
			if err := remotecache.Parse(enc.Config, layers, chains); err != nil {
				t.Fatalf("BuildKit refuses %s: %v", enc.Config, err)
			}
		}
	})
}

func TestReducingKeepsKeysAndTakesLayers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t, "c")
		min := c.Min()
		if len(min.Records()) != len(c.Records()) || len(min.Layers()) > len(c.Layers()) {
			t.Errorf("min has %d of %d records and %d of %d layers", len(min.Records()), len(c.Records()), len(min.Layers()), len(c.Layers()))
		}
		if text(t, min.Min()) != text(t, min) {
			t.Error("the min of a min is another cache")
		}
		if len(c.Layers()) == 0 {
			return
		}
		gone := c.Layers()[0].Descriptor.Digest
		rest, _ := c.Without(map[digest.Digest]bool{gone: true})
		for _, l := range rest.Layers() {
			if l.Descriptor.Digest == gone {
				t.Error("a layer that is gone is still there")
			}
		}
	})
}

func TestFitLeavesOutOldestResultsFirst(t *testing.T) {
	var cfg types.CacheConfig
	var descs []ocispec.Descriptor
	for i := range 2000 {
		d := layer(i)
		descs = append(descs, d)
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: d.Digest, ParentIndex: -1})
		cfg.Records = append(cfg.Records, types.CacheRecord{Digest: id(fmt.Sprint("key ", i)), Results: []types.CacheResult{{LayerIndex: i, CreatedAt: day.AddDate(0, 0, i)}}})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Decode(raw, descs)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 100_000
	small, dropped, err := c.Fit(limit, format)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := small.Encode(format)
	if err != nil {
		t.Fatal(err)
	}
	if len(enc.Config) > limit || len(enc.Manifest) > limit {
		t.Errorf("config %d and manifest %d bytes, limit %d", len(enc.Config), len(enc.Manifest), limit)
	}
	if dropped.Results == 0 || dropped.Results+len(small.Layers()) != 2000 {
		t.Errorf("%d results dropped, %d layers kept of 2000", dropped.Results, len(small.Layers()))
	}
	if s := small.Stats(); !s.Newest.Equal(day.AddDate(0, 0, 1999)) {
		t.Errorf("the newest result is of %s", s.Newest)
	}
	if _, _, err := c.Fit(100, format); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("fitting into 100 bytes gives %v", err)
	}
}

func TestWhatBuildKitWouldNotImportIsNotEncoded(t *testing.T) {
	var cfg types.CacheConfig
	for i := range 20_000 {
		cfg.Records = append(cfg.Records, types.CacheRecord{Digest: id(fmt.Sprint(i))})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Decode(raw, []ocispec.Descriptor{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Encode(format); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("a config over the limit gives %v", err)
	}
}

// TestHostileConfigsAreRefused feeds configs that break BuildKit's rules or this machine.
func TestHostileConfigsAreRefused(t *testing.T) {
	d := string(id("x"))
	blob := string(layer(0).Digest)
	chain := &strings.Builder{}
	for i := range 1500 {
		fmt.Fprintf(chain, `{"blob":%q,"parent":%d},`, blob, i-1)
	}
	for name, config := range map[string]string{
		"not JSON":             `{`,
		"something behind":     `{} {}`,
		"record links too far": fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[{"link":7}]]}]}`, d),
		"record links below 0": fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[{"link":-1}]]}]}`, d),
		"record links itself":  fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[{"link":0}]]}]}`, d),
		"records in a circle":  fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[{"link":1}]]},{"digest":%q,"inputs":[[{"link":0}]]}]}`, d, d),
		"empty input":          fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[]]}]}`, d),
		"digest of a record":   `{"records":[{"digest":"foo"}]}`,
		"digest as a path":     `{"layers":[{"blob":"sha256:../../etc/passwd","parent":-1}]}`,
		"result of no layer":   fmt.Sprintf(`{"layers":[{"blob":%q,"parent":-1}],"records":[{"digest":%q,"layers":[{"layer":3}]}]}`, blob, d),
		"result below 0":       fmt.Sprintf(`{"layers":[{"blob":%q,"parent":-1}],"records":[{"digest":%q,"layers":[{"layer":-1}]}]}`, blob, d),
		"layer on itself":      fmt.Sprintf(`{"layers":[{"blob":%q}],"records":[]}`, blob), // an absent parent is layer 0
		"layers in a circle":   fmt.Sprintf(`{"layers":[{"blob":%q,"parent":1},{"blob":%q,"parent":0}]}`, blob, blob),
		"parent too far":       fmt.Sprintf(`{"layers":[{"blob":%q,"parent":9}]}`, blob),
		"a chain too long":     `{"layers":[` + strings.TrimSuffix(chain.String(), ",") + `]}`,
		"a chain of no layers": fmt.Sprintf(`{"records":[{"digest":%q,"chains":[{"layers":[4]}]}]}`, d),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cache.Decode([]byte(config), []ocispec.Descriptor{layer(0)}); !errors.Is(err, cache.ErrInvalid) {
				t.Errorf("got %v, want an error that says invalid", err)
			}
		})
	}
}

func TestAmbiguousAndBrokenManifestsAreRefused(t *testing.T) {
	desc := fmt.Sprintf(`{"mediaType":"x","digest":%q,"size":1}`, id("x"))
	for name, raw := range map[string]string{
		"both forms":      fmt.Sprintf(`{"manifests":[%s],"layers":[%s],"config":%s}`, desc, desc, desc),
		"neither form":    `{}`,
		"a negative size": fmt.Sprintf(`{"config":{"digest":%q,"size":-1}}`, id("x")),
		"a bad digest":    `{"config":{"digest":"foo","size":1}}`,
		"another type":    fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}`, desc),
	} {
		if _, err := cache.ParseManifest(ocispec.MediaTypeImageManifest, []byte(raw)); !errors.Is(err, cache.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestManyResultsOnLongChainsStaySmall decodes what would take gigabytes if each result held its whole chain.
func TestManyResultsOnLongChainsStaySmall(t *testing.T) {
	var cfg types.CacheConfig
	descs := []ocispec.Descriptor{}
	for i := range 1000 {
		descs = append(descs, layer(i))
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: layer(i).Digest, ParentIndex: i - 1})
	}
	for i := range 20_000 {
		cfg.Records = append(cfg.Records, types.CacheRecord{Digest: id(fmt.Sprint(i)), Results: []types.CacheResult{{LayerIndex: 999, CreatedAt: day}}})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := cache.Decode(raw, descs); err != nil {
				b.Fatal(err)
			}
		}
	})
	if per := got.AllocedBytesPerOp(); per > 200<<20 {
		t.Errorf("decoding %d bytes allocates %d", len(raw), per)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"layers":[{"blob":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","parent":-1}],"records":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := cache.Decode(raw, nil)
		if err != nil {
			return
		}
		if enc, err := c.Encode(format); err == nil && !bytes.HasPrefix(enc.Config, []byte("{")) {
			t.Errorf("encoded as %q", enc.Config)
		}
	})
}
