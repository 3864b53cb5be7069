package azblob_test

import (
	"io"
	"maps"
	"strings"
	"testing"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/internal/testenv"
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

func (s side) Put(t testing.TB, key string, body []byte, meta map[string]string) {
	t.Helper()
	s.create(t)
	opt := &sdk.UploadBufferOptions{Metadata: map[string]*string{}}
	for k, v := range meta {
		opt.Metadata[k] = &v
	}
	if _, err := s.client.UploadBuffer(t.Context(), s.Container, key, body, opt); err != nil {
		t.Fatal(err)
	}
}

// Get reads a blob; nil if it is not there.
func (s side) Get(t testing.TB, key string) (body []byte, meta map[string]string) {
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
	meta = map[string]string{}
	for k, v := range out.Metadata {
		meta[strings.ToLower(k)] = *v // the client reads them as names of headers
	}
	return body, meta
}

func (s side) Remove(t testing.TB, key string) {
	t.Helper()
	if _, err := s.client.DeleteBlob(t.Context(), s.Container, key, nil); err != nil {
		t.Fatal(err)
	}
}

// Keys lists the container.
func (s side) Keys(t testing.TB) []string {
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

// Open opens a name in the container.
func (s side) Open(t testing.TB, stores *bucket.Stores, attrs map[string]string) *bucket.Location {
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
	backendtest.Run(t, buckettest.Harness(aside(t, testenv.StartAzure(t))))
}
