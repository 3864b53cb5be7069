package registry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// host is the connection to one registry. As a RoundTripper it is the bottom of every request to it: it counts, limits and retries, so
// that all steps of a run share one budget and one pause.
type host struct {
	// reg is the registry's address.
	reg      name.Registry
	schemes  schemes
	base     http.RoundTripper
	reads    *semaphore.Weighted
	writes   *semaphore.Weighted
	rate     *rate.Limiter
	retry    retrier
	idle     time.Duration
	requests atomic.Int64
	// turns is the directory in which processes of this machine agree who moves a tag, "" for none.
	turns string

	// login is held, by sending into it, while the host is asked how it wants to be spoken to.
	login chan struct{}
	mu    sync.Mutex
	// challenge is how the host wants to be logged in to, nil until it was asked; tokens are the transports by scope.
	challenge *transport.Challenge
	tokens    map[string]http.RoundTripper
	// repositories are the views of repositories that a run shares.
	repositories map[string]*repository
}

func newHost(reg name.Registry, s schemes, base http.RoundTripper, concurrency int, perSecond float64) *host {
	h := &host{
		reg: reg, schemes: s, base: base, retry: newRetrier(), idle: wire.IdleTimeout,
		login: make(chan struct{}, 1), tokens: map[string]http.RoundTripper{}, repositories: map[string]*repository{},
		// Apart, so that a copy inside one registry, which reads while it writes, cannot wait for itself.
		reads: semaphore.NewWeighted(int64(concurrency)), writes: semaphore.NewWeighted(int64(concurrency)),
	}
	if perSecond > 0 {
		h.rate = rate.NewLimiter(rate.Limit(perSecond), 1)
	}
	return h
}

// RoundTrip sends a request, again if that may help. The slot it takes is given back when the response's body is closed.
func (h *host) RoundTrip(req *http.Request) (*http.Response, error) {
	slots := h.reads
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		slots = h.writes
	}
	if err := slots.Acquire(req.Context(), 1); err != nil {
		return nil, context.Cause(req.Context())
	}
	resp, err := h.retry.do(req, h.once)
	if err != nil {
		slots.Release(1)
		return nil, err
	}
	resp.Body = &slotBody{ReadCloser: resp.Body, release: func() { slots.Release(1) }}
	return resp, nil
}

// once sends a request one time.
func (h *host) once(req *http.Request) (*http.Response, error) {
	if h.rate != nil {
		if err := h.rate.Wait(req.Context()); err != nil {
			return nil, err
		}
	}
	h.requests.Add(1)
	ctx, cancel := context.WithCancelCause(req.Context())
	watch := &watch{after: h.idle, expire: func() { cancel(wire.ErrIdle) }}
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sentBody{ReadCloser: req.Body, watch: watch}
	}
	resp, err := h.base.RoundTrip(req)
	watch.stop()
	if err != nil {
		err = wire.Idle(ctx, err)
		cancel(nil)
		return nil, err
	}
	if err := notRegistry(h.reg.RegistryStr(), req, resp); err != nil {
		_ = resp.Body.Close()
		cancel(nil)
		return nil, err
	}
	resp.Body = wire.Received(ctx, cancel, resp.Body, h.idle)
	return resp, nil
}

// notRegistry notices proxies and login pages that answer everything with a web page.
func notRegistry(addr string, req *http.Request, resp *http.Response) error {
	reading := req.Method == http.MethodGet || req.Method == http.MethodHead
	if reading && req.URL.Host == addr && resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return &NotRegistryError{Host: addr}
	}
	return nil
}

// NotRegistryError says that something other than a registry answers at an address.
type NotRegistryError struct{ Host string }

func (e *NotRegistryError) Error() string {
	return e.Host + " answers with a web page: this is not a registry, or something on the way to it wants a login"
}

// slotBody gives a slot back when the body is closed.
type slotBody struct {
	io.ReadCloser
	once    sync.Once
	release func()
}

func (b *slotBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.release)
	return err
}

// watch expires when it runs for too long without being stopped.
type watch struct {
	after  time.Duration
	expire func()
	mu     sync.Mutex
	timer  *time.Timer
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(w.after, w.expire)
		return
	}
	w.timer.Reset(w.after)
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// sentBody watches the time between two reads, in which the connection takes what was read. How slow its source is does not count.
type sentBody struct {
	io.ReadCloser
	watch *watch
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.watch.stop()
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		b.watch.start()
	}
	return n, err
}

func (b *sentBody) Close() error {
	b.watch.stop()
	return b.ReadCloser.Close()
}
