package registry

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// host is the connection to one registry. As a RoundTripper it is the bottom of every request to it: it counts, limits and retries, so
// that all steps of a run share one budget and one pause.
type host struct {
	base     http.RoundTripper
	reads    *semaphore.Weighted
	writes   *semaphore.Weighted
	rate     *rate.Limiter
	retry    retrier
	requests atomic.Int64

	login sync.Mutex
	mu    sync.Mutex
	// challenge is how the host wants to be logged in to, nil until it was asked; tokens are the transports by scope.
	challenge *transport.Challenge
	tokens    map[string]http.RoundTripper
	// repositories are the views of repositories that a run shares.
	repositories map[string]*repository
}

func newHost(base http.RoundTripper, concurrency int, perSecond float64) *host {
	h := &host{
		base: base, tokens: map[string]http.RoundTripper{}, retry: newRetrier(),
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
	return h.base.RoundTrip(req)
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
