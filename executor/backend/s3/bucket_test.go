package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/executor/backend/s3"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestObjectsAreWhereBuildKitHasThem checks keys against BuildKit's rule: prefixes are put before a name as they are.
func TestObjectsAreWhereBuildKitHasThem(t *testing.T) {
	buckettest.RunKeys(t, aside(testenv.StartS3(t)), []buckettest.Keys{
		{Before: "blobs/", Name: "manifests/buildkit"},
		{Attrs: map[string]string{"prefix": "team-", "name": "main"}, Before: "team-blobs/", Name: "team-manifests/main"},
		{Attrs: map[string]string{"prefix": "team/", "blobs_prefix": "b/", "manifests_prefix": "m-", "name": "feature/login"}, Before: "team/b/", Name: "team/m-feature/login"},
	})
}

func TestOfSeveralNamesTheFirstIsRead(t *testing.T) {
	s := testenv.StartS3(t)
	attrs := s.Attrs()
	attrs["name"] = "main;latest"
	c := config.Cache{Type: "s3", Attrs: attrs}
	src, err := s3.OpenSource(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(src.Name(), "/manifests/main") {
		t.Errorf("read is %s", src.Name())
	}
	if n := src.Native(nil); n.Attrs["name"] != "main" {
		t.Errorf("BuildKit is told to read %q", n.Attrs["name"])
	}
	if _, err := s3.OpenDestination(c, nil); err == nil {
		t.Error("two names were opened as one destination")
	}
}

func TestSixteenProcessesLoseNothing(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			s := aside(start(t))
			backendtest.Writers(t, 16, func() backend.Destination { return s.Open(t, nil, nil) })
		})
	}
}

// careless is a service that speaks S3 and heeds no conditions: the least of it that the backend needs.
type careless struct {
	mu      sync.Mutex
	objects map[string][]byte
	meta    map[string]string
	ignored atomic.Int64
}

func (c *careless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		if r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			c.ignored.Add(1)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.objects[r.URL.Path], c.meta[r.URL.Path] = body, r.Header.Get("X-Amz-Meta-Cachectl")
		w.Header().Set("ETag", `"`+digest.FromBytes(body).Encoded()[:32]+`"`)
	case http.MethodDelete:
		delete(c.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		body, ok := c.objects[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			return
		}
		w.Header().Set("ETag", `"`+digest.FromBytes(body).Encoded()[:32]+`"`)
		w.Header().Set("X-Amz-Meta-Cachectl", c.meta[r.URL.Path])
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body)
		}
	}
}

// TestWithoutConditionsNothingIsLostEither publishes to a service that writes whatever it is asked to.
func TestWithoutConditionsNothingIsLostEither(t *testing.T) {
	c := &careless{objects: map[string][]byte{}, meta: map[string]string{}}
	server := httptest.NewServer(c)
	defer server.Close()
	s := aside(&testenv.S3{Endpoint: server.URL, Region: "r", Bucket: "cache", AccessKey: "a", SecretKey: "b"})
	backendtest.Writers(t, 6, func() backend.Destination { return s.Open(t, nil, nil) })
	if c.ignored.Load() == 0 {
		t.Error("no write was bound to a condition")
	}
	for key := range c.objects {
		if strings.Contains(key, "probe") {
			t.Errorf("%s was left behind", key)
		}
	}
}

// TestWhatIsInUseIsRenewed publishes the same again, with an age that everything has at once.
func TestWhatIsInUseIsRenewed(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) { renews(t, aside(start(t))) })
	}
}

func renews(t *testing.T, s side) {
	t.Helper()
	sample := backendtest.NewSample(t, "renewed", 2)
	root := backendtest.Publish(t, s.Open(t, nil, nil), sample, ocispec.Descriptor{})
	for _, c := range []struct {
		age     string
		renewed bool
	}{{"24h", false}, {"0s", true}} {
		dest := s.Open(t, nil, map[string]string{"touch_refresh": c.age})
		cur := backendtest.Read(t, dest)
		if err := dest.Renew(t.Context(), cur.Cache, cur.Root); err != nil {
			t.Fatal(err)
		}
		for _, l := range sample.Cache.Layers() {
			body, meta := s.Get(t, "blobs/"+l.Descriptor.Digest.String())
			if (meta["updated-at"] != "") != c.renewed {
				t.Errorf("after %s a layer has %v", c.age, meta)
			}
			if digest.FromBytes(body) != l.Descriptor.Digest {
				t.Error("a layer has other bytes now")
			}
		}
		if again := backendtest.Read(t, s.Open(t, nil, nil)); again.Root.Digest != root.Digest || again.MadeBy != "cachectl" {
			t.Errorf("the name holds %+v now", again)
		}
	}
}

// TestALayerInPartsIsSeenWhole also looks for what is left of uploads that were wrong.
func TestALayerInPartsIsSeenWhole(t *testing.T) {
	s := aside(testenv.StartS3(t))
	buckettest.RunParts(t, s)
	if err := s.Open(t, nil, nil).Check(t.Context()); err != nil {
		t.Error(err)
	}
	left, err := s.client.ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &s.Bucket})
	if err != nil || len(left.Uploads) > 0 {
		t.Errorf("%d uploads are unfinished, %v", len(left.Uploads), err)
	}
}

// cutting passes requests on and breaks the first answers off in their middle.
func cutting(t *testing.T, s *testenv.S3, times int) *testenv.S3 {
	t.Helper()
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(times))
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && r.ContentLength > 0 && left.Add(-1) >= 0 {
				r.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), broken{}), r.Body}
			}
			return nil
		},
		FlushInterval: -1,
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	out := *s
	out.Endpoint = server.URL
	return &out
}

type broken struct{}

func (broken) Read([]byte) (int, error) { panic(http.ErrAbortHandler) }

func TestAReadThatBreaksOffIsCarriedOn(t *testing.T) {
	s := testenv.StartS3(t)
	sample := backendtest.NewSample(t, "cut", 1)
	backendtest.Publish(t, aside(s).Open(t, nil, nil), sample, ocispec.Descriptor{})
	layer := sample.Cache.Layers()[0].Descriptor
	for times, whole := range map[int]bool{3: true, 1000: false} {
		src := aside(cutting(t, s, times)).Open(t, nil, map[string]string{"retry_max_attempts": "1"})
		rc, err := src.Blobs().(blob.Fetcher).Fetch(t.Context(), layer)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(rc)
		_ = rc.Close()
		if (err == nil) != whole || whole && !bytes.Equal(raw, sample.Blobs[layer.Digest]) {
			t.Errorf("cut %d times: %d of %d bytes, %v", times, len(raw), layer.Size, err)
		}
	}
}

func TestALayerOfOtherBytesIsPushedAgain(t *testing.T) {
	s := aside(testenv.StartS3(t))
	sample := backendtest.NewSample(t, "flipped", 1)
	dest := s.Open(t, nil, nil)
	backendtest.Publish(t, dest, sample, ocispec.Descriptor{})
	layer := sample.Cache.Layers()[0].Descriptor
	s.Put(t, "blobs/"+layer.Digest.String(), bytes.Repeat([]byte("x"), int(layer.Size)), nil)
	rc, err := dest.Blobs().(blob.Fetcher).Fetch(t.Context(), layer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, rc); !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("reading it: %v, want ErrIntegrity", err)
	}
	_ = rc.Close()
	backendtest.Push(t, dest, sample)
	if got, _ := s.Get(t, "blobs/"+layer.Digest.String()); !bytes.Equal(got, sample.Blobs[layer.Digest]) {
		t.Error("the layer was not pushed again")
	}
}

// clearEnv takes away what this machine may know of AWS.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
}

// TestCredentialsComeFromWhereAWSsToolsFindThem leaves them out of the attributes; BuildKit is handed those that were found.
func TestCredentialsComeFromWhereAWSsToolsFindThem(t *testing.T) {
	clearEnv(t)
	s := testenv.StartS3(t)
	attrs := s.Attrs()
	delete(attrs, "access_key_id")
	delete(attrs, "secret_access_key")
	read := func() (backend.Native, error) {
		src, err := s3.OpenSource(config.Cache{Type: "s3", Attrs: attrs}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = src.Read(t.Context())
		return src.Native(nil), err
	}
	if _, err := read(); !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "access_key_id") {
		t.Errorf("without any: %v", err)
	}
	dir := testenv.Write(t, map[string]string{"credentials": fmt.Sprintf("[team]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s.AccessKey, s.SecretKey)})
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", dir+"/credentials")
	t.Setenv("AWS_PROFILE", "team")
	n, err := read()
	if !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("with a profile: %v, want ErrNotFound", err)
	}
	if n.Type != "s3" || n.Attrs["access_key_id"] != s.AccessKey || n.Attrs["secret_access_key"] != s.SecretKey || n.Attrs["bucket"] != s.Bucket {
		t.Errorf("BuildKit is handed %d attributes: %v", len(n.Attrs), n.Attrs["bucket"])
	}
}

func TestARefusalSaysSoAndShowsNoSecret(t *testing.T) {
	s := *testenv.StartS3(t)
	s.SecretKey = "not-the-secret"
	dest := aside(&s).Open(t, nil, nil)
	_, read := dest.Read(t.Context())
	for name, err := range map[string]error{"read": read, "check": dest.Check(t.Context())} {
		if !errors.Is(err, blob.ErrDenied) || strings.Contains(err.Error(), s.SecretKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s = *testenv.StartS3(t)
	s.Bucket = "nowhere"
	if _, err := aside(&s).Open(t, nil, nil).Read(t.Context()); err == nil || errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), "bucket does not exist") {
		t.Errorf("a bucket that is not there: %v", err)
	}
}
