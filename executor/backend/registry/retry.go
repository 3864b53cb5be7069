package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
)

const (
	// longestAfter is the longest Retry-After that is waited for; a registry that asks for more has a quota, not a burst.
	longestAfter = 2 * time.Minute
	// waitBudget is how long one request waits in all.
	waitBudget = 5 * time.Minute
	// peekLimit is how much of a refusal's body is read to tell what it means.
	peekLimit = 4 << 10
)

// onceKey marks requests that must not be sent again as they are: a body for an upload session that a failure may have changed.
type onceKey struct{}

// withoutRetry returns a context whose requests are sent once.
func withoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, true)
}

// Once returns a context whose requests are sent once: for looking at things that may as well not be there.
func Once(ctx context.Context) context.Context { return withoutRetry(ctx) }

// retriesKey finds the counter of a request's retries.
type retriesKey struct{}

// withRetries returns a context that counts how often a request with it is sent again.
func withRetries(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, retriesKey{}, n), n
}

// retries is how often the request of a context was sent again.
func retries(ctx context.Context) int64 {
	if n, ok := ctx.Value(retriesKey{}).(*atomic.Int64); ok {
		return n.Load()
	}
	return 0
}

// retrier sends requests again after failures that may pass. Its pause is shared: when a registry asks for time, nobody asks it anything.
type retrier struct {
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
	pause *wire.Pause
	// restarts says that the host may be down for a moment: a registry that one run serves and the next takes over.
	restarts bool
	// notice is told of waits; nil for nobody.
	notice *notice
}

// longWait is from when on it is told that a host is waited for.
const longWait = time.Second

// noticeEvery is the least time between two notices about a host: many requests wait at once.
const noticeEvery = 5 * time.Second

// notice logs that a host is waited for.
type notice struct {
	log  *slog.Logger
	host string
	mu   sync.Mutex
	last time.Time
}

// wait tells that a request is sent again after a time, and why; err is nil after an answer.
func (n *notice) wait(resp *http.Response, err error, after time.Duration, now time.Time) {
	if n == nil || n.log == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.last) < noticeEvery {
		return
	}
	n.last = now
	reason := slog.Any("error", err)
	if err == nil {
		reason = slog.String("answer", resp.Status)
	}
	n.log.Warn("registry does not answer as it should; trying again", "host", n.host, reason, "after", after.Round(100*time.Millisecond).String())
}

// passes tells whether a connection's failure may pass.
func (r retrier) passes(err error) bool {
	return wire.Temporary(err) || (r.restarts && errors.Is(err, syscall.ECONNREFUSED))
}

func newRetrier() retrier {
	return retrier{sleep: wire.Sleep, now: time.Now, pause: &wire.Pause{}}
}

// do sends req with once until it succeeds, fails for good, or has been tried often enough.
func (r retrier) do(req *http.Request, once func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if req.GetBody != nil && req.Body != nil {
		defer req.Body.Close() //nolint:errcheck // every attempt has its own
	}
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		if err := r.pause.Wait(req.Context(), r.now, r.sleep); err != nil {
			return nil, err
		}
		out, err := fresh(req)
		if err != nil {
			return nil, err
		}
		resp, err := once(out)
		wait, again := r.again(req, resp, err, attempt)
		if waited += wait; !again || waited > waitBudget {
			return resp, err
		}
		if waited >= longWait {
			r.notice.wait(resp, err, wait, r.now())
		}
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, errorBodyLimit)
			_ = resp.Body.Close()
		}
		if err := r.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if n, ok := req.Context().Value(retriesKey{}).(*atomic.Int64); ok {
			n.Add(1)
		}
	}
}

// fresh is the request with a body that nobody has read from.
func fresh(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil || req.Body == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	out := req.WithContext(req.Context())
	out.Body = body
	return out, nil
}

// again decides whether to try once more, and after what time.
func (r retrier) again(req *http.Request, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if req.Context().Err() != nil {
		return 0, false
	}
	if err != nil {
		return wire.Backoff(attempt), r.passes(err) && r.may(req, attempt)
	}
	limited, quota := rateLimited(resp)
	if !temporary(resp.StatusCode) && !limited {
		return 0, false
	}
	wait := wire.Backoff(attempt)
	if after, ok := wire.RetryAfter(resp.Header, r.now()); ok {
		if after > longestAfter {
			return 0, false
		}
		r.pause.Extend(r.now().Add(after))
		wait = after + rand.N(wire.Herd) //nolint:gosec // jitter
	}
	if quota && attempt > 1 {
		return 0, false // asking more makes it worse
	}
	return wait, r.may(req, attempt)
}

// may tells whether a request can be sent once more at all.
func (r retrier) may(req *http.Request, attempt int) bool {
	noRewind := req.Body != nil && req.Body != http.NoBody && req.GetBody == nil
	return attempt < wire.Attempts && req.Context().Value(onceKey{}) == nil && !noRewind
}

// rateLimited reads the start of a refusal's body, which it leaves in place: some registries say "forbidden" and mean "too often", and a
// pull quota is not a burst.
func rateLimited(resp *http.Response) (limited, quota bool) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusForbidden {
		return false, false
	}
	head, _ := io.ReadAll(io.LimitReader(resp.Body, peekLimit))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	quota = bytes.Contains(bytes.ToLower(head), []byte("pull rate limit"))
	return resp.StatusCode == http.StatusTooManyRequests || saysRateLimit(head), quota
}

func saysRateLimit(body []byte) bool {
	return bytes.Contains(bytes.ToLower(body[:min(len(body), peekLimit)]), []byte("rate limit"))
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
