package local_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layout is a layout directory as other programs see it.
type layout struct{ dir string }

func (l layout) blob(d digest.Digest) string {
	return filepath.Join(l.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

func (l layout) index(t testing.TB) ocispec.Index {
	t.Helper()
	var idx ocispec.Index
	raw, err := os.ReadFile(filepath.Join(l.dir, "index.json"))
	if os.IsNotExist(err) {
		return idx
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &idx); err != nil {
		t.Fatalf("index.json: %v\n%s", err, raw)
	}
	return idx
}

func (l layout) tag(t testing.TB, tag string) digest.Digest {
	t.Helper()
	for _, d := range l.index(t).Manifests {
		if d.Annotations[ocispec.AnnotationRefName] == tag {
			return d.Digest
		}
	}
	return ""
}

func (l layout) write(t testing.TB, raw []byte) digest.Digest {
	t.Helper()
	d := digest.FromBytes(raw)
	if err := os.MkdirAll(filepath.Dir(l.blob(d)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.blob(d), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return d
}

func (l layout) setTag(t testing.TB, tag, mediaType string, manifest []byte) {
	t.Helper()
	idx := l.index(t)
	desc := ocispec.Descriptor{
		MediaType: mediaType, Digest: l.write(t, manifest), Size: int64(len(manifest)),
		Annotations: map[string]string{ocispec.AnnotationRefName: tag},
	}
	kept := []ocispec.Descriptor{desc}
	for _, d := range idx.Manifests {
		if d.Annotations[ocispec.AnnotationRefName] != tag {
			kept = append(kept, d)
		}
	}
	idx.SchemaVersion, idx.Manifests = 2, kept
	raw, err := json.Marshal(idx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "index.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

func openAt(t testing.TB, base string, attrs map[string]string) *local.Location {
	t.Helper()
	l, err := local.Open(config.Cache{Type: "local", Attrs: attrs}, base)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLocalKeepsThePromisesOfABackend(t *testing.T) {
	base := t.TempDir()
	at := func(string) layout { return layout{filepath.Join(base, "cache")} }
	open := func(t testing.TB, name string, attrs map[string]string) backend.Destination {
		all := map[string]string{"dest": "cache", "tag": name}
		maps.Copy(all, attrs)
		return openAt(t, base, all)
	}
	backendtest.Run(t, backendtest.Harness{
		Open: open,
		Share: func(t testing.TB, name string, n int) []backend.Destination {
			var out []backend.Destination
			for range n {
				out = append(out, open(t, name, nil))
			}
			return out
		},
		Seed: func(t testing.TB, name, mediaType string, manifest []byte, blobs [][]byte) {
			for _, b := range blobs {
				at(name).write(t, b)
			}
			at(name).setTag(t, name, mediaType, manifest)
		},
		Remove: func(t testing.TB, name string, d digest.Digest) {
			if err := os.Remove(at(name).blob(d)); err != nil {
				t.Fatal(err)
			}
		},
		Replace: func(t testing.TB, name string, d digest.Digest, raw []byte) {
			if err := os.WriteFile(at(name).blob(d), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		Root: func(t testing.TB, name string) digest.Digest { return at(name).tag(t, name) },
	})
}
