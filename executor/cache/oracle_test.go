package cache_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-cmp/cmp"
	remotecache "github.com/moby/buildkit/cache/remotecache/v1"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	"github.com/moby/buildkit/solver"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"pgregory.net/rapid"
)

// fatal is what testing.T and rapid.T have in common.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// storage imports what was encoded with BuildKit's own code.
func storage(t fatal, enc *cache.Encoded) solver.CacheKeyStorage {
	t.Helper()
	chains := remotecache.NewCacheChains()
	if err := remotecache.Parse(enc.Config, provider(enc.Layers), chains); err != nil {
		t.Fatalf("BuildKit refuses %s: %v", enc.Config, err)
	}
	keys, _, err := remotecache.NewCacheKeyStorage(chains, nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func provider(layers []ocispec.Descriptor) remotecache.DescriptorProvider {
	p := remotecache.DescriptorProvider{}
	for _, l := range layers {
		p[l.Digest] = remotecache.DescriptorProviderPair{Descriptor: l}
	}
	return p
}

// checkImport asks BuildKit's storage for every key of c in the way its solver does, from the roots along the links, and fails unless each
// key that has a result in c has one there.
func checkImport(t fatal, c *cache.Cache) {
	t.Helper()
	enc, err := c.Encode(format)
	if err != nil {
		t.Fatal(err)
	}
	keys := storage(t, enc)
	links, ok := keys.(interface {
		WalkLinksAll(id string, fn func(id string, link solver.CacheInfoLink) error) error
	})
	if !ok {
		t.Fatalf("%T has no WalkLinksAll", keys)
	}
	found := make([]map[string]bool, len(c.Records()))
	for i, r := range c.Records() {
		found[i] = map[string]bool{}
		if len(r.Inputs) == 0 && keys.Exists(r.Digest.String()) {
			found[i][r.Digest.String()] = true
		}
		for n, alternatives := range r.Inputs {
			reached := map[string]bool{}
			for _, l := range alternatives {
				for from := range found[l.Record] {
					err := links.WalkLinksAll(from, func(id string, link solver.CacheInfoLink) error {
						if link.Digest == r.Digest && int(link.Input) == n && link.Selector.String() == l.Selector {
							reached[id] = true
						}
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if n == 0 {
				found[i] = reached
				continue
			}
			for id := range found[i] {
				if !reached[id] {
					delete(found[i], id)
				}
			}
		}
		if len(found[i]) == 0 {
			t.Fatalf("BuildKit does not find record %d of %s", i, enc.Config)
		}
		if len(r.Results)+len(r.Chains) == 0 {
			continue
		}
		results := 0
		for id := range found[i] {
			if err := keys.WalkResults(id, func(solver.CacheResult) error { results++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if results == 0 {
			t.Fatalf("BuildKit finds record %d without its result in %s", i, enc.Config)
		}
	}
}

// TestBuildKitFindsEveryKeyThatIsEncoded imports every kind of output with BuildKit's own code.
func TestBuildKitFindsEveryKeyThatIsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		checkImport(t, a)
		checkImport(t, a.Min())
		checkImport(t, cache.Merge(a, b))
		if layers := a.Layers(); len(layers) > 0 {
			rest, _ := a.Without(map[digest.Digest]bool{layers[0].Descriptor.Digest: true})
			checkImport(t, rest)
		}
	})
}

// TestWhatBuildKitMarshalsHasTheSameResults lets BuildKit import a real merge and write it again.
func TestWhatBuildKitMarshalsHasTheSameResults(t *testing.T) {
	c := cache.Merge(fixture(t, "multistage/max"), fixture(t, "multistage/changed"))
	enc, err := c.Encode(format)
	if err != nil {
		t.Fatal(err)
	}
	chains := remotecache.NewCacheChains()
	if err := remotecache.Parse(enc.Config, provider(enc.Layers), chains); err != nil {
		t.Fatal(err)
	}
	cfg, descs, err := chains.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	layers := []ocispec.Descriptor{}
	for _, d := range descs {
		layers = append(layers, d.Descriptor)
	}
	again, err := cache.Decode(raw, layers)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results(c), results(again)); diff != "" {
		t.Errorf("results that BuildKit lost (-) or made up (+):\n%s", diff)
	}
}

// fixture reads a cache that BuildKit exported.
func fixture(t testing.TB, name string) *cache.Cache {
	t.Helper()
	m, config := fixtureFiles(t, name)
	c, err := cache.Decode(config, m.Layers)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

func fixtureFiles(t testing.TB, name string) (*cache.Manifest, []byte) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join("testdata", name+".manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join("testdata", name+".config.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := cache.ParseManifest("", manifest)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m, config
}

// results lists the results of a cache as "what was run → diffIDs, lowest first".
func results(c *cache.Cache) []string {
	var list []string
	for _, r := range c.Records() {
		for _, res := range r.Results {
			var chain []string
			for l := res.Layer; l >= 0; l = c.Layers()[l].Parent {
				chain = append([]string{c.Layers()[l].DiffID.Encoded()[:8]}, chain...)
			}
			list = append(list, fmt.Sprint(r.Digest.Encoded()[:8], " → ", chain))
		}
	}
	slices.Sort(list)
	return list
}

// TestMinOfAMaxExportIsBuildKitsMinExport compares with what a builder exported, min first and max then, for the same build of four stages.
func TestMinOfAMaxExportIsBuildKitsMinExport(t *testing.T) {
	max, want := fixture(t, "multistage/max"), fixture(t, "multistage/min")
	got := max.Min()
	if diff := cmp.Diff(results(want), results(got)); diff != "" {
		t.Errorf("results of BuildKit's min (-) and ours (+):\n%s", diff)
	}
	if n, m := len(results(max)), len(results(got)); n != 11 || m != 8 {
		t.Errorf("%d of %d results are in min", m, n)
	}
	if a, b := len(want.Records()), len(got.Records()); a != b {
		t.Errorf("%d records, BuildKit's min has %d", b, a)
	}
}

// TestEveryFormThatBuildKitWritesIsRead reads its exports in all forms.
func TestEveryFormThatBuildKitWritesIsRead(t *testing.T) {
	for name, mediaType := range map[string]string{
		"multistage/max": ocispec.MediaTypeImageManifest, "forms/zstd": ocispec.MediaTypeImageManifest, "forms/estargz": ocispec.MediaTypeImageManifest,
		"forms/index": ocispec.MediaTypeImageIndex, "forms/docker": "application/vnd.docker.distribution.manifest.list.v2+json",
	} {
		m, _ := fixtureFiles(t, name)
		if !m.IsCache || m.MediaType != mediaType || m.Config.MediaType != types.CacheConfigMediaTypeV0 || m.MadeBy != "" {
			t.Errorf("%s: read as %+v", name, m)
		}
		c := fixture(t, name)
		if s := c.Stats(); s.Records != 17 || s.Results != 11 || s.Layers != 11 {
			t.Errorf("%s: has %+v", name, s)
		}
		checkImport(t, c)
	}
}

// TestAnInlineCacheIsReadFromTheImage reads an image that was built with an inline cache.
func TestAnInlineCacheIsReadFromTheImage(t *testing.T) {
	m, config := fixtureFiles(t, "forms/inline")
	if m.IsCache {
		t.Error("an image was taken for a cache")
	}
	c, err := cache.DecodeInline(config, m.Layers)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Layers != 4 || s.Results != 4 || s.Newest.IsZero() {
		t.Errorf("has %+v", s)
	}
	checkImport(t, c)
	if _, err := cache.DecodeInline(config, m.Layers[1:]); err == nil {
		t.Error("an image with more diffIDs than layers was read")
	}
}

// TestAFormRoundTrips writes a real cache in each form and reads it again.
func TestAFormRoundTrips(t *testing.T) {
	c := fixture(t, "multistage/max")
	for name, f := range map[string]cache.Format{
		"image": {OCI: true, ImageManifest: true}, "index": {OCI: true}, "docker": {},
	} {
		enc, err := c.Encode(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := cache.ParseManifest(enc.ManifestDesc.MediaType, enc.Manifest)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := cache.Decode(enc.Config, m.Layers)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(results(c), results(again)); diff != "" {
			t.Errorf("%s: results changed:\n%s", name, diff)
		}
	}
	if _, err := c.Encode(cache.Format{ImageManifest: true}); err == nil {
		t.Error("an image manifest with Docker's media types was written")
	}
}
