package registry

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	attempts = 6
	// firstPause doubles with each attempt up to longestPause; half of it is chance.
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// longestAfter is the longest Retry-After that is waited for; a registry that asks for more has a quota, not a burst.
	longestAfter = 2 * time.Minute
)

// onceKey marks requests that must not be sent again as they are: a body for an upload session that a failure may have changed.
type onceKey struct{}

// withoutRetry returns a context whose requests are sent once.
func withoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, true)
}

// retrier sends requests again after failures that may pass. Its pause is shared: when a registry asks for time, nobody asks it anything.
type retrier struct {
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
	pause *sharedPause
}

// sharedPause is the time before which nothing is sent.
type sharedPause struct {
	mu    sync.Mutex
	until time.Time
}

func newRetrier() retrier {
	return retrier{sleep: sleep, now: time.Now, pause: &sharedPause{}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// do sends req with once until it succeeds, fails for good, or has been tried often enough.
func (r retrier) do(req *http.Request, once func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		if err := r.waitShared(req.Context()); err != nil {
			return nil, err
		}
		resp, err := once(req)
		wait, again := r.again(req, resp, err, attempt)
		if !again {
			return resp, err
		}
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, errorBodyLimit)
			_ = resp.Body.Close()
		}
		if err := r.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// again decides whether to try once more, and after what time.
func (r retrier) again(req *http.Request, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if req.Context().Err() != nil {
		return 0, false
	}
	wait := r.backoff(attempt)
	if resp != nil {
		if after, ok := retryAfter(resp, r.now()); ok && temporary(resp.StatusCode) {
			if after > longestAfter {
				return 0, false
			}
			r.pause.set(r.now().Add(after))
			wait = after
		}
	}
	if attempt >= attempts || req.Context().Value(onceKey{}) != nil || (req.Body != nil && req.Body != http.NoBody && req.GetBody == nil) {
		return 0, false
	}
	if err != nil {
		return wait, temporaryError(err)
	}
	return wait, temporary(resp.StatusCode)
}

func (r retrier) backoff(attempt int) time.Duration {
	d := min(firstPause<<(attempt-1), longestPause)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter
}

// waitShared waits while the host has asked for time.
func (r retrier) waitShared(ctx context.Context) error {
	r.pause.mu.Lock()
	wait := r.pause.until.Sub(r.now())
	r.pause.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return r.sleep(ctx, wait)
}

func (p *sharedPause) set(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}

// temporary tells whether a status may pass.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, 499, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 522:
		return true
	}
	return false
}

// temporaryError tells whether a connection's failure may pass.
func temporaryError(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// retryAfter reads the header in both of its forms (RFC 9110, 10.2.3).
func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0), true
	}
	return 0, false
}
