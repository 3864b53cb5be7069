package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
)

// TestMain fails if anything is left running after the tests.
func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard) // where distribution logs
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// An App of distribution keeps this one goroutine after its Shutdown.
	if err := goleak.Find(goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// roundTripper answers requests in memory.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func response(req *http.Request, status int, header http.Header, body io.Reader) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), ContentLength: -1, Request: req}
}

// inMemory is a repository whose host is a function.
func inMemory(t *testing.T, concurrency int, perSecond float64, f roundTripper) *repository {
	t.Helper()
	reg, err := name.NewRegistry("registry.example:5000")
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(reg, schemes{http: true, httpFirst: true}, roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/v2/" {
			return response(req, http.StatusOK, nil, strings.NewReader("{}")), nil
		}
		return f(req)
	}), concurrency, perSecond)
	return h.repository(reg.Repo("team/app"))
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return response(req, http.StatusBadGateway, nil, strings.NewReader("")), nil
		})
		_, desc := bytesOf(10)
		if _, err := r.Has(t.Context(), desc); err == nil {
			t.Error("it succeeded")
		}
		if len(at) != wire.Attempts {
			t.Fatalf("%d attempts, want %d", len(at), wire.Attempts)
		}
		for i := 1; i < len(at); i++ {
			pause, most := at[i]-at[i-1], wire.FirstPause<<(i-1)
			if pause < most/2 || pause > most {
				t.Errorf("pause %d took %s, want %s to %s", i, pause, most/2, most)
			}
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
			return response(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"100"}}, strings.NewReader("")), nil
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("enough"))
		defer cancel()
		start := time.Now()
		_, desc := bytesOf(10)
		_, err := r.Has(ctx, desc)
		if err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("got %v, want the context's cause", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %s, want 10s", took)
		}
	})
}

// blocking reads some bytes and then nothing for ever, until its request is cancelled.
type blocking struct {
	io.Reader
	ctx context.Context
}

func (b blocking) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	<-b.ctx.Done()
	return 0, context.Cause(b.ctx)
}

func TestADownloadThatStandsStillIsCarriedOn(t *testing.T) {
	raw, desc := bytesOf(100_000)
	synctest.Test(t, func(t *testing.T) {
		var ranges []string
		r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
			ranges = append(ranges, req.Header.Get("Range"))
			if len(ranges) == 1 {
				return response(req, http.StatusOK, nil, blocking{strings.NewReader(string(raw[:1000])), req.Context()}), nil
			}
			return response(req, http.StatusPartialContent, http.Header{"Content-Range": {"bytes 1000-99999/100000"}}, strings.NewReader(string(raw[1000:]))), nil
		})
		start := time.Now()
		got, err := readAll(t, r, desc)
		if err != nil || string(got) != string(raw) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if took := time.Since(start); took < wire.IdleTimeout || took > wire.IdleTimeout+time.Second {
			t.Errorf("it took %s to notice, want %s", took, wire.IdleTimeout)
		}
		if fmt.Sprint(ranges) != "[ bytes=1000-]" {
			t.Errorf("asked for %q", ranges)
		}
	})
}

func TestASlowReaderIsNotAStandstill(t *testing.T) {
	raw, desc := bytesOf(10_000)
	synctest.Test(t, func(t *testing.T) {
		r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
			return response(req, http.StatusOK, nil, strings.NewReader(string(raw))), nil
		})
		rc, err := r.Fetch(t.Context(), desc)
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		n, buf := 0, make([]byte, 1000)
		for {
			time.Sleep(time.Hour)
			c, err := rc.Read(buf)
			if n += c; err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n != len(raw) {
			t.Errorf("%d bytes", n)
		}
	})
}

func TestAnUploadThatStandsStillIsStartedAnew(t *testing.T) {
	raw, desc := bytesOf(10_000)
	synctest.Test(t, func(t *testing.T) {
		puts := 0
		r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
			switch req.Method {
			case http.MethodPost:
				return response(req, http.StatusAccepted, http.Header{"Location": {"/v2/team/app/blobs/uploads/1"}}, strings.NewReader("")), nil
			case http.MethodHead:
				return response(req, http.StatusNotFound, nil, strings.NewReader("")), nil
			}
			puts++
			if puts == 1 {
				_, _ = req.Body.Read(make([]byte, 100)) // and then the connection takes no more
				<-req.Context().Done()
				_ = req.Body.Close()
				return nil, context.Cause(req.Context())
			}
			got, err := io.ReadAll(req.Body)
			if err != nil || string(got) != string(raw) {
				t.Errorf("the second upload has %d bytes, %v", len(got), err)
			}
			return response(req, http.StatusCreated, nil, strings.NewReader("")), nil
		})
		if err := r.Push(t.Context(), desc, opener(raw)); err != nil {
			t.Error(err)
		}
		if puts != 2 {
			t.Errorf("%d uploads, want 2", puts)
		}
	})
}

func TestConcurrencyAndRateOfAHostAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		var mu sync.Mutex
		var at []time.Time
		r := inMemory(t, 3, 10, func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(2 * time.Second)
			now.Add(-1)
			return response(req, http.StatusNotFound, nil, strings.NewReader("")), nil
		})
		var group sync.WaitGroup
		for i := range 30 {
			group.Go(func() {
				if _, err := r.Has(t.Context(), ocispec.Descriptor{Digest: digest.FromString(fmt.Sprint(i)), Size: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if most.Load() != 3 {
			t.Errorf("%d requests were under way at once, want 3", most.Load())
		}
		for i := 1; i < len(at); i++ {
			if d := at[i].Sub(at[i-1]); d < 99*time.Millisecond {
				t.Errorf("requests %d and %d are %s apart, want a tenth of a second", i-1, i, d)
			}
		}
	})
}

// A copy between repositories of one host reads while it writes. With one slot it must not wait for itself.
func TestACopyWithinAHostDoesNotWaitForItself(t *testing.T) {
	s := distribution3(t)
	s.block.Concurrency = 1
	sample, _ := published(t, s, "from")
	h := s.hosts(t)
	src := source(t, h, s.addr+"/from:cache", nil)
	desc := sample.Cache.Layers()[0].Descriptor
	err := destination(t, h, s.addr+"/to:cache", nil).repo.Push(t.Context(), desc, func(ctx context.Context) (io.ReadCloser, error) { return src.repo.Fetch(ctx, desc) })
	if err != nil {
		t.Error(err)
	}
}

func TestBlobsAreMountedBetweenRepositoriesOfAHost(t *testing.T) {
	for version, start := range map[string]func(testing.TB) *server{"3": distribution3, "2": distribution2} {
		t.Run("distribution "+version, func(t *testing.T) {
			s := start(t)
			sample, _ := published(t, s, "from")
			h := s.hosts(t)
			from, to := source(t, h, s.addr+"/from:cache", nil), destination(t, h, s.addr+"/to:cache", nil)
			desc := sample.Cache.Layers()[0].Descriptor
			if moved, err := blob.Copy(t.Context(), desc, from.repo, to.repo); err != nil || moved != 0 {
				t.Errorf("%d bytes were moved, %v", moved, err)
			}
			if has, err := destination(t, s.hosts(t), s.addr+"/to:cache", nil).repo.Has(t.Context(), desc); err != nil || !has {
				t.Errorf("the blob is there: %v, %v", has, err)
			}
			// What is not there cannot be mounted, and is pushed.
			raw, absent := bytesOf(500)
			if mounted, err := to.repo.MountFrom(t.Context(), absent, from.repo); err != nil || mounted {
				t.Errorf("mounted %v, %v", mounted, err)
			}
			if err := to.repo.Push(t.Context(), absent, opener(raw)); err != nil {
				t.Error(err)
			}
			other := source(t, s.hosts(t), s.addr+"/from:cache", nil)
			if mounted, err := to.repo.MountFrom(t.Context(), desc, other.repo); err != nil || mounted {
				t.Errorf("mounted from another host's view: %v, %v", mounted, err)
			}
		})
	}
}

func TestRequestsAreCounted(t *testing.T) {
	s := distribution3(t)
	sample, _ := published(t, s, "counted")
	h := s.hosts(t)
	src := source(t, h, s.addr+"/counted:cache", nil)
	cur := backendtest.Read(t, src)
	// GET /v2/, manifest and config.
	if n := h.Requests()[s.addr]; n != 3 {
		t.Errorf("%d requests to read a cache, want 3", n)
	}
	for range 2 { // the second time nothing is asked
		if _, err := source(t, h, s.addr+"/counted:cache", nil).Missing(t.Context(), cur); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.Requests()[s.addr]; n != int64(3+len(sample.Cache.Layers())) {
		t.Errorf("%d requests after looking for %d layers twice, want one for each", n, len(sample.Cache.Layers()))
	}
}

func TestEntriesForBuildKit(t *testing.T) {
	s := distribution3(t)
	_, root := published(t, s, "team/native")
	h := s.hosts(t)
	for _, test := range []struct {
		ref   string
		attrs map[string]string
		want  map[string]string
	}{
		{s.addr + "/team/native:cache", nil, map[string]string{"ref": s.addr + "/team/native:cache@" + root.Digest.String()}},
		{s.addr + "/team/native@" + root.Digest.String(), nil, map[string]string{"ref": s.addr + "/team/native@" + root.Digest.String()}},
		{s.addr + "/team/native:cache", map[string]string{"registry.insecure": "true"},
			map[string]string{"ref": s.addr + "/team/native:cache@" + root.Digest.String(), "registry.insecure": "true"}},
	} {
		src := source(t, h, test.ref, test.attrs)
		n := src.Native(backendtest.Read(t, src))
		if n.Type != "registry" || fmt.Sprint(n.Attrs) != fmt.Sprint(test.want) {
			t.Errorf("%s: got %v, want %v", test.ref, n, test.want)
		}
	}
}

func TestADigestIsNoPlaceToPublishTo(t *testing.T) {
	s := distribution3(t)
	_, root := published(t, s, "pinned")
	dest := destination(t, s.hosts(t), s.addr+"/pinned@"+root.Digest.String(), nil)
	if err := dest.Check(t.Context()); err == nil {
		t.Error("the check passes")
	}
	if _, err := dest.Publish(t.Context(), backendtest.NewSample(t, "x", 1).Cache, ocispec.Descriptor{}); err == nil {
		t.Error("the publication passes")
	}
}

func TestARefusedIndexIsExplained(t *testing.T) {
	dir := t.TempDir()
	c := settings3(dir)
	c.Validation.Manifests.Indexes.Platforms = "all"
	s := &server{dir: dir, client: http.DefaultClient}
	s.addr = serve3(t, c, nil)
	s.base = "http://" + s.addr
	sample := backendtest.NewSample(t, "index", 2)
	dest := destination(t, s.hosts(t), s.addr+"/index:cache", map[string]string{"image-manifest": "false"})
	backendtest.Push(t, dest, sample)
	_, err := dest.Publish(t.Context(), sample.Cache, ocispec.Descriptor{})
	if err == nil || !strings.Contains(err.Error(), "image-manifest=false") || !strings.Contains(err.Error(), "validation.manifests.indexes.platforms") {
		t.Errorf("got %v", err)
	}
	if d := s.root(t, "index"); d != "" {
		t.Errorf("the tag points at %s", d)
	}
	backendtest.Publish(t, destination(t, s.hosts(t), s.addr+"/index:cache", nil), sample, ocispec.Descriptor{})
}

func TestALayerThatTheRegistryLostIsSaidToBe(t *testing.T) {
	s := distribution3(t)
	sample := backendtest.NewSample(t, "collected", 2)
	dest := destination(t, s.hosts(t), s.addr+"/collected:cache", nil)
	backendtest.Push(t, dest, sample)
	if err := os.Remove(s.file(sample.Cache.Layers()[0].Descriptor.Digest)); err != nil {
		t.Fatal(err)
	}
	if _, err := dest.Publish(t.Context(), sample.Cache, ocispec.Descriptor{}); err == nil || !strings.Contains(err.Error(), "lost a layer") {
		t.Errorf("got %v", err)
	}
	if d := s.root(t, "collected"); d != "" {
		t.Errorf("the tag points at %s", d)
	}
	backendtest.Push(t, dest, sample) // which looks again
	if _, err := dest.Publish(t.Context(), sample.Cache, ocispec.Descriptor{}); err != nil {
		t.Errorf("after pushing it again: %v", err)
	}
}

func TestCredentialsThatAreWrongAreDenied(t *testing.T) {
	s := withBasicAuth(t)
	login(t, s.addr, testUser, "guess-and-guess-again")
	_, err := source(t, s.hosts(t), s.addr+"/x:cache", nil).Read(t.Context())
	if !errors.Is(err, blob.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
	if err != nil && strings.Contains(err.Error(), "guess") {
		t.Errorf("the password is in %q", err)
	}
}

func TestTLSIsVerifiedUnlessSaidOtherwise(t *testing.T) {
	s := withTLS(t)
	sample, _ := published(t, s, "secure")
	for name, test := range map[string]struct {
		block config.Registry
		attrs map[string]string
		works bool
	}{
		"with its CA":                {config.Registry{CA: s.block.CA}, nil, true},
		"without":                    {config.Registry{}, nil, false},
		"with verification off":      {config.Registry{Insecure: true}, nil, true},
		"with the attribute":         {config.Registry{}, map[string]string{"registry.insecure": "true"}, true},
		"with another authority's":   {config.Registry{CA: newAuthority(t).file}, nil, false},
		"with the CA and plain http": {config.Registry{CA: s.block.CA, HTTP: true}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			other := &server{addr: s.addr, block: test.block}
			cur, err := source(t, other.hosts(t), s.addr+"/secure:cache", test.attrs).Read(t.Context())
			if test.works && (err != nil || !cur.Cache.Covers(sample.Cache)) {
				t.Errorf("got %v", err)
			}
			if !test.works && (err == nil || !strings.Contains(err.Error(), "certificate")) {
				t.Errorf("got %v, want an error of the certificate", err)
			}
		})
	}
}

func TestACAFileThatIsNoneIsAnError(t *testing.T) {
	if _, err := NewHosts(HostsOptions{Registries: []*config.Registry{{Host: "r.example", CA: "/does/not/exist"}}}); err == nil {
		t.Error("a file that is not there was accepted")
	}
	if _, err := NewHosts(HostsOptions{Registries: []*config.Registry{{Host: "r.example", CA: "/etc/hostname"}}}); err == nil {
		t.Error("a file without a certificate was accepted")
	}
}

func TestWhereTLSIsNotNeeded(t *testing.T) {
	for _, test := range []struct {
		addr     string
		block    *config.Registry
		insecure bool
		want     schemes
	}{
		{"localhost:5000", nil, false, schemes{true, true}},
		{"127.0.0.1:5000", nil, false, schemes{true, true}},
		{"[::1]:5000", nil, false, schemes{true, true}},
		{"registry.localhost", nil, false, schemes{true, true}},
		{"127.0.0.1:5000", &config.Registry{CA: "x"}, false, schemes{}},
		{"10.0.0.7:5000", nil, false, schemes{}},
		{"192.168.1.2", nil, false, schemes{}},
		{"localhost.example.com", nil, false, schemes{}},
		{"registry.example", nil, false, schemes{}},
		{"registry.example", nil, true, schemes{http: true}},
		{"registry.example", &config.Registry{HTTP: true}, false, schemes{true, true}},
		{"registry.example", &config.Registry{Insecure: true}, false, schemes{}},
	} {
		if got := schemesFor(test.addr, test.block, test.insecure); got != test.want {
			t.Errorf("%s, %+v, %v: got %+v, want %+v", test.addr, test.block, test.insecure, got, test.want)
		}
	}
}

func TestARedirectToWhatOnlyThisMachineReachesIsNotFollowed(t *testing.T) {
	_, desc := bytesOf(10)
	asked := 0
	r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
		asked++
		return response(req, http.StatusTemporaryRedirect, http.Header{"Location": {"http://169.254.169.254/latest"}}, strings.NewReader("")), nil
	})
	if _, err := readAll(t, r, desc); err == nil || !strings.Contains(err.Error(), "the registry sends us to 169.254.169.254") || asked != 1 {
		t.Errorf("asked %d times, got %v", asked, err)
	}
}

func TestRedirectsDoNotCarryCredentials(t *testing.T) {
	s := withBasicAuth(t)
	sample, _ := published(t, s, "redirected")
	raw := sample.Blobs[sample.Cache.Layers()[0].Descriptor.Digest]
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if got := req.Header.Get("Authorization"); got != "" {
			t.Errorf("the store was sent %q", got)
		}
		_, _ = w.Write(raw)
	}))
	defer store.Close()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); strings.Contains(req.URL.Path, "/blobs/") && password != testPassword {
			t.Error("the registry was not sent the password")
		}
		if strings.Contains(req.URL.Path, "/blobs/") {
			http.Redirect(w, req, store.URL+"/signed?secret=1", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))
	defer front.Close()
	addr := front.Listener.Addr().String()
	login(t, addr, testUser, testPassword)
	other := &server{addr: addr}
	if got, err := readAll(t, source(t, other.hosts(t), addr+"/redirected:cache", nil).repo, sample.Cache.Layers()[0].Descriptor); err != nil || string(got) != string(raw) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// tokenServer stands before a registry and wants tokens. Each is good for as many requests as uses says.
type tokenServer struct {
	*faulty
	uses    atomic.Int64
	issued  atomic.Int64
	mu      sync.Mutex
	left    map[string]int64
	asked   []string
	refuses func(scope string) bool
}

func withTokens(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{faulty: withFaults(t), left: map[string]int64{}}
	s.uses.Store(1 << 40)
	s.add(t, &fault{path: `.*`, times: 1 << 30, act: s.serve})
	login(t, s.addr, testUser, testPassword)
	return s
}

func (s *tokenServer) serve(w http.ResponseWriter, req *http.Request, next http.Handler) {
	if req.URL.Path == "/token" {
		s.issue(w, req)
		return
	}
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.left[token]--
	ok := s.left[token] >= 0
	s.mu.Unlock()
	if ok {
		next.ServeHTTP(w, req)
		return
	}
	challenge := `Bearer realm="http://` + s.addr + `/token",service="test"`
	if parts := strings.SplitN(strings.TrimPrefix(req.URL.Path, "/v2/"), "/", 2); len(parts) == 2 {
		actions := "pull"
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			actions = "pull,push"
		}
		challenge += `,scope="repository:` + parts[0] + `:` + actions + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(http.StatusUnauthorized)
}

func (s *tokenServer) issue(w http.ResponseWriter, req *http.Request) {
	scope := strings.Join(req.URL.Query()["scope"], " ")
	if user, password, _ := req.BasicAuth(); user != testUser || password != testPassword || (s.refuses != nil && s.refuses(scope)) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`)
		return
	}
	token := fmt.Sprintf("token-%d", s.issued.Add(1))
	s.mu.Lock()
	s.left[token] = s.uses.Load()
	s.asked = append(s.asked, scope)
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token})
}

func TestOneTokenServesARun(t *testing.T) {
	s := withTokens(t)
	h, _ := s.clocked(t)
	sample := backendtest.NewSample(t, "tokens", 3)
	dest := destination(t, h, s.ref("tokens"), nil)
	root := backendtest.Publish(t, dest, sample, ocispec.Descriptor{})
	if cur := backendtest.Read(t, dest); cur.Root.Digest != root.Digest {
		t.Errorf("read %s", cur.Root.Digest)
	}
	if n := s.issued.Load(); n != 1 {
		t.Errorf("%d tokens were asked for: %q, want 1", n, s.asked)
	}
	if n := s.count("GET", `^/v2/$`); n != 1 {
		t.Errorf("the host was asked %d times how it wants to be spoken to", n)
	}
}

func TestReadingAsksForNoMoreThanReading(t *testing.T) {
	s := withTokens(t)
	h, _ := s.clocked(t)
	if _, err := source(t, h, s.ref("read-only"), nil).Read(t.Context()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if fmt.Sprint(s.asked) != "[repository:read-only:pull]" {
		t.Errorf("asked for %q", s.asked)
	}
}

func TestTokensThatExpireAreRenewed(t *testing.T) {
	for _, uses := range []int64{1, 2, 3, 5} {
		s := withTokens(t)
		s.uses.Store(uses)
		h, _ := s.clocked(t)
		sample := backendtest.NewSample(t, "expiring", 4)
		dest := destination(t, h, s.ref("expiring"), nil)
		backendtest.Publish(t, dest, sample, ocispec.Descriptor{})
		for _, l := range backendtest.Read(t, dest).Cache.Layers() {
			if _, err := readAll(t, dest.repo, l.Descriptor); err != nil {
				t.Errorf("tokens for %d requests: %v", uses, err)
			}
		}
	}
}

func TestADestinationThatMayOnlyBeReadIsStillRead(t *testing.T) {
	s := withTokens(t)
	h, _ := s.clocked(t)
	sample := backendtest.NewSample(t, "locked", 1)
	backendtest.Publish(t, destination(t, h, s.ref("locked"), nil), sample, ocispec.Descriptor{})
	s.refuses = func(scope string) bool { return strings.Contains(scope, "push") }
	h, _ = s.clocked(t)
	dest := destination(t, h, s.ref("locked"), nil)
	if cur := backendtest.Read(t, dest); !cur.Cache.Covers(sample.Cache) {
		t.Error("another cache was read")
	}
	if err := dest.Check(t.Context()); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("the check says %v, want ErrDenied", err)
	}
}

func TestATokenServerThatFailsIsAskedAgain(t *testing.T) {
	s := withTokens(t)
	s.faults = append([]*fault{}, s.faults...)
	f := &fault{method: "GET", path: `^/token$`, times: 2, act: answer(503, nil, "")}
	s.add(t, f)
	s.mu.Lock()
	s.faults[0], s.faults[1] = s.faults[1], s.faults[0]
	s.mu.Unlock()
	h, _ := s.clocked(t)
	if _, err := source(t, h, s.ref("x"), nil).Read(t.Context()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestMirrorsAreAskedFirst(t *testing.T) {
	origin, other := withFaults(t), withFaults(t)
	sample, root := published(t, origin.server, "mirrored")
	published(t, other.server, "mirrored")
	origin.block.Mirrors = []string{other.addr}
	h, _ := origin.clocked(t)
	count := func() int { return origin.count("GET", "/mirrored/") }
	before := count()
	src := source(t, h, origin.ref("mirrored"), nil)
	cur := backendtest.Read(t, src)
	for _, l := range cur.Cache.Layers() {
		if _, err := readAll(t, cur.Blobs, l.Descriptor); err != nil {
			t.Fatal(err)
		}
	}
	if n := count() - before; n != 0 {
		t.Errorf("the registry itself was sent %d requests", n)
	}
	// A destination's tag is never the mirror's.
	if got := backendtest.Read(t, destination(t, h, origin.ref("mirrored"), nil)); got.Root.Digest != root.Digest || count() == before {
		t.Errorf("the registry itself was not asked for a destination's tag")
	}
	// A mirror that sends damaged bytes is not asked again.
	other.add(t, &fault{method: "GET", path: blobPaths, times: 1000, act: flip})
	desc := sample.Cache.Layers()[0].Descriptor
	if _, err := readAll(t, src.repo, desc); !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("damaged bytes: %v", err)
	}
	if _, err := readAll(t, src.repo, desc); err != nil {
		t.Errorf("after damaged bytes: %v", err)
	}
}

func TestAMirrorThatIsDownOrEmptyDoesNotMatter(t *testing.T) {
	for name, mirror := range map[string]func() string{
		"down":  func() string { return "127.0.0.1:1" },
		"empty": func() string { return distribution3(t).addr },
	} {
		t.Run(name, func(t *testing.T) {
			s := distribution3(t)
			sample, _ := published(t, s, "mirrored")
			s.block.Mirrors = []string{mirror()}
			if cur := backendtest.Read(t, source(t, s.hosts(t), s.addr+"/mirrored:cache", nil)); !cur.Cache.Covers(sample.Cache) {
				t.Error("another cache was read")
			}
		})
	}
}

// Writers of other processes have their own view. What the tag points at is always a whole cache of one of them.
func TestWritersOfOtherRunsLeaveAWholeCache(t *testing.T) {
	s := distribution3(t)
	var group sync.WaitGroup
	for w := range 4 {
		sample := backendtest.NewSample(t, fmt.Sprint("run ", w), 2)
		dest := destination(t, s.hosts(t), s.addr+"/runs:cache", nil)
		backendtest.Push(t, dest, sample)
		group.Go(func() {
			for range 5 {
				root := ocispec.Descriptor{}
				if cur, err := dest.Read(t.Context()); err == nil {
					root = cur.Root
				} else if !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("read: %v", err)
				}
				_, _ = dest.Publish(t.Context(), sample.Cache, root) // a conflict is as good
			}
		})
	}
	group.Wait()
	src := source(t, s.hosts(t), s.addr+"/runs:cache", nil)
	if lost, err := src.Missing(t.Context(), backendtest.Read(t, src)); err != nil || len(lost) > 0 {
		t.Errorf("missing %v, %v", lost, err)
	}
}

func TestEmptyBlobs(t *testing.T) {
	s := distribution3(t)
	dest := destination(t, s.hosts(t), s.addr+"/empty:cache", nil)
	desc := ocispec.Descriptor{Digest: digest.FromString(""), Size: 0}
	if err := dest.repo.Push(t.Context(), desc, opener(nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(t, dest.repo, desc); err != nil || len(got) != 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A registry that one run serves goes away with it, and the next run takes its address over.
func TestAnEmbeddedRegistryMayBeAwayForAMoment(t *testing.T) {
	for name, test := range map[string]struct {
		restarts bool
		requests int
	}{"embedded": {true, 3}, "another": {false, 1}} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			r := inMemory(t, 4, 0, func(req *http.Request) (*http.Response, error) {
				if requests++; requests < 3 {
					return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
				}
				return response(req, http.StatusNotFound, nil, strings.NewReader("")), nil
			})
			r.host.retry.restarts = test.restarts
			_, desc := bytesOf(10)
			if _, err := r.Has(t.Context(), desc); (err == nil) != test.restarts || requests != test.requests {
				t.Errorf("%s: %d requests, %v", name, requests, err)
			}
		})
	}
}
