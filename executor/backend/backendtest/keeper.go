package backendtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// KeeperHarness is a store to test a Keeper on.
type KeeperHarness struct {
	// Open opens a name of one store, with a view that has seen nothing yet.
	Open func(t testing.TB, name string) backend.Keeper
	// Entry opens a cache entry.
	Entry func(t testing.TB, c config.Cache) backend.Destination
	// Empty opens a name of a store that does not exist.
	Empty func(t testing.TB) backend.Keeper
}

// RunKeeper tests everything that Keeper, and Sweeper where the backend is one, promise. Each test has names of its own.
func RunKeeper(t *testing.T, h KeeperHarness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, KeeperHarness)
	}{
		{"a store that is not there has no names", testNoNames},
		{"names are listed", testNames},
		{"an entry is another name of the store", testEntry},
		{"a removed name is gone and the others stay", testRemove},
		{"a name that moved is not removed", testRemoveMoved},
		{"a name that is gone is not an error", testRemoveGone},
		{"names that share a manifest are removed apart", testRemoveShared},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
	if _, ok := h.Empty(t).(backend.Sweeper); !ok {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, KeeperHarness)
	}{
		{"marks are kept and are no name", testMarks},
		{"objects are listed and needed", testObjects},
		{"only what nothing needs is deleted", testDelete},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}

func names(t testing.TB, k backend.Keeper) []string {
	t.Helper()
	list, err := k.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range list {
		out = append(out, n.Name)
	}
	if !slices.IsSorted(out) {
		t.Errorf("names are not sorted: %q", out)
	}
	return out
}

func testNoNames(t *testing.T, h KeeperHarness) {
	if got := names(t, h.Empty(t)); len(got) > 0 {
		t.Errorf("an empty store has names %q", got)
	}
}

func testNames(t *testing.T, h KeeperHarness) {
	started := time.Now()
	want := map[string]digest.Digest{}
	for _, n := range []string{"names-b", "names-a"} {
		want[n] = Publish(t, h.Open(t, n), NewSample(t, n, 2), ocispec.Descriptor{}).Digest
	}
	list, err := h.Open(t, "names-c").Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, n := range list {
		root, ours := want[n.Name]
		if !ours {
			continue
		}
		found++
		if n.Root != "" && n.Root != root {
			t.Errorf("%s is listed as %s, want %s", n.Name, n.Root, root)
		}
		if !n.Modified.IsZero() && (n.Modified.Before(started.Add(-time.Minute)) || n.Modified.After(time.Now().Add(time.Minute))) {
			t.Errorf("%s is said to be written at %s", n.Name, n.Modified)
		}
	}
	if found != 2 {
		t.Errorf("of two names these are listed: %v", list)
	}
}

func testEntry(t *testing.T, h KeeperHarness) {
	a := h.Open(t, "entry-a")
	s := NewSample(t, "entry", 2)
	Publish(t, h.Entry(t, a.Entry("entry-b")), s, ocispec.Descriptor{})
	b := h.Open(t, "entry-b")
	holds(t, b, s)
	if a.Store() != b.Store() || a.Key() == b.Key() || a.Label() != "entry-a" || b.Label() != "entry-b" {
		t.Errorf("stores %q and %q, keys %q and %q, labels %q and %q", a.Store(), b.Store(), a.Key(), b.Key(), a.Label(), b.Label())
	}
}

func testRemove(t *testing.T, h KeeperHarness) {
	s := NewSample(t, "remove", 3)
	root := Publish(t, h.Open(t, "remove-a"), s, ocispec.Descriptor{})
	other := NewSample(t, "remove other", 3)
	Publish(t, h.Open(t, "remove-b"), other, ocispec.Descriptor{})
	if err := h.Open(t, "remove-b").Remove(t.Context(), "remove-a", root.Digest); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names(t, h.Open(t, "remove-b")), "remove-a") {
		t.Error("the name is still listed")
	}
	testEmpty(t, Harness{Open: func(t testing.TB, _ string, _ map[string]string) backend.Destination { return h.Open(t, "remove-a") }})
	holds(t, h.Open(t, "remove-b"), other)
}

func testRemoveMoved(t *testing.T, h KeeperHarness) {
	k := h.Open(t, "moved")
	root := Publish(t, k, NewSample(t, "moved", 2), ocispec.Descriptor{})
	s := NewSample(t, "moved on", 2)
	Publish(t, k, s, root)
	if err := h.Open(t, "moved").Remove(t.Context(), "moved", root.Digest); !errors.Is(err, backend.ErrConflict) {
		t.Errorf("removing what moved gives %v", err)
	}
	holds(t, h.Open(t, "moved"), s)
}

func testRemoveGone(t *testing.T, h KeeperHarness) {
	if err := h.Open(t, "gone").Remove(t.Context(), "gone", digest.FromString("gone")); err != nil {
		t.Error(err)
	}
}

func testRemoveShared(t *testing.T, h KeeperHarness) {
	s := NewSample(t, "shared", 2)
	root := Publish(t, h.Open(t, "shared-a"), s, ocispec.Descriptor{})
	if again := Publish(t, h.Open(t, "shared-b"), s, ocispec.Descriptor{}); again.Digest != root.Digest {
		t.Fatal("one cache has two manifests")
	}
	err := h.Open(t, "shared-a").Remove(t.Context(), "shared-a", root.Digest)
	if err != nil && !errors.Is(err, backend.ErrCannotDelete) {
		t.Fatal(err)
	}
	holds(t, h.Open(t, "shared-b"), s)
	if still := slices.Contains(names(t, h.Open(t, "shared-b")), "shared-a"); still != (err != nil) {
		t.Errorf("the removal ends with %v, and the name is there: %v", err, still)
	}
}

func sweeper(t testing.TB, h KeeperHarness, name string) backend.Sweeper {
	t.Helper()
	return h.Open(t, name).(backend.Sweeper)
}

func testMarks(t *testing.T, h KeeperHarness) {
	Publish(t, h.Open(t, "marks"), NewSample(t, "marks", 1), ocispec.Descriptor{})
	before := names(t, h.Open(t, "marks"))
	for _, marks := range []string{"some marks", "others", ""} {
		var raw []byte
		if marks != "" {
			raw = []byte(marks)
		}
		if err := sweeper(t, h, "marks").SetMarks(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		got, err := sweeper(t, h, "marks").Marks(t.Context())
		if err != nil || string(got) != marks {
			t.Errorf("marks %q are read as %q, %v", marks, got, err)
		}
		if after := names(t, h.Open(t, "marks")); !slices.Equal(before, after) {
			t.Errorf("with marks the names are %q", after)
		}
	}
}

func objects(t testing.TB, s backend.Sweeper) map[digest.Digest]backend.Object {
	t.Helper()
	out := map[digest.Digest]backend.Object{}
	if err := s.Objects(t.Context(), func(o backend.Object) error { out[o.Digest] = o; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func testObjects(t *testing.T, h KeeperHarness) {
	sample := NewSample(t, "objects", 3)
	Publish(t, h.Open(t, "objects"), sample, ocispec.Descriptor{})
	lone := NewSample(t, "lone", 1)
	Push(t, h.Open(t, "objects"), lone)
	s := sweeper(t, h, "objects")
	all := objects(t, s)
	needed, err := s.Needed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range append(slices.Clone(sample.Cache.Layers()), lone.Cache.Layers()...) {
		o, ok := all[l.Descriptor.Digest]
		if !ok || o.Size != l.Descriptor.Size || o.Modified.IsZero() {
			t.Errorf("layer %s of %d bytes is listed as %+v", l.Descriptor.Digest, l.Descriptor.Size, o)
		}
	}
	for _, l := range sample.Cache.Layers() {
		if !needed[l.Descriptor.Digest] {
			t.Errorf("layer %s of a cache is not needed", l.Descriptor.Digest)
		}
	}
	for _, l := range lone.Cache.Layers() {
		if needed[l.Descriptor.Digest] {
			t.Errorf("layer %s of no cache is needed", l.Descriptor.Digest)
		}
	}
}

func testDelete(t *testing.T, h KeeperHarness) {
	sample := NewSample(t, "delete", 3)
	Publish(t, h.Open(t, "delete"), sample, ocispec.Descriptor{})
	lone := NewSample(t, "delete lone", 2)
	Push(t, h.Open(t, "delete"), lone)
	s := sweeper(t, h, "delete")
	all := objects(t, s)
	var ask []backend.Object
	for _, l := range append(slices.Clone(sample.Cache.Layers()), lone.Cache.Layers()...) {
		ask = append(ask, all[l.Descriptor.Digest])
	}
	// The last one is not what it was listed as any more.
	ask[len(ask)-1].Modified = ask[len(ask)-1].Modified.Add(-time.Hour)
	deleted, err := s.Delete(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(deleted) != 1 || deleted[0].Digest != lone.Cache.Layers()[0].Descriptor.Digest {
		t.Errorf("deleted were %v, want the first layer of no cache", deleted)
	}
	left := objects(t, sweeper(t, h, "delete"))
	if _, there := left[deleted[0].Digest]; there || len(left) != len(all)-1 {
		t.Errorf("%d of %d objects are left", len(left), len(all))
	}
	holds(t, h.Open(t, "delete"), sample)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if deleted, err := s.Delete(ctx, ask); err == nil || len(deleted) > 0 {
		t.Errorf("with an ended context %v were deleted, %v", deleted, err)
	}
}
