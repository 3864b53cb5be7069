package verify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/verify"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// place is a location of a kind of backend whose files can be reached behind its back.
type place struct {
	entry config.Cache
	dir   string // of the blobs
	env   func(testing.TB) locations.Env
}

func hosts(t testing.TB) locations.Env {
	t.Helper()
	h, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return locations.Env{Hosts: h}
}

func directory(t testing.TB) place {
	dir := t.TempDir()
	return place{entry: config.Cache{Type: "local", Attrs: map[string]string{"dest": dir}}, dir: dir, env: hosts}
}

func repository(t testing.TB) place {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	return place{
		entry: config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/team/app:main"}},
		dir:   filepath.Join(reg.Dir, "docker/registry/v2"), env: hosts,
	}
}

// open is a view of the location that has seen nothing yet.
func (p place) open(t testing.TB) backend.Destination {
	t.Helper()
	d, err := locations.OpenDestination(p.entry, p.env(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// file is where a blob lies.
func (p place) file(t testing.TB, d digest.Digest) string {
	t.Helper()
	for _, name := range []string{filepath.Join("blobs/sha256", d.Encoded()), filepath.Join("blobs/sha256", d.Encoded()[:2], d.Encoded(), "data")} {
		if st, err := os.Stat(filepath.Join(p.dir, name)); err == nil && st.Mode().IsRegular() {
			return filepath.Join(p.dir, name)
		}
	}
	t.Fatalf("blob %s is not in %s", d, p.dir)
	return ""
}

func (p place) lose(t testing.TB, d digest.Digest) {
	t.Helper()
	if err := os.Remove(p.file(t, d)); err != nil {
		t.Fatal(err)
	}
}

// flip changes one bit of a blob.
func (p place) flip(t testing.TB, d digest.Digest) {
	t.Helper()
	name := p.file(t, d)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, p place, deep bool) *verify.Result {
	t.Helper()
	res, err := verify.Check(t.Context(), p.open(t), verify.Options{Deep: deep})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// kinds lists the findings as "kind layer".
func kinds(res *verify.Result) []string {
	out := []string{}
	for _, f := range res.Findings {
		layer := ""
		if f.Layer != nil {
			layer = " " + f.Layer.Descriptor.Digest.Encoded()[:8]
		}
		out = append(out, string(f.Kind)+layer)
	}
	return out
}

func short(s *backendtest.Sample, n int) string {
	return s.Cache.Layers()[n].Descriptor.Digest.Encoded()[:8]
}

func want(t testing.TB, got *verify.Result, findings ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, findings...), kinds(got)); diff != "" {
		t.Errorf("findings (- wanted, + found):\n%s", diff)
	}
}

// each runs a test in a directory and in a registry.
func each(t *testing.T, test func(*testing.T, place)) {
	t.Helper()
	t.Run("local", func(t *testing.T) { test(t, directory(t)) })
	t.Run("registry", func(t *testing.T) { test(t, repository(t)) })
}

func TestAWholeCacheHasNoFindings(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "whole", 5)
		backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		for _, deep := range []bool{false, true} {
			res := check(t, p, deep)
			want(t, res)
			bytes := int64(0)
			if deep {
				bytes = s.Cache.Stats().Bytes
			}
			if res.Results != 5 || res.Usable != 5 || res.Read != bytes {
				t.Errorf("deep %v: %d of %d results, %d bytes read, want 5 of 5 and %d", deep, res.Usable, res.Results, res.Read, bytes)
			}
		}
	})
}

func TestNothingThereIsAFinding(t *testing.T) {
	each(t, func(t *testing.T, p place) { want(t, check(t, p, true), "absent") })
}

func TestAMissingLayerIsFoundAndWhatNeedsItDropped(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "missing", 5)
		old := backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		p.lose(t, s.Cache.Layers()[3].Descriptor.Digest)
		res := check(t, p, false)
		want(t, res, "missing "+short(s, 3))
		if res.Usable != 3 || res.Results != 5 {
			t.Errorf("%d of %d results are usable, want 3 of 5", res.Usable, res.Results)
		}
		done, err := verify.Repair(t.Context(), p.open(t), res, nil, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !done.Published || done.Dropped != 2 || done.Root.Digest == old.Digest {
			t.Errorf("repair did %+v", done)
		}
		again := check(t, p, true)
		want(t, again)
		if again.Results != 3 || len(again.Current.Cache.Records()) != 5 {
			t.Errorf("%d results of %d keys are left, want 3 of 5", again.Results, len(again.Current.Cache.Records()))
		}
	})
}

func TestADamagedLayerIsFoundByADeepCheckOnly(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "damaged", 4)
		backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		p.flip(t, s.Cache.Layers()[2].Descriptor.Digest)
		want(t, check(t, p, false))
		res := check(t, p, true)
		want(t, res, "damaged "+short(s, 2))
		if _, err := verify.Repair(t.Context(), p.open(t), res, nil, verify.Options{Deep: true}); err != nil {
			t.Fatal(err)
		}
		again := check(t, p, true)
		want(t, again)
		if again.Results != 2 {
			t.Errorf("%d results are left, want 2", again.Results)
		}
	})
}

func TestLayersArePutBackFromAnotherCache(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "restore", 5)
		old := backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		mirror := directory(t)
		backendtest.Publish(t, mirror.open(t), s, ocispec.Descriptor{})
		p.lose(t, s.Cache.Layers()[1].Descriptor.Digest)
		p.lose(t, s.Cache.Layers()[4].Descriptor.Digest)
		others, err := verify.Others(t.Context(), []backend.Source{mirror.open(t)})
		if err != nil {
			t.Fatal(err)
		}
		res := check(t, p, true)
		want(t, res, "missing "+short(s, 1), "missing "+short(s, 4))
		done, err := verify.Repair(t.Context(), p.open(t), res, others, verify.Options{Deep: true})
		if err != nil {
			t.Fatal(err)
		}
		if done.Published || len(done.Restored) != 2 || done.Dropped != 0 || done.Root.Digest != old.Digest {
			t.Errorf("repair did %+v, want two layers put back under the old manifest", done)
		}
		want(t, check(t, p, true))
	})
}

// TestADamagedLayerIsPutBack is for directories: a registry's storage does not take a blob again that it has a file of.
func TestADamagedLayerIsPutBack(t *testing.T) {
	p, mirror := directory(t), directory(t)
	s := backendtest.NewSample(t, "overwrite", 3)
	backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
	backendtest.Publish(t, mirror.open(t), s, ocispec.Descriptor{})
	p.flip(t, s.Cache.Layers()[0].Descriptor.Digest)
	others, err := verify.Others(t.Context(), []backend.Source{mirror.open(t)})
	if err != nil {
		t.Fatal(err)
	}
	done, err := verify.Repair(t.Context(), p.open(t), check(t, p, true), others, verify.Options{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Restored) != 1 || done.Dropped != 0 {
		t.Errorf("repair did %+v", done)
	}
	want(t, check(t, p, true))
}

// TestADamagedLayerThatTheRegistryKeepsIsDropped has a registry that takes the blob again and still serves the damaged one.
func TestADamagedLayerThatTheRegistryKeepsIsDropped(t *testing.T) {
	p, mirror := repository(t), directory(t)
	s := backendtest.NewSample(t, "stubborn", 3)
	backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
	backendtest.Publish(t, mirror.open(t), s, ocispec.Descriptor{})
	p.flip(t, s.Cache.Layers()[2].Descriptor.Digest)
	others, err := verify.Others(t.Context(), []backend.Source{mirror.open(t)})
	if err != nil {
		t.Fatal(err)
	}
	done, err := verify.Repair(t.Context(), p.open(t), check(t, p, true), others, verify.Options{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	if done.Dropped != 1 || !done.Published {
		t.Errorf("repair did %+v", done)
	}
	want(t, check(t, p, true))
}

// TestALayerIsPutBackInAnotherCompression finds only the layer's tar, gzipped, in the other cache.
func TestALayerIsPutBackInAnotherCompression(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "compressed", 3)
		backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		mirror := directory(t)
		backendtest.Publish(t, mirror.open(t), gzipped(t, s), ocispec.Descriptor{})
		p.lose(t, s.Cache.Layers()[1].Descriptor.Digest)
		others, err := verify.Others(t.Context(), []backend.Source{mirror.open(t)})
		if err != nil {
			t.Fatal(err)
		}
		done, err := verify.Repair(t.Context(), p.open(t), check(t, p, true), others, verify.Options{Deep: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(done.Restored) != 1 || done.Dropped != 0 || !done.Published {
			t.Errorf("repair did %+v", done)
		}
		again := check(t, p, true)
		want(t, again)
		if again.Results != 3 {
			t.Errorf("%d results are left, want 3", again.Results)
		}
	})
}

// gzipped is the sample with its layers compressed.
func gzipped(t testing.TB, s *backendtest.Sample) *backendtest.Sample {
	t.Helper()
	out := &backendtest.Sample{Blobs: map[digest.Digest][]byte{}}
	var err error
	out.Cache, err = s.Cache.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		if _, err := z.Write(s.Blobs[l.Descriptor.Digest]); err != nil {
			return ocispec.Descriptor{}, err
		}
		err := z.Close()
		d := digest.FromBytes(buf.Bytes())
		out.Blobs[d] = buf.Bytes()
		return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: d, Size: int64(buf.Len())}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWhatALayerUnpacksToIsCompared has blobs with the right digest that are not what the cache says.
func TestWhatALayerUnpacksToIsCompared(t *testing.T) {
	s := gzipped(t, backendtest.NewSample(t, "diffid", 4))
	lies := []struct {
		kind   string
		change func(*ocispec.Descriptor)
	}{
		{"diff-id", func(d *ocispec.Descriptor) {
			d.Annotations = map[string]string{cache.AnnotationUncompressed: digest.FromString("other").String()}
		}},
		{"compression", func(d *ocispec.Descriptor) { d.MediaType = ocispec.MediaTypeImageLayer }},
		{"compression", func(d *ocispec.Descriptor) { d.MediaType = ocispec.MediaTypeImageLayerZstd }},
	}
	n := 0
	wrong, err := s.Cache.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		d := l.Descriptor
		if n < len(lies) {
			lies[n].change(&d)
		}
		n++
		return d, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, p place) {
		backendtest.Publish(t, p.open(t), &backendtest.Sample{Cache: wrong, Blobs: s.Blobs}, ocispec.Descriptor{})
		var findings []string
		for i, lie := range lies {
			findings = append(findings, lie.kind+" "+s.Cache.Layers()[i].Descriptor.Digest.Encoded()[:8])
		}
		want(t, check(t, p, true), findings...)
	})
}

// TestABlobThatDoesNotUnpackIsFound has a gzip stream that ends early, under its right digest.
func TestABlobThatDoesNotUnpackIsFound(t *testing.T) {
	p := directory(t)
	s := gzipped(t, backendtest.NewSample(t, "cut", 1))
	l := s.Cache.Layers()[0]
	cut := s.Blobs[l.Descriptor.Digest][:500]
	d := digest.FromBytes(cut)
	broken, err := s.Cache.Rewrite(func(cache.Layer) (ocispec.Descriptor, error) {
		return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: d, Size: int64(len(cut))}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Publish(t, p.open(t), &backendtest.Sample{Cache: broken, Blobs: map[digest.Digest][]byte{d: cut}}, ocispec.Descriptor{})
	res := check(t, p, true)
	want(t, res, "diff-id "+d.Encoded()[:8])
	_, err = verify.Repair(t.Context(), p.open(t), res, nil, verify.Options{})
	if !errors.Is(err, verify.ErrBeyondRepair) {
		t.Errorf("repairing a cache with nothing whole gives %v", err)
	}
	if got := check(t, p, false).Current.Root.Digest; got != res.Current.Root.Digest {
		t.Error("the cache was replaced all the same")
	}
}

func TestDamagedManifestsAndConfigsAreFound(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "config", 2)
		root := backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		raw, err := os.ReadFile(p.file(t, root.Digest))
		if err != nil {
			t.Fatal(err)
		}
		var m ocispec.Manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		p.flip(t, m.Config.Digest)
		res := check(t, p, false)
		want(t, res, "unusable")
		_, err = verify.Repair(t.Context(), p.open(t), res, nil, verify.Options{})
		if !errors.Is(err, verify.ErrBeyondRepair) || !strings.Contains(err.Error(), "build") {
			t.Errorf("got %v, want an error that says what to do", err)
		}
	})
}

// TestResultsWithUnlistedLayersAreFound publishes a manifest that leaves a layer out, as a faulty copy makes it.
func TestResultsWithUnlistedLayersAreFound(t *testing.T) {
	p := directory(t)
	s := backendtest.NewSample(t, "unlisted", 3)
	dest := p.open(t)
	root := backendtest.Publish(t, dest, s, ocispec.Descriptor{})
	raw, err := os.ReadFile(p.file(t, root.Digest))
	if err != nil {
		t.Fatal(err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	m.Layers = m.Layers[:2]
	if raw, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	d := digest.FromBytes(raw)
	if err := os.WriteFile(filepath.Join(p.dir, "blobs/sha256", d.Encoded()), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"annotations":{%q:"latest"}}]}`, ocispec.MediaTypeImageManifest, d, len(raw), ocispec.AnnotationRefName)
	if err := os.WriteFile(filepath.Join(p.dir, "index.json"), []byte(index), 0o644); err != nil {
		t.Fatal(err)
	}
	res := check(t, p, false)
	want(t, res, "unlisted")
	done, err := verify.Repair(t.Context(), p.open(t), res, nil, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if done.Dropped != 1 || !done.Published {
		t.Errorf("repair did %+v", done)
	}
	want(t, check(t, p, true))
}

// meanwhile lets another writer publish just before the first publication of a repair.
type meanwhile struct {
	backend.Destination
	first func()
}

func (m *meanwhile) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	if f := m.first; f != nil {
		m.first = nil
		f()
	}
	return m.Destination.Publish(ctx, c, replaces)
}

func TestARepairKeepsWhatOthersPublishMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := backendtest.NewSample(t, "ours", 3)
		root := backendtest.Publish(t, p.open(t), s, ocispec.Descriptor{})
		lost := s.Cache.Layers()[2].Descriptor.Digest
		p.lose(t, lost)
		whole, _ := s.Cache.Without(map[digest.Digest]bool{lost: true})
		theirs := backendtest.NewSample(t, "theirs", 2)
		dest := &meanwhile{Destination: p.open(t), first: func() {
			other := p.open(t)
			backendtest.Push(t, other, theirs)
			if _, err := other.Publish(t.Context(), cache.Merge(whole, theirs.Cache), root); err != nil {
				t.Error(err)
			}
		}}
		if _, err := verify.Repair(t.Context(), dest, check(t, p, false), nil, verify.Options{}); err != nil {
			t.Fatal(err)
		}
		res := check(t, p, true)
		want(t, res)
		if !res.Current.Cache.Covers(theirs.Cache) || res.Results != 4 {
			t.Errorf("%d results are left, want two of ours and both of theirs", res.Results)
		}
	})
}

// endless is a store with one layer of a given size whose bytes are made as they are read.
type endless struct {
	backend.Source
	cur  *backend.Current
	size int64
}

func (e *endless) Read(context.Context) (*backend.Current, error) { return e.cur, nil }

func (e *endless) Missing(context.Context, *backend.Current) ([]ocispec.Descriptor, error) {
	return nil, nil
}

func (e *endless) Fetch(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, e.size)), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestADeepCheckHoldsNoLayerInMemory reads a layer of a gigabyte.
func TestADeepCheckHoldsNoLayerInMemory(t *testing.T) {
	const size = 1 << 30
	h := digest.SHA256.Digester()
	if _, err := io.Copy(h.Hash(), io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	raw := fmt.Sprintf(`{"layers":[{"blob":%q,"parent":-1}],"records":[{"digest":%q,"layers":[{"layer":0,"createdAt":"2026-01-01T00:00:00Z"}]}]}`, h.Digest(), digest.FromString("key"))
	c, err := cache.Decode([]byte(raw), []ocispec.Descriptor{{
		MediaType: ocispec.MediaTypeImageLayer, Digest: h.Digest(), Size: size, Annotations: map[string]string{cache.AnnotationUncompressed: h.Digest().String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	src := &endless{size: size, cur: &backend.Current{Cache: c}}
	src.cur.Blobs = src
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			res, err := verify.Check(b.Context(), src, verify.Options{Deep: true})
			if err != nil || !res.Whole() || res.Read != size {
				b.Fatal(err, kinds(res), res.Read)
			}
		}
	})
	if per := got.AllocedBytesPerOp(); per > 4<<20 {
		t.Errorf("reading a layer of %d bytes allocates %d", size, per)
	}
}
