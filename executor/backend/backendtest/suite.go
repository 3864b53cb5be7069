package backendtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Harness is a place to test a backend on.
type Harness struct {
	// SelfDescribed says that a name points at a config whose layers describe themselves: there are no manifests, no images, one format,
	// and nothing that an import could be pinned by.
	SelfDescribed bool
	// Bare says that nothing can be kept beside such a config: it does not tell who wrote it, nor that it was changed.
	Bare bool
	// Open opens the location that a name stands for, with further cache attributes. Equal names are equal locations; each call returns a
	// view that has seen nothing yet.
	Open func(t testing.TB, name string, attrs map[string]string) backend.Destination
	// Share opens n views of one location as the steps of one run have them.
	Share func(t testing.TB, name string, n int) []backend.Destination
	// Seed puts blobs and, under the name, a manifest there by other means than the backend.
	Seed func(t testing.TB, name, mediaType string, manifest []byte, blobs [][]byte)
	// Remove loses a blob, Replace gives a blob, config or manifest other bytes, both behind the backend's back.
	Remove  func(t testing.TB, name string, d digest.Digest)
	Replace func(t testing.TB, name string, d digest.Digest, raw []byte)
	// Root is what a name points at, found by other means than the backend: "" for nothing.
	Root func(t testing.TB, name string) digest.Digest
}

// promise is one thing that every backend keeps.
type promise struct {
	name string
	run  func(*testing.T, Harness)
}

// withManifests are the promises of places where a name points at a manifest, selfDescribed those of the others.
var (
	withManifests = []promise{
		{"what is published is read back in every format", testFormats},
		{"a changed config is noticed", testChangedConfig},
		{"a lost config is an error and not a cache", testLostConfig},
		{"an image's inline cache is read", testInline},
		{"an index's inline caches are read", testInlineIndex},
		{"a plain image is said to be one", testPlainImage},
		{"a cache that BuildKit would not import is refused", testTooLarge},
		{"the entry for BuildKit is pinned", testNative},
	}
	selfDescribed = []promise{
		{"what is published is read back", testPublished},
		{"a config beyond all bounds is refused", testBeyondBounds},
	}
)

// Run tests everything that Source and Destination promise.
func Run(t *testing.T, h Harness) {
	tests := []promise{
		{"an empty location is not found", testEmpty},
		{"a check leaves nothing behind", testCheck},
		{"a second publication replaces the first", testReplace},
		{"publishing over what somebody else published is a conflict", testConflict},
		{"concurrent writers lose nothing", testConcurrentWriters},
		{"a lost layer is reported", testMissing},
		{"a blob of other bytes is refused", testWrongPush},
		{"a changed layer is noticed", testChangedLayer},
		{"a changed manifest is noticed", testChangedManifest},
		{"a big layer streams", testBigLayer},
		{"a cancelled push leaves the old cache", testCancelPush},
		{"a cancelled publication leaves the old cache", testCancelPublish},
		{"a blob that is there is not read again", testPushTwice},
		{"garbage is an error that leaves the root known", testGarbage},
		{"keys tell locations apart", testKeys},
	}
	if h.SelfDescribed {
		tests = append(tests, selfDescribed...)
	} else {
		tests = append(tests, withManifests...)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}

// Publish pushes the sample's layers and publishes it over replaces.
func Publish(t testing.TB, dest backend.Destination, s *Sample, replaces ocispec.Descriptor) ocispec.Descriptor {
	t.Helper()
	Push(t, dest, s)
	root, err := dest.Publish(t.Context(), s.Cache, replaces)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return root
}

// Push pushes the sample's layers.
func Push(t testing.TB, dest backend.Destination, s *Sample) {
	t.Helper()
	for _, l := range s.Cache.Layers() {
		if err := dest.Blobs().Push(t.Context(), l.Descriptor, open(s.Blobs[l.Descriptor.Digest])); err != nil {
			t.Fatalf("push %s: %v", l.Descriptor.Digest, err)
		}
	}
}

func open(raw []byte) blob.Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

// Read reads the location, which must hold a cache.
func Read(t testing.TB, src backend.Source) *backend.Current {
	t.Helper()
	cur, err := src.Read(t.Context())
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return cur
}

// same fails unless two caches are equal.
func same(t testing.TB, got, want *cache.Cache) {
	t.Helper()
	f := cache.Format{Mode: cache.ModeMax, OCI: true, ImageManifest: true}
	g, err := got.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	w, err := want.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if g.ManifestDesc.Digest != w.ManifestDesc.Digest {
		t.Fatalf("caches differ:\n got %s\n%s\nwant %s\n%s", g.Manifest, g.Config, w.Manifest, w.Config)
	}
}

// holds fails unless the location holds the sample with all its layers.
func holds(t testing.TB, src backend.Source, s *Sample) {
	t.Helper()
	cur := Read(t, src)
	same(t, cur.Cache, s.Cache)
	lost, err := src.Missing(t.Context(), cur)
	if err != nil {
		t.Fatalf("look for layers: %v", err)
	}
	if len(lost) > 0 {
		t.Fatalf("%d layers are missing", len(lost))
	}
	for _, l := range cur.Cache.Layers() {
		got, err := fetch(t.Context(), cur.Blobs, l.Descriptor)
		if err != nil {
			t.Fatalf("fetch %s: %v", l.Descriptor.Digest, err)
		}
		if !bytes.Equal(got, s.Blobs[l.Descriptor.Digest]) {
			t.Fatalf("layer %s has other bytes", l.Descriptor.Digest)
		}
	}
}

func fetch(ctx context.Context, from blob.Fetcher, desc ocispec.Descriptor) ([]byte, error) {
	rc, err := from.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close() //nolint:errcheck // read side
	return io.ReadAll(rc)
}

func testEmpty(t *testing.T, h Harness) {
	cur, err := h.Open(t, "empty", nil).Read(t.Context())
	if !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if cur != nil {
		t.Errorf("got %v with the error, want nothing", cur)
	}
}

func testCheck(t *testing.T, h Harness) {
	if err := h.Open(t, "checked", nil).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(t, "checked", nil).Read(t.Context()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("after a check: %v, want ErrNotFound", err)
	}
	if d := h.Root(t, "checked"); d != "" {
		t.Errorf("after a check the name points at %s", d)
	}
}

func testFormats(t *testing.T, h Harness) {
	for name, f := range map[string]struct {
		attrs     map[string]string
		mediaType string
	}{
		"image": {map[string]string{}, ocispec.MediaTypeImageManifest},
		"index": {map[string]string{"image-manifest": "false"}, ocispec.MediaTypeImageIndex},
		"docker": {
			map[string]string{"oci-mediatypes": "false"}, "application/vnd.docker.distribution.manifest.list.v2+json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSample(t, name, 3)
			root := Publish(t, h.Open(t, "format-"+name, f.attrs), s, ocispec.Descriptor{})
			if root.MediaType != f.mediaType {
				t.Errorf("published as %s, want %s", root.MediaType, f.mediaType)
			}
			if got := h.Root(t, "format-"+name); got != root.Digest {
				t.Errorf("the name points at %s, want %s", got, root.Digest)
			}
			cur := Read(t, h.Open(t, "format-"+name, nil))
			if cur.Root.Digest != root.Digest || cur.Root.Size != root.Size || cur.Root.MediaType != root.MediaType {
				t.Errorf("root is %+v, want %+v", cur.Root, root)
			}
			for _, l := range cur.Cache.Layers() {
				if got, err := fetch(t.Context(), cur.Blobs, l.Descriptor); err != nil || !bytes.Equal(got, s.Blobs[l.Descriptor.Digest]) {
					t.Errorf("layer %s: %v", l.Descriptor.Digest, err)
				}
			}
			if name != "docker" { // whose layers have Docker's media types
				same(t, cur.Cache, s.Cache)
			}
		})
	}
}

func testReplace(t *testing.T, h Harness) {
	a, b := NewSample(t, "first", 2), NewSample(t, "second", 3)
	root := Publish(t, h.Open(t, "replaced", nil), a, ocispec.Descriptor{})
	holds(t, h.Open(t, "replaced", nil), a)
	Publish(t, h.Open(t, "replaced", nil), b, root)
	holds(t, h.Open(t, "replaced", nil), b)
}

func testConflict(t *testing.T, h Harness) {
	a, b, c := NewSample(t, "a", 1), NewSample(t, "b", 1), NewSample(t, "c", 1)
	first := Publish(t, h.Open(t, "contested", nil), a, ocispec.Descriptor{})
	second := Publish(t, h.Open(t, "contested", nil), b, first)
	for name, replaces := range map[string]ocispec.Descriptor{"the one before": first, "nothing": {}} {
		dest := h.Open(t, "contested", nil)
		Push(t, dest, c)
		if _, err := dest.Publish(t.Context(), c.Cache, replaces); !errors.Is(err, backend.ErrConflict) {
			t.Errorf("replacing %s: %v, want ErrConflict", name, err)
		}
		if got := h.Root(t, "contested"); got != second.Digest {
			t.Errorf("replacing %s moved the name to %s", name, got)
		}
	}
	holds(t, h.Open(t, "contested", nil), b)
}

// testConcurrentWriters has the steps of one run publish to one location, each joining what it finds there.
func testConcurrentWriters(t *testing.T, h Harness) {
	const writers, rounds = 4, 3
	views := h.Share(t, "shared", writers)
	var group sync.WaitGroup
	var all []*cache.Cache
	for w, view := range views {
		var samples []*Sample
		for round := range rounds {
			s := NewSample(t, fmt.Sprintf("writer %d round %d", w, round), 2)
			samples, all = append(samples, s), append(all, s.Cache)
		}
		group.Go(func() {
			for _, s := range samples {
				if err := join(t, view, s); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	cur := Read(t, h.Open(t, "shared", nil))
	if !cur.Cache.Covers(cache.Merge(all...)) {
		t.Errorf("%d records are left of the %d that were published", cur.Cache.Stats().Records, cache.Merge(all...).Stats().Records)
	}
}

// join publishes s merged with what is there until nobody comes between.
func join(t testing.TB, dest backend.Destination, s *Sample) error {
	for _, l := range s.Cache.Layers() {
		if err := dest.Blobs().Push(t.Context(), l.Descriptor, open(s.Blobs[l.Descriptor.Digest])); err != nil {
			return fmt.Errorf("push: %w", err)
		}
	}
	for range 1000 {
		want, root := s.Cache, ocispec.Descriptor{}
		cur, err := dest.Read(t.Context())
		switch {
		case err == nil:
			want, root = cache.Merge(cur.Cache, s.Cache), cur.Root
		case !errors.Is(err, blob.ErrNotFound):
			return fmt.Errorf("read: %w", err)
		}
		if _, err = dest.Publish(t.Context(), want, root); !errors.Is(err, backend.ErrConflict) {
			return err
		}
	}
	return errors.New("conflicts without end")
}

func testMissing(t *testing.T, h Harness) {
	s := NewSample(t, "missing", 4)
	Publish(t, h.Open(t, "holed", nil), s, ocispec.Descriptor{})
	gone := s.Cache.Layers()[2].Descriptor
	h.Remove(t, "holed", gone.Digest)
	src := h.Open(t, "holed", nil)
	cur := Read(t, src)
	lost, err := src.Missing(t.Context(), cur)
	if err != nil {
		t.Fatal(err)
	}
	if len(lost) != 1 || lost[0].Digest != gone.Digest {
		t.Errorf("missing are %v, want %s alone", lost, gone.Digest)
	}
	if _, err := fetch(t.Context(), cur.Blobs, gone); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("fetching it: %v, want ErrNotFound", err)
	}
}

func testWrongPush(t *testing.T, h Harness) {
	want := noise("right", 5000)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(want), Size: 5000}
	for name, raw := range map[string][]byte{"other bytes": noise("wrong", 5000), "too short": want[:4999], "too long": append([]byte("x"), want...)} {
		dest := h.Open(t, "wrong", nil)
		if err := dest.Blobs().Push(t.Context(), desc, open(raw)); err == nil {
			t.Errorf("%s were stored", name)
		}
		if has, err := h.Open(t, "wrong", nil).Blobs().Has(t.Context(), desc); err != nil || has {
			t.Errorf("%s: the store has the blob: %v, %v", name, has, err)
		}
	}
	if err := h.Open(t, "wrong", nil).Blobs().Push(t.Context(), desc, open(want)); err != nil {
		t.Errorf("the right bytes after that: %v", err)
	}
}

// changed publishes a sample, changes one blob, and returns it all.
func changed(t *testing.T, h Harness, name string, pick func(*Sample, ocispec.Descriptor) (digest.Digest, []byte)) *Sample {
	t.Helper()
	s := NewSample(t, name, 2)
	root := Publish(t, h.Open(t, name, nil), s, ocispec.Descriptor{})
	d, raw := pick(s, root)
	raw = bytes.Clone(raw)
	raw[len(raw)/2] ^= 1
	h.Replace(t, name, d, raw)
	return s
}

func testChangedLayer(t *testing.T, h Harness) {
	s := changed(t, h, "flipped-layer", func(s *Sample, _ ocispec.Descriptor) (digest.Digest, []byte) {
		d := s.Cache.Layers()[1].Descriptor.Digest
		return d, s.Blobs[d]
	})
	cur := Read(t, h.Open(t, "flipped-layer", nil))
	if _, err := fetch(t.Context(), cur.Blobs, s.Cache.Layers()[1].Descriptor); !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v, want ErrIntegrity", err)
	}
	if _, err := fetch(t.Context(), cur.Blobs, s.Cache.Layers()[0].Descriptor); err != nil {
		t.Errorf("the other layer: %v", err)
	}
}

func encoded(t testing.TB, s *Sample, f cache.Format) *cache.Encoded {
	t.Helper()
	enc, err := s.Cache.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func testChangedManifest(t *testing.T, h Harness) {
	if h.Bare {
		return // the place itself must not let an entry be changed
	}
	changed(t, h, "flipped-manifest", func(s *Sample, root ocispec.Descriptor) (digest.Digest, []byte) {
		enc := encoded(t, s, h.Open(t, "flipped-manifest", nil).Format())
		if h.SelfDescribed {
			return root.Digest, enc.Config
		}
		return root.Digest, enc.Manifest
	})
	cur, err := h.Open(t, "flipped-manifest", nil).Read(t.Context())
	if !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v, want ErrIntegrity", err)
	}
	if cur != nil && cur.Cache != nil {
		t.Error("a cache came with the error")
	}
}

func testChangedConfig(t *testing.T, h Harness) {
	changed(t, h, "flipped-config", func(s *Sample, _ ocispec.Descriptor) (digest.Digest, []byte) {
		enc := encoded(t, s, h.Open(t, "flipped-config", nil).Format())
		return enc.ConfigDesc.Digest, enc.Config
	})
	cur, err := h.Open(t, "flipped-config", nil).Read(t.Context())
	if !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v, want ErrIntegrity", err)
	}
	if cur == nil || cur.Cache != nil || cur.Root.Digest == "" {
		t.Errorf("got %+v with the error, want a root without a cache", cur)
	}
}

func testLostConfig(t *testing.T, h Harness) {
	s := NewSample(t, "lost config", 2)
	root := Publish(t, h.Open(t, "lost-config", nil), s, ocispec.Descriptor{})
	h.Remove(t, "lost-config", encoded(t, s, h.Open(t, "lost-config", nil).Format()).ConfigDesc.Digest)
	cur, err := h.Open(t, "lost-config", nil).Read(t.Context())
	if err == nil || cur == nil || cur.Cache != nil || cur.Root.Digest != root.Digest {
		t.Errorf("got %+v, %v, want an error and the root", cur, err)
	}
	// What is broken can be replaced.
	dest := h.Open(t, "lost-config", nil)
	Publish(t, dest, s, root)
	holds(t, h.Open(t, "lost-config", nil), s)
}

// stream gives n bytes without holding them.
type stream struct{ left int64 }

func (s *stream) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), s.left)
	for i := range p[:n] {
		p[i] = byte(s.left - int64(i))
	}
	s.left -= n
	return int(n), nil
}

func testBigLayer(t *testing.T, h Harness) {
	const size = 96 << 20
	opener := func(context.Context) (io.ReadCloser, error) { return io.NopCloser(&stream{size}), nil }
	d, err := digest.FromReader(&stream{size})
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: d, Size: size}
	dest := h.Open(t, "big", nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := dest.Blobs().Push(t.Context(), desc, opener); err != nil {
		t.Fatal(err)
	}
	rc, err := dest.Blobs().(blob.Fetcher).Fetch(t.Context(), desc)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close() //nolint:errcheck // read side
	if n, err := io.Copy(io.Discard, rc); err != nil || n != size {
		t.Fatalf("read %d of %d bytes: %v", n, size, err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > size/2 {
		t.Errorf("%d bytes were allocated to move %d there and back", got, size)
	}
}

// cancelling cancels a context when it is read to its middle.
type cancelling struct {
	io.Reader
	cancel context.CancelFunc
	left   int
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.cancel()
	}
	return c.Reader.Read(p[:min(len(p), 4096)])
}

func testCancelPush(t *testing.T, h Harness) {
	old := NewSample(t, "before cancel", 2)
	Publish(t, h.Open(t, "cancelled", nil), old, ocispec.Descriptor{})
	raw := noise("cancelled", 4<<20)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := h.Open(t, "cancelled", nil).Blobs().Push(ctx, desc, func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(&cancelling{bytes.NewReader(raw), cancel, 1 << 20}), nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if has, err := h.Open(t, "cancelled", nil).Blobs().Has(t.Context(), desc); err != nil || has {
		t.Errorf("after a cancelled push the store has the blob: %v, %v", has, err)
	}
	holds(t, h.Open(t, "cancelled", nil), old)
}

func testCancelPublish(t *testing.T, h Harness) {
	old, next := NewSample(t, "stays", 2), NewSample(t, "never", 2)
	root := Publish(t, h.Open(t, "cancelled-publish", nil), old, ocispec.Descriptor{})
	dest := h.Open(t, "cancelled-publish", nil)
	Push(t, dest, next)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dest.Publish(ctx, next.Cache, root); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	holds(t, h.Open(t, "cancelled-publish", nil), old)
}

func testPushTwice(t *testing.T, h Harness) {
	raw := noise("twice", 1000)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: 1000}
	if err := h.Open(t, "twice", nil).Blobs().Push(t.Context(), desc, open(raw)); err != nil {
		t.Fatal(err)
	}
	opened := false
	moved, err := blob.Copy(t.Context(), desc, fetcherFunc(func() { opened = true }), h.Open(t, "twice", nil).Blobs())
	if err != nil || moved != 0 || opened {
		t.Errorf("copying it again: %d bytes, opened %v, %v", moved, opened, err)
	}
}

type fetcherFunc func()

func (f fetcherFunc) Fetch(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	f()
	return nil, errors.New("not to be read")
}

// image is an image of one layer, with an inline cache if inline is set.
func image(t testing.TB, seed string, inline bool) (manifest []byte, blobs [][]byte) {
	t.Helper()
	layer := noise("layer "+seed, 900)
	diffID := digest.FromString("diff " + seed)
	cfg := map[string]any{"architecture": "amd64", "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": []digest.Digest{diffID}}}
	if inline {
		records, err := json.Marshal([]types.CacheRecord{{
			Digest: digest.FromString("step " + seed), ChainedResults: []types.ChainedResult{{LayerIndexes: []int{0}, CreatedAt: sampleTime()}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		cfg["moby.buildkit.cache.v0"] = records
	}
	config, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err = json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config), Size: int64(len(config))},
		Layers: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(layer), Size: int64(len(layer))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return manifest, [][]byte{config, layer}
}

func testInline(t *testing.T, h Harness) {
	manifest, blobs := image(t, "inline", true)
	h.Seed(t, "inline", ocispec.MediaTypeImageManifest, manifest, blobs)
	src := h.Open(t, "inline", nil)
	cur := Read(t, src)
	if s := cur.Cache.Stats(); s.Records != 1 || s.Layers != 1 || s.Results != 1 {
		t.Errorf("got %+v, want one record with one layer", s)
	}
	if cur.Root.Digest != digest.FromBytes(manifest) {
		t.Errorf("root is %s", cur.Root.Digest)
	}
	if got, err := fetch(t.Context(), cur.Blobs, cur.Cache.Layers()[0].Descriptor); err != nil || !bytes.Equal(got, blobs[1]) {
		t.Errorf("its layer: %v", err)
	}
}

func testInlineIndex(t *testing.T, h Harness) {
	var index ocispec.Index
	index.SchemaVersion, index.MediaType = 2, ocispec.MediaTypeImageIndex
	for _, im := range []struct {
		seed   string
		inline bool
	}{{"linux/amd64", true}, {"linux/arm64", true}, {"attestation", false}} {
		manifest, blobs := image(t, im.seed, im.inline)
		h.Seed(t, "inline-index", ocispec.MediaTypeImageManifest, manifest, blobs)
		index.Manifests = append(index.Manifests, ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest)),
		})
	}
	raw, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	h.Seed(t, "inline-index", ocispec.MediaTypeImageIndex, raw, nil)
	cur := Read(t, h.Open(t, "inline-index", nil))
	if s := cur.Cache.Stats(); s.Records != 2 || s.Layers != 2 {
		t.Errorf("got %+v, want the records of both images", s)
	}
	if cur.Root.Digest != digest.FromBytes(raw) {
		t.Errorf("root is %s, want the index %s", cur.Root.Digest, digest.FromBytes(raw))
	}
}

func testPlainImage(t *testing.T, h Harness) {
	manifest, blobs := image(t, "plain", false)
	h.Seed(t, "plain", ocispec.MediaTypeImageManifest, manifest, blobs)
	cur, err := h.Open(t, "plain", nil).Read(t.Context())
	if !errors.Is(err, cache.ErrNotCache) {
		t.Errorf("got %v, want ErrNotCache", err)
	}
	if cur == nil || cur.Cache != nil || cur.Root.Digest != digest.FromBytes(manifest) {
		t.Errorf("got %+v, want its root", cur)
	}
}

func testGarbage(t *testing.T, h Harness) {
	root, mediaType, blobs := []byte(`{"records":[{"digest":"nonsense"}]}`), types.CacheConfigMediaTypeV0, [][]byte(nil)
	if !h.SelfDescribed {
		root, mediaType, blobs = over(t, root), ocispec.MediaTypeImageManifest, [][]byte{root}
	}
	h.Seed(t, "garbage", mediaType, root, blobs)
	cur, err := h.Open(t, "garbage", nil).Read(t.Context())
	if !errors.Is(err, cache.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	if cur == nil || cur.Cache != nil || cur.Root.Digest != digest.FromBytes(root) {
		t.Errorf("got %+v, want its root", cur)
	}
}

// over is a manifest over a config and no layers.
func over(t testing.TB, config []byte) []byte {
	t.Helper()
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Layers: []ocispec.Descriptor{},
		Config: ocispec.Descriptor{MediaType: types.CacheConfigMediaTypeV0, Digest: digest.FromBytes(config), Size: int64(len(config))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// testPublished publishes and finds, by other means too, what was published.
func testPublished(t *testing.T, h Harness) {
	s := NewSample(t, "published", 3)
	dest := h.Open(t, "published", map[string]string{"mode": "max"})
	root := Publish(t, dest, s, ocispec.Descriptor{})
	if want := encoded(t, s, dest.Format()); root.Digest != want.ManifestDesc.Digest || root.MediaType != types.CacheConfigMediaTypeV0 {
		t.Errorf("published as %+v, want %+v", root, want.ManifestDesc)
	}
	if got := h.Root(t, "published"); got != root.Digest {
		t.Errorf("the name points at %s, want %s", got, root.Digest)
	}
	src := h.Open(t, "published", nil)
	cur := Read(t, src)
	if cur.Root.Digest != root.Digest || cur.Root.Size != root.Size || cur.Image || (cur.MadeBy != "cachectl" && !h.Bare) {
		t.Errorf("read as %+v, want %+v of cachectl", cur, root)
	}
	if n := src.Native(cur); n.Type == "" || len(n.Attrs) == 0 {
		t.Errorf("the entry for BuildKit is %q", n.Type)
	}
	holds(t, src, s)
}

// testBeyondBounds has a reader meet a config that is larger than any that is read.
func testBeyondBounds(t *testing.T, h Harness) {
	config := bytes.Repeat([]byte(" "), cache.ConfigLimit+1)
	copy(config, "{}")
	h.Seed(t, "large", types.CacheConfigMediaTypeV0, config, nil)
	cur, err := h.Open(t, "large", nil).Read(t.Context())
	if !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("reading it: %v, want ErrTooLarge", err)
	}
	if cur == nil || cur.Cache != nil {
		t.Errorf("got %+v with the error, want a root without a cache", cur)
	}
}

func testTooLarge(t *testing.T, h Harness) {
	config := bytes.Repeat([]byte(" "), cache.ImportLimit+1)
	copy(config, "{}")
	h.Seed(t, "large", ocispec.MediaTypeImageManifest, over(t, config), [][]byte{config})
	if _, err := h.Open(t, "large", nil).Read(t.Context()); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("reading it: %v, want ErrTooLarge", err)
	}
	small := NewSample(t, "small", 1)
	root := Publish(t, h.Open(t, "grown", nil), small, ocispec.Descriptor{})
	big := NewSample(t, "large", 9000)
	if _, err := h.Open(t, "grown", nil).Publish(t.Context(), big.Cache, root); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("publishing it: %v, want ErrTooLarge", err)
	}
	holds(t, h.Open(t, "grown", nil), small)
}

func testKeys(t *testing.T, h Harness) {
	a, b := h.Open(t, "one", nil), h.Open(t, "two", nil)
	if a.Key() == b.Key() {
		t.Errorf("two locations have the key %q", a.Key())
	}
	if again := h.Open(t, "one", map[string]string{"mode": "max", "compression": "zstd"}); again.Key() != a.Key() {
		t.Errorf("one location has the keys %q and %q", a.Key(), again.Key())
	}
	if again := h.Open(t, "one", map[string]string{"mode": "max"}); again.Format().Mode != cache.ModeMax || a.Format().Mode != cache.ModeMin {
		t.Errorf("modes are %q and %q, want max and min", again.Format().Mode, a.Format().Mode)
	}
}

func testNative(t *testing.T, h Harness) {
	root := Publish(t, h.Open(t, "native", nil), NewSample(t, "native", 1), ocispec.Descriptor{})
	src := h.Open(t, "native", nil)
	n := src.Native(Read(t, src))
	for _, v := range n.Attrs {
		if v == root.Digest.String() || bytes.HasSuffix([]byte(v), []byte("@"+root.Digest.String())) {
			return
		}
	}
	t.Errorf("nothing in %v says %s", n, root.Digest)
}
