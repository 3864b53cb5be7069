package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/s3"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestKeeper(t *testing.T) {
	s := aside(testenv.StartS3(t))
	backendtest.RunKeeper(t, backendtest.KeeperHarness{
		Open: func(t testing.TB, name string) backend.Keeper { return s.Open(t, nil, map[string]string{"name": name}) },
		Entry: func(t testing.TB, c config.Cache) backend.Destination {
			l, err := s3.OpenDestination(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		Empty: func(t testing.TB) backend.Keeper {
			return s.Open(t, nil, map[string]string{"prefix": "none/", "name": "main"})
		},
	})
}

// TestNothingIsSweptBesideOtherThings has somebody else's names under the same prefix, which need layers of the same place.
func TestNothingIsSweptBesideOtherThings(t *testing.T) {
	s := aside(testenv.StartS3(t))
	ours, theirs := map[string]string{"prefix": "team/"}, map[string]string{"prefix": "team/", "manifests_prefix": "other/"}
	sample := backendtest.NewSample(t, "theirs", 2)
	backendtest.Publish(t, s.Open(t, nil, theirs), sample, ocispec.Descriptor{})
	at := s.Open(t, nil, ours)
	if _, err := at.Needed(t.Context()); err == nil || !strings.Contains(err.Error(), "team/other/") {
		t.Errorf("got %v, want an error that names what is there", err)
	}
	if deleted, err := at.Delete(t.Context(), []backend.Object{{Digest: sample.Cache.Layers()[0].Descriptor.Digest}}); err == nil || len(deleted) > 0 {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
	// What stands elsewhere does not matter.
	elsewhere := s.Open(t, nil, map[string]string{"prefix": "second/", "blobs_prefix": "deep/er/"})
	backendtest.Publish(t, elsewhere, backendtest.NewSample(t, "elsewhere", 1), ocispec.Descriptor{})
	if needed, err := elsewhere.Needed(t.Context()); err != nil || len(needed) != 1 {
		t.Errorf("%d layers are needed, %v", len(needed), err)
	}
}

// TestNothingIsSweptWhileANameCannotBeRead has a name that is no cache.
func TestNothingIsSweptWhileANameCannotBeRead(t *testing.T) {
	s := aside(testenv.StartS3(t))
	s.Put(t, "manifests/strange", []byte("not a cache"), nil)
	if _, err := s.Open(t, nil, nil).Needed(t.Context()); err == nil || !strings.Contains(err.Error(), "strange") {
		t.Errorf("got %v, want an error that names it", err)
	}
}

// TestAnExportUploadsMarkedLayersAgain has a layer that nothing needs, marked by a sweep, and an export that comes to rely on it before the sweep that would
// delete it.
func TestAnExportUploadsMarkedLayersAgain(t *testing.T) {
	s := aside(testenv.StartS3(t))
	sample := backendtest.NewSample(t, "marked", 1)
	desc := sample.Cache.Layers()[0].Descriptor
	backendtest.Push(t, s.Open(t, nil, nil), sample)
	at := s.Open(t, nil, nil)
	var listed []backend.Object
	if err := at.Objects(t.Context(), func(o backend.Object) error { listed = append(listed, o); return nil }); err != nil {
		t.Fatal(err)
	}
	raw, err := backend.EncodeMarks([]backend.Mark{{Digest: desc.Digest, Size: desc.Size, Modified: listed[0].Modified}})
	if err != nil {
		t.Fatal(err)
	}
	if err := at.SetMarks(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // times of objects are whole seconds
	export := s.Open(t, nil, nil)
	if has, err := export.Blobs().Has(t.Context(), desc); has || err != nil {
		t.Errorf("a marked layer counts as there: %v, %v", has, err)
	}
	backendtest.Push(t, export, sample)
	if has, err := export.Blobs().Has(t.Context(), desc); !has || err != nil {
		t.Errorf("a layer that was just uploaded does not count as there: %v, %v", has, err)
	}
	if deleted, err := s.Open(t, nil, nil).Delete(t.Context(), listed); err != nil || len(deleted) > 0 {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
	backendtest.Publish(t, export, sample, ocispec.Descriptor{})
}
