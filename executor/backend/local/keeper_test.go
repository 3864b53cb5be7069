package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func openTag(t testing.TB, dir, tag string) *local.Location {
	t.Helper()
	l, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": dir, "tag": tag}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestKeeper(t *testing.T) {
	dir := t.TempDir()
	backendtest.RunKeeper(t, backendtest.KeeperHarness{
		Open: func(t testing.TB, name string) backend.Keeper { return openTag(t, dir, name) },
		Entry: func(t testing.TB, c config.Cache) backend.Destination {
			l, err := local.Open(c, "/nowhere")
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		Empty: func(t testing.TB) backend.Keeper { return openTag(t, filepath.Join(dir, "empty"), "latest") },
	})
}

// TestAnImageInTheDirectoryIsNeeded has an index of images beside a cache.
func TestAnImageInTheDirectoryIsNeeded(t *testing.T) {
	l := layout{t.TempDir()}
	cfg, layer := l.write(t, []byte(`{"rootfs":{}}`)), l.write(t, []byte("layer"))
	image := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{"mediaType":"` + ocispec.MediaTypeImageConfig + `","digest":"` + cfg.String() + `","size":13},` +
		`"layers":[{"mediaType":"` + ocispec.MediaTypeImageLayer + `","digest":"` + layer.String() + `","size":5}]}`)
	manifest := l.write(t, image)
	index := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[{"mediaType":"` + ocispec.MediaTypeImageManifest + `","digest":"` + manifest.String() + `","size":` + strconv.Itoa(len(image)) + `}]}`)
	l.setTag(t, "image", ocispec.MediaTypeImageIndex, index)
	top := l.tag(t, "image")
	needed, err := openTag(t, l.dir, "latest").Needed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []digest.Digest{cfg, layer, manifest, top} {
		if !needed[d] {
			t.Errorf("%s is not needed", d)
		}
	}
}

// TestNothingIsDeletedWhileNeedsAreNotKnown has a tag that cannot be read.
func TestNothingIsDeletedWhileNeedsAreNotKnown(t *testing.T) {
	l := layout{t.TempDir()}
	lone := l.write(t, []byte("lone"))
	l.setTag(t, "strange", ocispec.MediaTypeImageManifest, []byte("not a manifest"))
	at := openTag(t, l.dir, "latest")
	if _, err := at.Needed(t.Context()); err == nil {
		t.Error("what an unreadable tag needs is said to be known")
	}
	all := map[digest.Digest]backend.Object{}
	if err := at.Objects(t.Context(), func(o backend.Object) error { all[o.Digest] = o; return nil }); err != nil {
		t.Fatal(err)
	}
	if deleted, err := at.Delete(t.Context(), []backend.Object{all[lone]}); err == nil || len(deleted) > 0 {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
}

// TestNothingIsDeletedWhileBuildKitExports has a blob of BuildKit's client half written.
func TestNothingIsDeletedWhileBuildKitExports(t *testing.T) {
	l := layout{t.TempDir()}
	lone := l.write(t, []byte("lone"))
	ingest := filepath.Join(l.dir, "ingest", "abc")
	if err := os.MkdirAll(ingest, 0o755); err != nil {
		t.Fatal(err)
	}
	at := openTag(t, l.dir, "latest")
	var all []backend.Object
	if err := at.Objects(t.Context(), func(o backend.Object) error { all = append(all, o); return nil }); err != nil {
		t.Fatal(err)
	}
	if deleted, err := at.Delete(t.Context(), all); !errors.Is(err, backend.ErrBusy) || len(deleted) > 0 {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
	old := time.Now().Add(-2 * time.Hour) // of an export that was killed
	if err := os.Chtimes(ingest, old, old); err != nil {
		t.Fatal(err)
	}
	if deleted, err := at.Delete(t.Context(), all); err != nil || len(deleted) != 1 || deleted[0].Digest != lone {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
}

// TestAnExportNoticesThatItsLayersWereSwept deletes a layer between its push and the publication.
func TestAnExportNoticesThatItsLayersWereSwept(t *testing.T) {
	l := layout{t.TempDir()}
	dest := openTag(t, l.dir, "latest")
	s := backendtest.NewSample(t, "swept", 2)
	backendtest.Push(t, dest, s)
	var all []backend.Object
	if err := dest.Objects(t.Context(), func(o backend.Object) error { all = append(all, o); return nil }); err != nil {
		t.Fatal(err)
	}
	if deleted, err := dest.Delete(t.Context(), all[:1]); err != nil || len(deleted) != 1 {
		t.Fatalf("deleted were %v, %v", deleted, err)
	}
	if _, err := dest.Publish(t.Context(), s.Cache, ocispec.Descriptor{}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("publishing a cache without a layer gives %v", err)
	}
	if l.tag(t, "latest") != "" {
		t.Error("the tag was moved to a broken cache")
	}
}
