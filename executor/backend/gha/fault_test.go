package gha_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	actionscache "github.com/tonistiigi/go-actions-cache"
)

// entryVersion is the version of BuildKit's entries.
var entryVersion = digest.FromString("|go-actionscache-1.0").Encoded()

func describe(raw []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
}

func opener(raw []byte) blob.Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

func fetch(t testing.TB, from blob.Fetcher, desc ocispec.Descriptor) ([]byte, error) {
	t.Helper()
	rc, err := from.Fetch(t.Context(), desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// faults is a transport that may answer or spoil a request before or after it is sent.
type faults struct {
	mu     sync.Mutex
	before func(*http.Request) *http.Response
	after  func(*http.Request, *http.Response) (*http.Response, error)
	n      int
	base   http.Transport
}

func (f *faults) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before != nil {
		if resp := f.before(r); resp != nil {
			f.n++
			if r.Body != nil {
				_ = r.Body.Close()
			}
			resp.Request = r
			return resp, nil
		}
	}
	resp, err := f.base.RoundTrip(r)
	if err == nil && f.after != nil {
		return f.after(r, resp)
	}
	return resp, err
}

// faulty are services behind faults, which wait for nothing.
func faulty(t testing.TB, f *faults, waited func(time.Duration)) *gha.Services {
	t.Helper()
	t.Cleanup(f.base.CloseIdleConnections)
	s := services(t, gha.Options{Transport: f, TempDir: t.TempDir()})
	s.Hurry(waited)
	return s
}

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// both runs a test on both versions of the service.
func both(t *testing.T, test func(t *testing.T, c *testenv.ActionsCache)) {
	t.Run("version 1", func(t *testing.T) { test(t, testenv.StartActionsV1(t)) })
	t.Run("version 2", func(t *testing.T) { test(t, &testenv.StartActionsV2(t).ActionsCache) })
}

// TestEveryRequestSurvivesARefusal has the first attempt of each kind of request refused in a way that passes.
func TestEveryRequestSurvivesARefusal(t *testing.T) {
	refusals := map[string]func() *http.Response{
		"429 without a time": func() *http.Response { return answer(429, "\xef\xbb\xbf{\"message\":\"slow down\"}") },
		"503":                func() *http.Response { return answer(503, "<html>busy</html>") },
		"500":                func() *http.Response { return answer(500, "") },
	}
	both(t, func(t *testing.T, c *testenv.ActionsCache) {
		for name, refuse := range refusals {
			t.Run(name, func(t *testing.T) {
				seen := map[string]bool{}
				f := &faults{before: func(r *http.Request) *http.Response {
					kind := r.Method + " " + strings.TrimRight(r.URL.Path, "0123456789") + r.URL.Query().Get("comp")
					if seen[kind] {
						return nil
					}
					seen[kind] = true
					return refuse()
				}}
				dest := destination(t, faulty(t, f, nil), c.Attrs(map[string]string{"scope": name}))
				s := backendtest.NewSample(t, name+t.Name(), 2)
				backendtest.Publish(t, dest, s, ocispec.Descriptor{})
				if cur := backendtest.Read(t, dest); !cur.Cache.Covers(s.Cache) {
					t.Error("what was published is not there")
				}
				if len(seen) < 4 {
					t.Errorf("only %d kinds of requests were sent", len(seen))
				}
			})
		}
	})
}

// TestRetryAfterIsKeptByAll has the service ask for a second once, in the middle of many requests.
func TestRetryAfterIsKeptByAll(t *testing.T) {
	c := testenv.StartActionsV2(t)
	s := backendtest.NewSample(t, "busy", 40)
	backendtest.Publish(t, destination(t, services(t, gha.Options{}), c.Attrs(nil)), s, ocispec.Descriptor{})
	var until time.Time
	early := 0
	f := &faults{}
	f.before = func(r *http.Request) *http.Response {
		if !strings.Contains(r.URL.Path, "/twirp/") {
			return nil
		}
		switch n := f.n; {
		case n == 0 && until.IsZero():
			until = time.Now().Add(time.Second)
			return answer(429, "{}", "Retry-After", "1")
		case time.Now().Before(until.Add(-50 * time.Millisecond)):
			early++
		}
		return nil
	}
	src := source(t, faulty(t, f, nil), c.Attrs(nil))
	cur := backendtest.Read(t, src)
	if lost, err := src.Missing(t.Context(), cur); err != nil || len(lost) > 0 {
		t.Errorf("%v, %v", lost, err)
	}
	if early > 0 {
		t.Errorf("%d requests were sent before the service wanted one", early)
	}
}

// TestAServiceThatStaysBusyIsGivenUp ends within the time that the cache allows.
func TestAServiceThatStaysBusyIsGivenUp(t *testing.T) {
	both(t, func(t *testing.T, c *testenv.ActionsCache) {
		var waited time.Duration
		f := &faults{before: func(*http.Request) *http.Response { return answer(429, "", "Retry-After", "0") }}
		src := source(t, faulty(t, f, func(d time.Duration) { waited += d }), c.Attrs(map[string]string{"timeout": "20s"}))
		_, err := src.Read(t.Context())
		var refused *gha.StatusError
		if !errors.As(err, &refused) || refused.Status != 429 || !strings.Contains(err.Error(), "attempts") {
			t.Errorf("got %v, want the refusal and how often it was tried", err)
		}
		if waited > 25*time.Second {
			t.Errorf("%s were waited", waited)
		}
		f.before = func(*http.Request) *http.Response { return answer(429, "", "Retry-After", "3600") }
		if _, err := src.Read(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "1h0m0s") {
			t.Errorf("got %v, want the time the service asks for", err)
		}
	})
}

// TestDownloadsCarryOn breaks a download off twice, where it must go on.
func TestDownloadsCarryOn(t *testing.T) {
	both(t, func(t *testing.T, c *testenv.ActionsCache) {
		raw := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		desc := describe(raw)
		if err := destination(t, services(t, gha.Options{}), c.Attrs(nil)).Push(t.Context(), desc, opener(raw)); err != nil {
			t.Fatal(err)
		}
		breaks := 0
		f := &faults{after: func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if r.Method == http.MethodGet && resp.ContentLength > 1000 && breaks < 2 {
				breaks++
				resp.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(resp.Body, 300_000), failing{syscall.ECONNRESET}), resp.Body}
			}
			return resp, nil
		}}
		got, err := fetch(t, destination(t, faulty(t, f, nil), c.Attrs(nil)), desc)
		if err != nil || !bytes.Equal(got, raw) || breaks != 2 {
			t.Errorf("%d of %d bytes after %d breaks: %v", len(got), len(raw), breaks, err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestATransferThatStandsStillEnds cuts a body that does not come.
func TestATransferThatStandsStillEnds(t *testing.T) {
	c := testenv.StartActionsV2(t)
	raw := bytes.Repeat([]byte("x"), 100_000)
	desc := describe(raw)
	if err := destination(t, services(t, gha.Options{}), c.Attrs(nil)).Push(t.Context(), desc, opener(raw)); err != nil {
		t.Fatal(err)
	}
	stalls := 0
	f := &faults{after: func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if r.Method == http.MethodGet && resp.ContentLength > 1000 && stalls < 1 {
			stalls++
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(resp.Body, 1000), standing{r.Context()}), resp.Body}
		}
		return resp, nil
	}}
	s := faulty(t, f, nil)
	s.Standstill(100 * time.Millisecond)
	if got, err := fetch(t, destination(t, s, c.Attrs(nil)), desc); err != nil || !bytes.Equal(got, raw) || stalls != 1 {
		t.Errorf("%d bytes: %v", len(got), err)
	}
}

type standing struct{ ctx context.Context }

func (s standing) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// TestALostAnswerToACommitIsNoFailure commits, and loses the answer.
func TestALostAnswerToACommitIsNoFailure(t *testing.T) {
	c := testenv.StartActionsV2(t)
	lost := 0
	f := &faults{after: func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "FinalizeCacheEntryUpload") && lost == 0 {
			lost++
			_ = resp.Body.Close()
			return nil, syscall.ECONNRESET
		}
		return resp, nil
	}}
	raw := []byte("a layer")
	if err := destination(t, faulty(t, f, nil), c.Attrs(nil)).Push(t.Context(), describe(raw), opener(raw)); err != nil || lost != 1 {
		t.Errorf("%d answers were lost: %v", lost, err)
	}
}

// TestALayerThatSomebodyElseUploadsIsWaitedFor and not taken for one that is there.
func TestALayerThatSomebodyElseUploadsIsWaitedFor(t *testing.T) {
	c := testenv.StartActionsV2(t)
	raw := []byte("theirs")
	c.Reserve("refs/heads/main", blobKey(describe(raw).Digest), entryVersion)
	dest := destination(t, faulty(t, &faults{}, nil), c.Attrs(nil))
	err := dest.Push(t.Context(), describe(raw), opener(raw))
	if err == nil || !strings.Contains(err.Error(), blobKey(describe(raw).Digest)) || !strings.Contains(err.Error(), "reserved by another job") {
		t.Errorf("a layer that never came: %v", err)
	}
	if has, err := dest.Has(t.Context(), describe(raw)); has || err != nil {
		t.Errorf("it is said to be there: %v", err)
	}

	late := []byte("late")
	c.SetLag(1500 * time.Millisecond)
	if err := c.Client(t).Save(t.Context(), blobKey(describe(late).Digest), actionscache.NewBlob(late)); err != nil {
		t.Fatal(err)
	}
	slow := destination(t, services(t, gha.Options{}), c.Attrs(nil))
	if err := slow.Push(t.Context(), describe(late), opener(late)); err != nil {
		t.Errorf("a layer that came late: %v", err)
	}
	if n := c.Calls("FinalizeCacheEntryUpload"); n != 1 {
		t.Errorf("it was uploaded %d times", n)
	}
}

// TestANumberLeftBehindIsLeftOut publishes after a job that was killed in the middle of its own publication.
func TestANumberLeftBehindIsLeftOut(t *testing.T) {
	c := testenv.StartActionsV2(t)
	a, b := backendtest.NewSample(t, "a", 1), backendtest.NewSample(t, "b", 1)
	var waited time.Duration
	s := faulty(t, &faults{}, func(d time.Duration) { waited += d })
	dest := destination(t, s, c.Attrs(nil))
	root := backendtest.Publish(t, dest, a, ocispec.Descriptor{})
	for n := 2; n < 5; n++ {
		c.Reserve("refs/heads/main", indexKey("buildkit", "refs/heads/main", n), entryVersion)
	}
	backendtest.Publish(t, dest, b, root)
	if cur := backendtest.Read(t, destination(t, services(t, gha.Options{}), c.Attrs(nil))); !cur.Cache.Covers(b.Cache) {
		t.Error("what was published is not found")
	}
	if c.Entry(t, indexKey("buildkit", "refs/heads/main", 5)) == nil {
		t.Error("the config is not where BuildKit would have it")
	}
	if waited < 15*time.Second || waited > 20*time.Second {
		t.Errorf("%s were waited for the job, BuildKit waits 15s", waited)
	}
}

// TestAServiceThatShowsEntriesLate is version 2 as it is: not consistent at once.
func TestAServiceThatShowsEntriesLate(t *testing.T) {
	c := testenv.StartActionsV2(t)
	c.SetLag(700 * time.Millisecond)
	s := services(t, gha.Options{})
	dest := destination(t, s, c.Attrs(nil))
	a, b := backendtest.NewSample(t, "a", 2), backendtest.NewSample(t, "b", 2)
	root := backendtest.Publish(t, dest, a, ocispec.Descriptor{})
	root = backendtest.Publish(t, dest, b, root)
	if cur := backendtest.Read(t, dest); cur.Root.Digest != root.Digest || !cur.Cache.Covers(b.Cache) {
		t.Error("the newest config is not what was published last")
	}
}

// TestTwoWhoTakeOneNumberNotice is what a server needs that lets a key be saved twice.
func TestTwoWhoTakeOneNumberNotice(t *testing.T) {
	c := testenv.StartActionsV1(t)
	a, b := backendtest.NewSample(t, "a", 1), backendtest.NewSample(t, "b", 1)
	cut := false
	f := &faults{}
	f.before = func(r *http.Request) *http.Response {
		if r.Method == http.MethodPatch && !cut {
			cut = true
			// This server finds the newest by the second it was reserved in.
			time.Sleep(1100 * time.Millisecond)
			if err := c.Client(t).Save(t.Context(), indexKey("s", "refs/heads/main", 1), actionscache.NewBlob(encode(t, b.Cache))); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	dest := destination(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": "s"}))
	backendtest.Push(t, dest, a)
	late := destination(t, faulty(t, f, nil), c.Attrs(map[string]string{"scope": "s"}))
	if _, err := late.Publish(t.Context(), a.Cache, ocispec.Descriptor{}); !errors.Is(err, backend.ErrConflict) || !cut {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

// TestWhoIsPassedUnseenNoticesWhenItSettles has somebody else fill the same number after everything seemed to be done.
func TestWhoIsPassedUnseenNoticesWhenItSettles(t *testing.T) {
	c := testenv.StartActionsV1(t)
	a, b := backendtest.NewSample(t, "a", 1), backendtest.NewSample(t, "b", 1)
	s := services(t, gha.Options{})
	dest := destination(t, s, c.Attrs(nil))
	root := backendtest.Publish(t, dest, a, ocispec.Descriptor{})
	if err := dest.Settle(t.Context(), root); err != nil {
		t.Errorf("alone: %v", err)
	}
	if err := c.Client(t).Save(t.Context(), indexKey("buildkit", "refs/heads/main", 1), actionscache.NewBlob(encode(t, b.Cache))); err != nil {
		t.Fatal(err)
	}
	if err := dest.Settle(t.Context(), root); !errors.Is(err, backend.ErrConflict) {
		t.Errorf("passed unseen: %v, want ErrConflict", err)
	}
	// Where a key is taken once only, nobody waits.
	v2 := testenv.StartActionsV2(t)
	waited := false
	quick := faulty(t, &faults{}, func(time.Duration) { waited = true })
	sure := destination(t, quick, v2.Attrs(nil))
	if err := sure.Settle(t.Context(), backendtest.Publish(t, sure, a, ocispec.Descriptor{})); err != nil || waited {
		t.Errorf("version 2: waited %v, %v", waited, err)
	}
}

// TestRefusalsAreOfUse looks at what is said when nothing can be done.
func TestRefusalsAreOfUse(t *testing.T) {
	c := testenv.StartActionsV2(t)
	for name, tc := range map[string]struct {
		answer func() *http.Response
		is     error
		text   string
	}{
		"denied":    {func() *http.Response { return answer(401, `{"code":"unauthenticated","msg":"bad\u001b[2J token"}`) }, blob.ErrDenied, "bad[2J token"},
		"not there": {func() *http.Response { return answer(404, "nginx") }, nil, "something else than a cache service"},
		"html":      {func() *http.Response { return answer(200, "<html>please log in</html>") }, nil, "not JSON"},
		"huge":      {func() *http.Response { return answer(200, strings.Repeat(" ", 1<<20)) }, nil, "more than 65536 bytes"},
		"elsewhere": {func() *http.Response {
			return answer(200, `{"ok":true,"matched_key":"index-buildkit-1-x#1","signed_download_url":"file://storage/etc/passwd"}`)
		}, nil, `a "file" address`},
		"another key": {func() *http.Response {
			return answer(200, `{"ok":true,"matched_key":"index-other#1","signed_download_url":"http://127.0.0.1:1/x"}`)
		}, nil, "when asked for index-buildkit"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &faults{before: func(*http.Request) *http.Response { return tc.answer() }}
			cur, err := source(t, faulty(t, f, nil), c.Attrs(nil)).Read(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.text) || cur != nil {
				t.Fatalf("got %v, %v, want %q", cur, err, tc.text)
			}
			if errors.Is(err, blob.ErrNotFound) || (tc.is != nil && !errors.Is(err, tc.is)) {
				t.Errorf("%v is of the wrong kind", err)
			}
			if strings.Contains(err.Error(), c.Token) || strings.Contains(err.Error(), "sig=") {
				t.Errorf("a secret is in %v", err)
			}
		})
	}
	closed := c.Attrs(map[string]string{"url_v2": "http://127.0.0.1:1/secret-path/"})
	_, err := source(t, services(t, gha.Options{}), closed).Read(t.Context())
	if err == nil || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestAnAnswerThatIsNotOKHasAReason is how the service may refuse a key, too.
func TestAnAnswerThatIsNotOKHasAReason(t *testing.T) {
	c := testenv.StartActionsV2(t)
	for message, want := range map[string]string{"the repository is over its limit": "over its limit", "Cache already exists": "reserved by another job", "": "no reason"} {
		f := &faults{before: func(r *http.Request) *http.Response {
			if strings.HasSuffix(r.URL.Path, "/CreateCacheEntry") {
				return answer(200, fmt.Sprintf(`{"ok":false,"message":%q}`, message))
			}
			return nil
		}}
		raw := []byte("refused")
		err := destination(t, faulty(t, f, nil), c.Attrs(nil)).Push(t.Context(), describe(raw), opener(raw))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", message, err, want)
		}
	}
}

func noOptions() gha.Options { return gha.Options{} }

func refuse401(*http.Request) *http.Response {
	return answer(http.StatusUnauthorized, `{"message":"token is not valid"}`)
}

// meeting is a transport that holds uploads until enough of them are under way at once.
type meeting struct {
	base    http.Transport
	enough  int
	waiting chan struct{}
	met     chan struct{}
	once    sync.Once
}

func (m *meeting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut || r.Method == http.MethodPatch {
		m.waiting <- struct{}{}
		if len(m.waiting) >= m.enough {
			m.once.Do(func() { close(m.met) })
		}
		select {
		case <-m.met:
		case <-time.After(20 * time.Second):
			return nil, errors.New("the other uploads did not come")
		}
	}
	return m.base.RoundTrip(r)
}

// TestLayersAndTheirPartsGoAtOnce has eight uploads meet: of small layers, and of the parts of two large ones. BuildKit sends one layer at a time.
func TestLayersAndTheirPartsGoAtOnce(t *testing.T) {
	c := testenv.StartActionsV2(t)
	for name, tc := range map[string]struct{ layers, size int }{"layers": {8, 1000}, "parts": {2, 40 << 20}} {
		t.Run(name, func(t *testing.T) {
			m := &meeting{enough: 8, waiting: make(chan struct{}, 100), met: make(chan struct{})}
			t.Cleanup(m.base.CloseIdleConnections)
			dest := destination(t, services(t, gha.Options{Transport: m, TempDir: t.TempDir()}), c.Attrs(nil))
			var group sync.WaitGroup
			for i := range tc.layers {
				raw := bytes.Repeat([]byte{byte(i), byte(tc.size)}, tc.size/2)
				group.Go(func() {
					if err := dest.Push(t.Context(), describe(raw), opener(raw)); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		})
	}
}
