package azblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestBlobsAreWhereBuildKitHasThem checks keys against BuildKit's rule: prefixes are folders, whether they end in a slash or not.
func TestBlobsAreWhereBuildKitHasThem(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	sample := backendtest.NewSample(t, "keys", 1)
	layer := sample.Cache.Layers()[0].Descriptor.Digest.String()
	for _, c := range []struct {
		attrs map[string]string
		want  []string
	}{
		{nil, []string{"blobs/" + layer, "manifests/buildkit"}},
		{map[string]string{"prefix": "team", "name": "main"}, []string{"team/blobs/" + layer, "team/manifests/main"}},
		{
			map[string]string{"prefix": "team/", "blobs_prefix": "b/", "manifests_prefix": "m", "name": "feature/login"},
			[]string{"team/b/" + layer, "team/m/feature/login"},
		},
	} {
		backendtest.Publish(t, s.open(t, nil, c.attrs), sample, ocispec.Descriptor{})
		if got := s.keys(t); !slices.Equal(got, c.want) {
			t.Errorf("with %v the container has %q, want %q", c.attrs, got, c.want)
		}
		for _, key := range s.keys(t) {
			s.remove(t, key)
		}
	}
}

func TestSixteenProcessesLoseNothing(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	backendtest.Writers(t, 16, func() backend.Destination { return s.open(t, nil, nil) })
}

// TestALayerInBlocksIsSeenWhole uploads layers around the size of a block, right and wrong.
func TestALayerInBlocksIsSeenWhole(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	s.create(t)
	for _, size := range []int{0, 1, bucket.PartSize - 1, bucket.PartSize, bucket.PartSize + 1, 2 * bucket.PartSize} {
		raw := bytes.Repeat([]byte{byte(size), 7}, size/2+1)[:size]
		desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(size)}
		wrong := bytes.Clone(raw)
		if size > 0 {
			wrong[size-1]++
			if err := s.open(t, nil, nil).Blobs().Push(t.Context(), desc, opener(wrong)); !errors.Is(err, blob.ErrIntegrity) {
				t.Errorf("%d wrong bytes: %v, want ErrIntegrity", size, err)
			}
			if got, _ := s.get(t, "blobs/"+desc.Digest.String()); got != nil {
				t.Errorf("%d wrong bytes are in the container", len(got))
			}
		}
		if err := s.open(t, nil, nil).Blobs().Push(t.Context(), desc, opener(raw)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if got, _ := s.get(t, "blobs/"+desc.Digest.String()); !bytes.Equal(got, raw) {
			t.Errorf("of %d bytes %d are in the container", size, len(got))
		}
	}
}

func opener(raw []byte) blob.Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

// TestOneLayerFromManyIsOneLayer has processes that know nothing of each other upload the same large layer, of which Azure keeps the blocks
// of one only.
func TestOneLayerFromManyIsOneLayer(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	raw := bytes.Repeat([]byte("layer"), 4<<20)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	var group sync.WaitGroup
	for range 4 {
		dest := s.open(t, nil, nil)
		group.Go(func() {
			if err := dest.Blobs().Push(t.Context(), desc, opener(raw)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, _ := s.get(t, "blobs/"+desc.Digest.String()); !bytes.Equal(got, raw) {
		t.Errorf("%d bytes are in the container, want %d", len(got), len(raw))
	}
}

func TestTheEntryForBuildKitReachesTheSame(t *testing.T) {
	attrs := map[string]string{
		"account_url": "https://team.blob.core.windows.net", "container": "c", "prefix": "p", "name": "main", "secret_access_key": "a2V5",
		"mode": "max", "compression": "zstd",
	}
	l, err := azblob.Open(config.Cache{Type: "azblob", Attrs: attrs}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := l.Native(nil)
	for name, v := range attrs {
		want := v
		if name == "mode" || name == "compression" {
			want = "" // of an export
		}
		if got := n.Attrs[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if l.Name() != "azblob team.blob.core.windows.net/c/p/manifests/main" {
		t.Errorf("it is called %q", l.Name())
	}
	attrs["name"] = "a;b"
	if _, err := azblob.Open(config.Cache{Type: "azblob", Attrs: attrs}, nil); err == nil {
		t.Error("two names were opened as one place")
	}
}

func TestARefusalSaysSoAndShowsNoSecret(t *testing.T) {
	a := *testenv.StartAzure(t)
	a.Key = "bm90IHRoZSBrZXk="
	dest := aside(t, &a).open(t, nil, nil)
	_, read := dest.Read(t.Context())
	for name, err := range map[string]error{"read": read, "check": dest.Check(t.Context())} {
		if !errors.Is(err, blob.ErrDenied) || strings.Contains(err.Error(), a.Key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	attrs := a.Attrs()
	attrs["secret_access_key"] = "canary, which is not base64"
	l, err := azblob.Open(config.Cache{Type: "azblob", Attrs: attrs}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context()); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("with what is no key: %v", err)
	}
}
