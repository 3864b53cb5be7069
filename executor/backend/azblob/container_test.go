package azblob_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestBlobsAreWhereBuildKitHasThem checks keys against BuildKit's rule: prefixes are folders, whether they end in a slash or not.
func TestBlobsAreWhereBuildKitHasThem(t *testing.T) {
	buckettest.RunKeys(t, aside(t, testenv.StartAzure(t)), []buckettest.Keys{
		{Before: "blobs/", Name: "manifests/buildkit"},
		{Attrs: map[string]string{"prefix": "team", "name": "main"}, Before: "team/blobs/", Name: "team/manifests/main"},
		{Attrs: map[string]string{"prefix": "team/", "blobs_prefix": "b/", "manifests_prefix": "m", "name": "feature/login"}, Before: "team/b/", Name: "team/m/feature/login"},
	})
}

func TestSixteenProcessesLoseNothing(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	backendtest.Writers(t, 16, func() backend.Destination { return s.Open(t, nil, nil) })
}

func TestALayerInBlocksIsSeenWhole(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	s.create(t)
	buckettest.RunParts(t, s)
}

// TestOneLayerFromManyIsOneLayer has processes that know nothing of each other upload the same large layer, of which Azure keeps the blocks
// of one only.
func TestOneLayerFromManyIsOneLayer(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	raw := bytes.Repeat([]byte("layer"), 4<<20)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	var group sync.WaitGroup
	for range 4 {
		dest := s.Open(t, nil, nil)
		group.Go(func() {
			if err := dest.Blobs().Push(t.Context(), desc, buckettest.Opener(raw)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, _ := s.Get(t, "blobs/"+desc.Digest.String()); !bytes.Equal(got, raw) {
		t.Errorf("%d bytes are in the container, want %d", len(got), len(raw))
	}
}

// TestALayerIsRenewedByItsMetadata renews a layer as it was found, and as it was before somebody else renewed it.
func TestALayerIsRenewedByItsMetadata(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	sample := backendtest.NewSample(t, "renewed", 1)
	dest := s.Open(t, nil, nil)
	backendtest.Publish(t, dest, sample, ocispec.Descriptor{})
	service := azblob.Service(s.Attrs())
	key := "blobs/" + sample.Cache.Layers()[0].Descriptor.Digest.String()
	before, err := service.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second has an old tag
		if err := service.(bucket.Renewer).Renew(t.Context(), key, before); err != nil {
			t.Fatal(err)
		}
	}
	after, err := service.Stat(t.Context(), key)
	if err != nil || after.Tag == before.Tag || after.Modified.Before(before.Modified) || after.Meta["updatedat"] == "" {
		t.Errorf("renewed it is %+v, was %+v, %v", after, before, err)
	}
	if err := service.(bucket.Renewer).Renew(t.Context(), "blobs/none", bucket.Object{}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("renewing what is not there: %v", err)
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
	dest := aside(t, &a).Open(t, nil, nil)
	_, read := dest.Read(t.Context())
	for name, err := range map[string]error{"read": read, "check": dest.Check(t.Context())} {
		if !errors.Is(err, blob.ErrDenied) || strings.Contains(err.Error(), a.Key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	attrs := a.Attrs()
	delete(attrs, "secret_access_key")
	l, err := azblob.Open(config.Cache{Type: "azblob", Attrs: attrs}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context()); !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "secret_access_key") {
		t.Errorf("without a key, in the clear: %v", err)
	}
	attrs["secret_access_key"] = "canary, which is not base64"
	l, err = azblob.Open(config.Cache{Type: "azblob", Attrs: attrs}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context()); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("with what is no key: %v", err)
	}
}
