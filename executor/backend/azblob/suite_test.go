package azblob_test

import (
	"io"
	"maps"
	"strings"
	"testing"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
)

// side is the container as it is seen past the backend.
type side struct {
	*testenv.Azure
	client *sdk.Client
}

func aside(t testing.TB, a *testenv.Azure) side {
	t.Helper()
	key, err := sdk.NewSharedKeyCredential(a.Account, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sdk.NewClientWithSharedKeyCredential(a.AccountURL, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return side{a, c}
}

// create makes the container.
func (s side) create(t testing.TB) {
	t.Helper()
	if _, err := s.client.CreateContainer(t.Context(), s.Container, nil); err != nil && !bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		t.Fatal(err)
	}
}

func (s side) put(t testing.TB, key string, body []byte, meta map[string]*string) {
	t.Helper()
	s.create(t)
	if _, err := s.client.UploadBuffer(t.Context(), s.Container, key, body, &sdk.UploadBufferOptions{Metadata: meta}); err != nil {
		t.Fatal(err)
	}
}

// get reads a blob; nil if it is not there.
func (s side) get(t testing.TB, key string) (body []byte, meta map[string]*string) {
	t.Helper()
	out, err := s.client.DownloadStream(t.Context(), s.Container, key, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound) {
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if body, err = io.ReadAll(out.Body); err != nil {
		t.Fatal(err)
	}
	return body, out.Metadata
}

func (s side) remove(t testing.TB, key string) {
	t.Helper()
	if _, err := s.client.DeleteBlob(t.Context(), s.Container, key, nil); err != nil {
		t.Fatal(err)
	}
}

// keys lists the container.
func (s side) keys(t testing.TB) []string {
	t.Helper()
	var list []string
	for pages := s.client.NewListBlobsFlatPager(s.Container, nil); pages.More(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Segment.BlobItems {
			list = append(list, *b.Name)
		}
	}
	return list
}

// open opens a name in the container.
func (s side) open(t testing.TB, stores *bucket.Stores, attrs map[string]string) *bucket.Location {
	t.Helper()
	all := s.Attrs()
	maps.Copy(all, attrs)
	l, err := azblob.Open(config.Cache{Type: "azblob", Attrs: all}, stores)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAContainerKeepsThePromisesOfABackend(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	open := func(t testing.TB, stores *bucket.Stores, name string, attrs map[string]string) backend.Destination {
		all := map[string]string{"name": name}
		maps.Copy(all, attrs)
		return s.open(t, stores, all)
	}
	manifest := func(name string) string { return "manifests/" + name }
	layer := func(d digest.Digest) string { return "blobs/" + d.String() }
	backendtest.Run(t, backendtest.Harness{
		SelfDescribed: true,
		Open: func(t testing.TB, name string, attrs map[string]string) backend.Destination {
			return open(t, nil, name, attrs)
		},
		Share: func(t testing.TB, name string, n int) []backend.Destination {
			stores := &bucket.Stores{}
			var out []backend.Destination
			for range n {
				out = append(out, open(t, stores, name, nil))
			}
			return out
		},
		Seed: func(t testing.TB, name, _ string, config []byte, blobs [][]byte) {
			for _, b := range blobs {
				s.put(t, layer(digest.FromBytes(b)), b, nil)
			}
			s.put(t, manifest(name), config, nil)
		},
		Remove: func(t testing.TB, _ string, d digest.Digest) { s.remove(t, layer(d)) },
		Replace: func(t testing.TB, name string, d digest.Digest, raw []byte) {
			if now, meta := s.get(t, manifest(name)); digest.FromBytes(now) == d {
				again := map[string]*string{}
				for k, v := range meta {
					again[strings.ToLower(k)] = v
				}
				s.put(t, manifest(name), raw, again)
				return
			}
			s.put(t, layer(d), raw, nil)
		},
		Root: func(t testing.TB, name string) digest.Digest {
			if raw, _ := s.get(t, manifest(name)); raw != nil {
				return digest.FromBytes(raw)
			}
			return ""
		},
	})
}
