package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// fault is something that goes wrong between us and a registry.
type fault struct {
	method, path string
	// first and times say which of the matching requests it meets: times of them, from the first-th on (0 is the first).
	first, times int
	// act answers instead of the registry, which it can ask with next.
	act func(w http.ResponseWriter, req *http.Request, next http.Handler)

	match *regexp.Regexp
	seen  atomic.Int64
	hits  atomic.Int64
}

// faulty is a registry with a proxy before it.
type faulty struct {
	*server
	mu     sync.Mutex
	faults []*fault
	// log is each request's method and path.
	log []string
}

// withFaults puts a proxy before distribution 3.
func withFaults(t *testing.T) *faulty {
	t.Helper()
	behind := distribution3(t)
	at, err := url.Parse(behind.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at)
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	f := &faulty{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { f.serve(w, req, proxy) }))
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(front.Close)
	f.server = &server{addr: front.Listener.Addr().String(), dir: behind.dir, client: behind.client, base: behind.base}
	return f
}

func (f *faulty) serve(w http.ResponseWriter, req *http.Request, proxy http.Handler) {
	f.mu.Lock()
	f.log = append(f.log, req.Method+" "+req.URL.Path)
	faults := f.faults
	f.mu.Unlock()
	for _, fault := range faults {
		if (fault.method != "" && fault.method != req.Method) || !fault.match.MatchString(req.URL.Path) {
			continue
		}
		if n := int(fault.seen.Add(1)) - 1; n < fault.first || n >= fault.first+fault.times {
			continue
		}
		fault.hits.Add(1)
		fault.act(w, req, proxy)
		return
	}
	proxy.ServeHTTP(w, req)
}

// add makes something go wrong, and counts requests from now on. The test fails if it never did.
func (f *faulty) add(t *testing.T, faults ...*fault) {
	t.Helper()
	for _, fault := range faults {
		fault.match = regexp.MustCompile(fault.path)
		if fault.times == 0 {
			fault.times = 1
		}
		t.Cleanup(func() {
			if fault.hits.Load() == 0 {
				t.Errorf("%s %s was never met", fault.method, fault.path)
			}
		})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.log = append(f.faults, faults...), nil
}

func (f *faulty) count(method, path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, line := range f.log {
		m, p, _ := strings.Cut(line, " ")
		if m == method && regexp.MustCompile(path).MatchString(p) {
			n++
		}
	}
	return n
}

// clock is a time that passes only when somebody sleeps.
type clock struct {
	mu    sync.Mutex
	t     time.Time
	slept []time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	c.slept = append(c.slept, d)
	return context.Cause(ctx)
}

// clocked returns hosts that do not really wait.
func (f *faulty) clocked(t *testing.T) (*Hosts, *clock) {
	t.Helper()
	h, c := f.hosts(t), &clock{t: time.Now()}
	h.retry = &retrier{sleep: c.sleep, now: c.now}
	return h, c
}

func (f *faulty) ref(name string) string { return f.addr + "/" + name + ":cache" }

func answer(status int, header http.Header, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// reset cuts the connection so that the other side sees a reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// resetAfter reads n bytes of the request's body and cuts the connection.
func resetAfter(n int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
		_, _ = io.CopyN(io.Discard, req.Body, n)
		reset(w)
	}
}

// dropAnswer lets the registry do its work and cuts the connection before it can say so.
func dropAnswer(w http.ResponseWriter, req *http.Request, next http.Handler) {
	next.ServeHTTP(httptest.NewRecorder(), req)
	reset(w)
}

// cutAt sends n bytes of the answer's body and closes the connection.
func cutAt(n int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		body := rec.Body.Bytes()
		copyHeader(w, rec)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:min(n, len(body))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// flip changes a bit in the middle of the answer's body.
func flip(w http.ResponseWriter, req *http.Request, next http.Handler) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, req)
	body := rec.Body.Bytes()
	body[len(body)/2] ^= 1
	copyHeader(w, rec)
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func copyHeader(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
}

const (
	blobPaths  = `/blobs/sha256:`
	uploadPath = `/blobs/uploads/`
	tagPath    = `/manifests/cache$`
	rootPath   = `/manifests/sha256:`
)

// whole fails unless the tag points at the sample with all of its layers, as seen past the faults.
func (f *faulty) whole(t *testing.T, name string, s *backendtest.Sample) {
	t.Helper()
	past := &server{addr: strings.TrimPrefix(f.base, "http://"), dir: f.dir, client: f.client, base: f.base}
	src := source(t, past.hosts(t), past.addr+"/"+name+":cache", nil)
	cur := backendtest.Read(t, src)
	if !cur.Cache.Covers(s.Cache) || !s.Cache.Covers(cur.Cache) {
		t.Errorf("the tag points at another cache: %+v", cur.Cache.Stats())
	}
	if lost, err := src.Missing(t.Context(), cur); err != nil || len(lost) > 0 {
		t.Errorf("%d layers are missing, %v", len(lost), err)
	}
}

// TestFaultsThatPass has one thing go wrong at every place of a publication and of a reading; both succeed all the same.
func TestFaultsThatPass(t *testing.T) {
	refusals := map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"408":                    answer(408, nil, ""),
		"429":                    answer(429, http.Header{"Retry-After": {"7"}}, `{"errors":[{"code":"TOOMANYREQUESTS"}]}`),
		"429 with a BOM":         answer(429, nil, "\xef\xbb\xbf{\"errors\":[]}"),
		"500":                    answer(500, nil, "oops"),
		"502":                    answer(502, nil, "<html>bad gateway</html>"),
		"503":                    answer(503, http.Header{"Retry-After": {"2"}}, ""),
		"504":                    answer(504, nil, ""),
		"403 for a rate limit":   answer(403, nil, "You have exceeded a secondary rate limit"),
		"a reset":                func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { reset(w) },
		"an answer that is lost": dropAnswer,
	}
	places := []struct{ method, path string }{
		{"GET", `^/v2/$`}, {"POST", uploadPath}, {"PUT", uploadPath}, {"HEAD", blobPaths}, {"GET", blobPaths},
		{"PUT", rootPath}, {"GET", rootPath}, {"PUT", tagPath}, {"HEAD", tagPath}, {"GET", tagPath},
	}
	for name, act := range refusals {
		for _, place := range places {
			if place.method == "HEAD" && strings.HasPrefix(name, "403") {
				continue // such an answer has no body that could say it
			}
			t.Run(name+" at "+place.method+" "+place.path, func(t *testing.T) {
				f := withFaults(t)
				f.add(t, &fault{method: place.method, path: place.path, act: act})
				h, _ := f.clocked(t)
				sample := backendtest.NewSample(t, "survives", 2)
				dest := destination(t, h, f.ref("survives"), nil)
				for _, l := range sample.Cache.Layers() {
					if _, err := blob.Copy(t.Context(), l.Descriptor, blobs(sample.Blobs), dest.Blobs()); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := dest.Publish(t.Context(), sample.Cache, ocispec.Descriptor{}); err != nil {
					t.Fatal(err)
				}
				src := source(t, h, f.ref("survives"), nil)
				cur := backendtest.Read(t, src)
				if _, err := readAll(t, cur.Blobs, sample.Cache.Layers()[0].Descriptor); err != nil {
					t.Error(err)
				}
				f.whole(t, "survives", sample)
			})
		}
	}
}

// blobs is blobs in memory.
type blobs map[digest.Digest][]byte

func (b blobs) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b[desc.Digest])), nil
}

func readAll(t *testing.T, from blob.Fetcher, desc ocispec.Descriptor) ([]byte, error) {
	t.Helper()
	rc, err := from.Fetch(t.Context(), desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func bytesOf(n int) ([]byte, ocispec.Descriptor) {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(i * 7 >> 3)
	}
	return raw, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(n)}
}

func opener(raw []byte) blob.Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

func TestRetryAfterHoldsBackEveryRequestToTheHost(t *testing.T) {
	f := withFaults(t)
	sample, _ := published(t, f.server, "limited")
	h, c := f.clocked(t)
	src := source(t, h, f.ref("limited"), nil)
	cur := backendtest.Read(t, src)
	f.add(t, &fault{method: "HEAD", path: blobPaths, act: answer(429, http.Header{"Retry-After": {"7"}}, "")})
	before := c.now()
	if has, err := src.repo.Has(t.Context(), sample.Cache.Layers()[0].Descriptor); err != nil || !has {
		t.Fatal(has, err)
	}
	if waited := c.now().Sub(before); waited < 7*time.Second || waited > 9*time.Second {
		t.Errorf("waited %s, the registry asked for 7 s", waited)
	}
	// Somebody else, who asks while the pause runs, waits too.
	src.repo.host.retry.pause.Extend(c.now().Add(5 * time.Second))
	before = c.now()
	if _, err := src.Missing(t.Context(), cur); err != nil {
		t.Fatal(err)
	}
	if waited := c.now().Sub(before); waited < 5*time.Second {
		t.Errorf("another request waited %s while the host had asked for 5 s more", waited)
	}
}

func TestWaitingForARegistryIsToldOnceInAWhile(t *testing.T) {
	f := withFaults(t)
	published(t, f.server, "waiting")
	h, _ := f.clocked(t)
	var told bytes.Buffer
	h.opt.Logger = slog.New(slog.NewTextHandler(&told, nil))
	src := source(t, h, f.ref("waiting"), nil)
	cur := backendtest.Read(t, src)
	for range 3 {
		f.add(t, &fault{method: "HEAD", path: blobPaths, act: answer(429, http.Header{"Retry-After": {"2"}}, "")})
	}
	if _, err := src.Missing(t.Context(), cur); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(told.String(), "\n"); n != 1 || !strings.Contains(told.String(), "host="+f.addr) || !strings.Contains(told.String(), `answer="429 Too Many Requests"`) {
		t.Errorf("%d lines:\n%s", n, told.String())
	}
}

func TestARegistryThatStaysDownIsGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		act      func(http.ResponseWriter, *http.Request, http.Handler)
		requests int
		says     string
	}{
		"500 for ever":            {answer(500, nil, ""), wire.Attempts, "500 Internal Server Error (6 attempts)"},
		"429 for ever":            {answer(429, http.Header{"Retry-After": {"3"}}, ""), wire.Attempts, "429 Too Many Requests (6 attempts)"},
		"a wait of an hour":       {answer(429, http.Header{"Retry-After": {"3600"}}, ""), 1, "429 Too Many Requests"},
		"a quota":                 {answer(429, nil, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull rate limit."}]}`), 2, "pull rate limit"},
		"404":                     {answer(404, nil, ""), 1, "404"},
		"a plain 403":             {answer(403, nil, `{"errors":[{"code":"DENIED","message":"no"}]}`), 1, "DENIED: no"},
		"resets":                  {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { reset(w) }, wire.Attempts, "6 attempts"},
		"more waiting than fits":  {answer(503, http.Header{"Retry-After": {"100"}}, ""), 3, "503"},
		"a terminal's escape":     {answer(403, nil, `{"errors":[{"code":"DENIED","message":"\u001b[2Jgone\u009b"}]}`), 1, "DENIED: [2Jgone"},
		"an error without an end": {answer(403, nil, strings.Repeat("x", 1<<20)), 1, "403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFaults(t)
			f.add(t, &fault{method: "GET", path: tagPath, times: 1000, act: test.act})
			h, _ := f.clocked(t)
			_, err := source(t, h, f.ref("down"), nil).Read(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want something with %q", err, test.says)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
			n := f.count("GET", tagPath)
			if name == "resets" {
				n = min(n, wire.Attempts) // net/http repeats the first by itself if it was sent on a connection that was used before
			}
			if n != test.requests {
				t.Errorf("%d requests were sent, want %d", n, test.requests)
			}
		})
	}
}

func TestAnUploadThatBreaksOffIsStartedAnew(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: "PUT", path: uploadPath, times: 2, act: resetAfter(1 << 20)})
	h, _ := f.clocked(t)
	raw, desc := bytesOf(4 << 20)
	opened := 0
	dest := destination(t, h, f.ref("broken"), nil)
	err := dest.Blobs().Push(t.Context(), desc, func(ctx context.Context) (io.ReadCloser, error) {
		opened++
		return opener(raw)(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if opened != 3 {
		t.Errorf("the blob was opened %d times, want 3", opened)
	}
	if got, err := readAll(t, dest.repo, desc); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("it is not what was pushed: %v", err)
	}
}

func TestABlobThatArrivedThoughTheAnswerGotLostIsNotSentAgain(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: "PUT", path: uploadPath, act: dropAnswer})
	h, _ := f.clocked(t)
	raw, desc := bytesOf(1 << 20)
	if err := destination(t, h, f.ref("dropped"), nil).Blobs().Push(t.Context(), desc, opener(raw)); err != nil {
		t.Fatal(err)
	}
	if n := f.count("PUT", uploadPath); n != 1 {
		t.Errorf("the blob was sent %d times", n)
	}
}

func TestUploadSessionsThatAreRefused(t *testing.T) {
	for _, status := range []int{400, 404, 405, 409, 416} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			f := withFaults(t)
			f.add(t, &fault{method: "PUT", path: uploadPath, act: answer(status, nil, `{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}`)})
			h, _ := f.clocked(t)
			raw, desc := bytesOf(1000)
			if err := destination(t, h, f.ref("session"), nil).Blobs().Push(t.Context(), desc, opener(raw)); err != nil {
				t.Error(err)
			}
			if n := f.count("POST", uploadPath); n != 2 {
				t.Errorf("%d sessions were opened, want 2", n)
			}
		})
		t.Run(strconv.Itoa(status)+" for ever", func(t *testing.T) {
			f := withFaults(t)
			f.add(t, &fault{method: "PUT", path: uploadPath, times: 1000, act: answer(status, nil, "")})
			h, _ := f.clocked(t)
			raw, desc := bytesOf(1000)
			if err := destination(t, h, f.ref("session"), nil).Blobs().Push(t.Context(), desc, opener(raw)); err == nil {
				t.Error("the push succeeded")
			}
			if n := f.count("POST", uploadPath); n != sessions {
				t.Errorf("%d sessions were opened, want %d", n, sessions)
			}
		})
	}
}

func TestASourceThatFailsIsNotTakenForTheRegistry(t *testing.T) {
	f := withFaults(t)
	h, _ := f.clocked(t)
	_, desc := bytesOf(1000)
	broken := errors.New("disk on fire")
	err := destination(t, h, f.ref("source"), nil).Blobs().Push(t.Context(), desc, func(context.Context) (io.ReadCloser, error) { return nil, broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if n := f.count("POST", uploadPath); n != 1 {
		t.Errorf("%d uploads were started, want 1", n)
	}
}

func TestADownloadThatBreaksOffIsCarriedOn(t *testing.T) {
	for name, act := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"with ranges": cutAt(300_000),
		"without ranges": func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			req.Header.Del("Range")
			cutAt(300_000)(w, req, next)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFaults(t)
			raw, desc := bytesOf(1 << 20)
			f.seed(t, "partial", ocispec.MediaTypeImageManifest, mustManifest(t, desc), [][]byte{raw, []byte("{}")})
			f.add(t, &fault{method: "GET", path: blobPaths, times: 3, act: act})
			h, _ := f.clocked(t)
			src := source(t, h, f.ref("partial"), nil)
			got, err := readAll(t, src.repo, desc)
			if name == "without ranges" {
				// Each attempt gets as far as the one before and no farther, until one is not cut.
				if err != nil || !bytes.Equal(got, raw) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				return
			}
			if err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if n := f.count("GET", blobPaths); n != 4 {
				t.Errorf("%d requests, want 4", n)
			}
		})
	}
}

func mustManifest(t *testing.T, layer ocispec.Descriptor) []byte {
	t.Helper()
	return []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{"mediaType":"` + ocispec.MediaTypeImageConfig +
		`","digest":"` + digest.FromString("{}").String() + `","size":2},"layers":[{"mediaType":"` + layer.MediaType + `","digest":"` +
		layer.Digest.String() + `","size":` + strconv.FormatInt(layer.Size, 10) + `}]}`)
}

func TestADownloadThatNeverGetsFartherIsGivenUp(t *testing.T) {
	f := withFaults(t)
	sample, _ := published(t, f.server, "stuck")
	f.add(t, &fault{method: "GET", path: blobPaths, times: 1000, act: cutAt(0)})
	h, _ := f.clocked(t)
	_, err := readAll(t, source(t, h, f.ref("stuck"), nil).repo, sample.Cache.Layers()[0].Descriptor)
	if !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v, want ErrIntegrity", err)
	}
	if n := f.count("GET", blobPaths); n != resumes+1 {
		t.Errorf("%d requests, want %d", n, resumes+1)
	}
}

func TestBitsThatFlip(t *testing.T) {
	for name, path := range map[string]string{"manifest": tagPath, "config": blobPaths} {
		t.Run(name+" once", func(t *testing.T) {
			f := withFaults(t)
			sample, _ := published(t, f.server, "flips")
			f.add(t, &fault{method: "GET", path: path, act: flip})
			h, _ := f.clocked(t)
			if cur := backendtest.Read(t, source(t, h, f.ref("flips"), nil)); !cur.Cache.Covers(sample.Cache) {
				t.Error("another cache was read")
			}
		})
		t.Run(name+" always", func(t *testing.T) {
			f := withFaults(t)
			published(t, f.server, "flips")
			f.add(t, &fault{method: "GET", path: path, times: 1000, act: flip})
			h, _ := f.clocked(t)
			cur, err := source(t, h, f.ref("flips"), nil).Read(t.Context())
			if !errors.Is(err, blob.ErrIntegrity) || (cur != nil && cur.Cache != nil) {
				t.Errorf("got %v, %v, want ErrIntegrity", cur, err)
			}
			if n := f.count("GET", path); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
	t.Run("layer", func(t *testing.T) {
		f := withFaults(t)
		sample, _ := published(t, f.server, "flips")
		f.add(t, &fault{method: "GET", path: blobPaths, act: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			if req.Header.Get("Cache-Control") != "" {
				t.Error("the first request asks for uncached bytes")
			}
			flip(w, req, next)
		}}, &fault{method: "GET", path: blobPaths, act: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			if req.Header.Get("Cache-Control") != "no-cache" {
				t.Error("after damaged bytes a cache is asked again")
			}
			next.ServeHTTP(w, req)
		}})
		h, _ := f.clocked(t)
		src, desc := source(t, h, f.ref("flips"), nil), sample.Cache.Layers()[0].Descriptor
		if _, err := readAll(t, src.repo, desc); !errors.Is(err, blob.ErrIntegrity) {
			t.Errorf("got %v, want ErrIntegrity", err)
		}
		if _, err := readAll(t, src.repo, desc); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

func TestALyingDigestHeaderIsNoticed(t *testing.T) {
	f := withFaults(t)
	published(t, f.server, "lies")
	f.add(t, &fault{method: "GET", path: tagPath, times: 1000, act: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		copyHeader(w, rec)
		w.Header().Set("Docker-Content-Digest", digest.FromString("something else").String())
		_, _ = w.Write(rec.Body.Bytes())
	}})
	h, _ := f.clocked(t)
	if _, err := source(t, h, f.ref("lies"), nil).Read(t.Context()); !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v, want ErrIntegrity", err)
	}
}

func TestAManifestBeyondTheLimitIsNotRead(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: "GET", path: tagPath, times: 10, act: answer(200, http.Header{"Content-Type": {ocispec.MediaTypeImageManifest}}, strings.Repeat(" ", 5<<20))})
	h, _ := f.clocked(t)
	if _, err := source(t, h, f.ref("huge"), nil).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

func TestAWebPageIsNotARegistry(t *testing.T) {
	f := withFaults(t)
	page := answer(200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<html>log in</html>")
	f.add(t, &fault{path: ".*", times: 1000, act: page})
	h, _ := f.clocked(t)
	var not *NotRegistryError
	_, desc := bytesOf(10)
	dest := destination(t, h, f.ref("page"), nil)
	if _, err := dest.Read(t.Context()); !errors.As(err, &not) {
		t.Errorf("reading: %s", describe(err))
	}
	if has, err := dest.Blobs().Has(t.Context(), desc); err == nil || has {
		t.Errorf("it has a blob: %v, %v", has, err)
	}
}

func TestRegistriesWithoutHEAD(t *testing.T) {
	f := withFaults(t)
	sample, root := published(t, f.server, "headless")
	f.add(t, &fault{method: "HEAD", path: blobPaths, times: 1000, act: answer(405, nil, "")},
		&fault{method: "HEAD", path: tagPath, times: 1000, act: answer(405, nil, "")})
	h, _ := f.clocked(t)
	src := source(t, h, f.ref("headless"), nil)
	if lost, err := src.Missing(t.Context(), backendtest.Read(t, src)); err != nil || len(lost) > 0 {
		t.Errorf("missing: %v, %v", lost, err)
	}
	_, absent := bytesOf(77)
	if has, err := src.repo.Has(t.Context(), absent); err != nil || has {
		t.Errorf("it has what it has not: %v, %v", has, err)
	}
	if now, err := src.repo.head(t.Context(), "cache"); err != nil || now != root.Digest {
		t.Errorf("the tag points at %s, %v", now, err)
	}
	if _, err := readAll(t, src.repo, sample.Cache.Layers()[0].Descriptor); err != nil {
		t.Error(err)
	}
}

func TestATagThatWasMovedThoughTheAnswerGotLost(t *testing.T) {
	f := withFaults(t)
	old, root := published(t, f.server, "lost-answer")
	h, _ := f.clocked(t)
	next := backendtest.NewSample(t, "next", 2)
	dest := destination(t, h, f.ref("lost-answer"), nil)
	backendtest.Push(t, dest, next)
	f.add(t, &fault{method: "PUT", path: tagPath, act: dropAnswer})
	if _, err := dest.Publish(t.Context(), next.Cache, root); err != nil {
		t.Fatal(err)
	}
	if n := f.count("PUT", tagPath); n != 1 {
		t.Errorf("the tag was moved %d times, want once", n)
	}
	f.whole(t, "lost-answer", next)
	_ = old
}

// Nobody's publication is overwritten because an answer got lost.
func TestALostAnswerDoesNotOverwriteWhatCameAfter(t *testing.T) {
	f := withFaults(t)
	_, root := published(t, f.server, "overtaken")
	h, _ := f.clocked(t)
	ours, theirs := backendtest.NewSample(t, "ours", 1), backendtest.NewSample(t, "theirs", 1)
	dest := destination(t, h, f.ref("overtaken"), nil)
	backendtest.Push(t, dest, ours)
	f.add(t, &fault{method: "PUT", path: tagPath, act: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), req)
		past := &server{addr: strings.TrimPrefix(f.base, "http://")}
		other := destination(t, past.hosts(t), past.addr+"/overtaken:cache", nil)
		cur := backendtest.Read(t, other)
		backendtest.Publish(t, other, theirs, cur.Root)
		reset(w)
	}})
	if _, err := dest.Publish(t.Context(), ours.Cache, root); err == nil {
		t.Error("the publication that was overtaken counts as done")
	}
	f.whole(t, "overtaken", theirs)
}

func TestAFailingPublicationLeavesTheOldCache(t *testing.T) {
	for name, place := range map[string]struct{ method, path string }{
		"config": {"POST", uploadPath}, "manifest": {"PUT", rootPath}, "read back": {"GET", rootPath}, "tag": {"PUT", tagPath},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFaults(t)
			old, root := published(t, f.server, "kept")
			h, _ := f.clocked(t)
			next := backendtest.NewSample(t, "next", 2)
			dest := destination(t, h, f.ref("kept"), nil)
			backendtest.Push(t, dest, next)
			f.add(t, &fault{method: place.method, path: place.path, times: 1000, act: answer(500, nil, "")})
			if _, err := dest.Publish(t.Context(), next.Cache, root); err == nil {
				t.Error("the publication succeeded")
			}
			f.whole(t, "kept", old)
		})
	}
}
