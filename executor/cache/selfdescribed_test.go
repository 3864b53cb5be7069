package cache_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-cmp/cmp"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"pgregory.net/rapid"
)

var selfDescribed = cache.Format{Mode: cache.ModeMax, SelfDescribed: true}

// described are the layers of a config as BuildKit's importers of buckets read them (cache/remotecache/s3, makeDescriptorProviderPair).
func described(t fatal, config []byte) []ocispec.Descriptor {
	t.Helper()
	var cfg types.CacheConfig
	if err := json.Unmarshal(config, &cfg); err != nil {
		t.Fatal(err)
	}
	var list []ocispec.Descriptor
	for _, l := range cfg.Layers {
		if l.Annotations == nil || l.Annotations.DiffID == "" {
			t.Fatalf("BuildKit refuses layer %s, which does not describe itself", l.Blob)
		}
		d := ocispec.Descriptor{
			MediaType: l.Annotations.MediaType, Digest: l.Blob, Size: l.Annotations.Size,
			Annotations: map[string]string{cache.AnnotationUncompressed: l.Annotations.DiffID.String()},
		}
		if !l.Annotations.CreatedAt.IsZero() {
			created, err := l.Annotations.CreatedAt.MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			d.Annotations[cache.AnnotationCreatedAt] = string(created)
		}
		list = append(list, d)
	}
	return list
}

func TestLayersThatDescribeThemselvesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t, "c")
		enc, err := c.Encode(selfDescribed)
		if err != nil {
			t.Fatal(err)
		}
		if enc.Manifest != nil || enc.ManifestDesc.Digest != enc.ConfigDesc.Digest {
			t.Errorf("there is a manifest %s", enc.Manifest)
		}
		again, err := cache.Decode(enc.Config, nil)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := text(t, c), text(t, again); x != y {
			t.Errorf("decoded it is another cache:\n%s", cmp.Diff(x, y))
		}
	})
}

// TestBuildKitReadsLayersThatDescribeThemselves imports what is written for buckets with BuildKit's own code.
func TestBuildKitReadsLayersThatDescribeThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t, "c")
		enc, err := c.Encode(selfDescribed)
		if err != nil {
			t.Fatal(err)
		}
		layers := described(t, enc.Config)
		if diff := cmp.Diff(byDigest(enc.Layers), byDigest(layers)); diff != "" {
			t.Errorf("BuildKit sees other layers:\n%s", diff)
		}
		enc.Layers = layers
		keys := storage(t, enc)
		for i, r := range c.Records() {
			if len(r.Inputs) == 0 && !keys.Exists(r.Digest.String()) {
				t.Errorf("BuildKit does not find record %d of %s", i, enc.Config)
			}
		}
	})
}

func byDigest(list []ocispec.Descriptor) map[string]ocispec.Descriptor {
	out := map[string]ocispec.Descriptor{}
	for _, d := range list {
		out[d.Digest.String()] = d
	}
	return out
}

// TestEStargzIsKnownAgainWithoutAManifest keeps what tells an eStargz layer from gzip, and nothing else that a registry may have added.
func TestEStargzIsKnownAgainWithoutAManifest(t *testing.T) {
	c := fixture(t, "forms/estargz")
	c, err := c.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		d := l.Descriptor
		d.Annotations = maps.Clone(d.Annotations)
		d.Annotations["containerd.io/distribution.source.registry.example"] = "team/app"
		return d, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	enc, err := c.Encode(selfDescribed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := cache.Decode(enc.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	const toc = "containerd.io/snapshot/stargz/toc.digest"
	for i, l := range again.Layers() {
		want := c.Layers()[i].Descriptor.Annotations
		got := l.Descriptor.Annotations
		if got[toc] == "" || got[toc] != want[toc] {
			t.Errorf("layer %d has the table of contents %q, want %q", i, got[toc], want[toc])
		}
		if got["containerd.io/distribution.source.registry.example"] != "" {
			t.Errorf("layer %d says which registry it came from", i)
		}
	}
}

func TestTheLimitDependsOnTheFormat(t *testing.T) {
	if got := selfDescribed.Limit(); got != cache.SelfDescribedLimit {
		t.Errorf("without a manifest the limit is %d", got)
	}
	if got := format.Limit(); got != cache.ImportLimit {
		t.Errorf("with a manifest the limit is %d", got)
	}
}

// TestANoteStandsInAConfigWithoutAManifest writes one and reads it again; what the cache holds is the same with and without it.
func TestANoteStandsInAConfigWithoutAManifest(t *testing.T) {
	c := fixture(t, "multistage/max")
	bare, err := c.Encode(selfDescribed)
	if err != nil {
		t.Fatal(err)
	}
	noted, err := c.WithNote(`{"app":"made of this"}`).Encode(selfDescribed)
	if err != nil {
		t.Fatal(err)
	}
	if got := cache.Note(noted.Config); got != `{"app":"made of this"}` {
		t.Errorf("the note is %q", got)
	}
	if got := cache.Note(bare.Config); got != "" {
		t.Errorf("without one the note is %q", got)
	}
	with, err := cache.Decode(noted.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	without, err := cache.Decode(bare.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results(without), results(with)); diff != "" {
		t.Errorf("the note changes the cache (-without +with):\n%s", diff)
	}
	for _, raw := range []string{"", "null", "[]", `{"io.cachectl.note":7}`} {
		if got := cache.Note([]byte(raw)); got != "" {
			t.Errorf("%q has the note %q", raw, got)
		}
	}
}
