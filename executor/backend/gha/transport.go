package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
)

const (
	// attempts is how often a request is sent that fails for another reason than being one too many.
	attempts = 6
	// firstPause doubles with each attempt up to longestPause; half of it is chance.
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// idleTimeout is how long a transfer may stand still. There is no limit on how long one takes.
	idleTimeout = time.Minute
	// replyLimit is how much of an answer is read.
	replyLimit   = 64 << 10
	maxRedirects = 5
)

// errIdle says that a transfer stood still. It may pass.
var errIdle = errors.New("no byte was moved for too long")

// client sends requests to one place: again where that may help, and not at all while the place has asked for time. That pause is shared by
// all steps of a run.
type client struct {
	http *http.Client
	// budget is how long one request waits to be sent again, in all.
	budget time.Duration
	idle   time.Duration
	sleep  func(context.Context, time.Duration) error

	mu    sync.Mutex
	until time.Time
}

func (s *Services) newClient(budget time.Duration) *client {
	return &client{http: &http.Client{Transport: s.opt.Transport, CheckRedirect: checkRedirect}, budget: budget, idle: s.standstill, sleep: s.sleep}
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

// request is what is sent, in a form that can be sent again.
type request struct {
	method, url string
	header      http.Header
	// body opens the body, size bytes of it; nil for none.
	body func() io.Reader
	size int64
}

// do sends a request. The response has status 2xx; the caller closes its body. Any other answer is a *StatusError.
func (c *client) do(ctx context.Context, r request) (*http.Response, error) {
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		if err := c.wait(ctx); err != nil {
			return nil, err
		}
		resp, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		pause, again := c.again(err, attempt)
		if waited += pause; !again || waited > c.budget {
			if attempt > 1 {
				err = fmt.Errorf("%w (%d attempts)", err, attempt)
			}
			return nil, err
		}
		if err := c.sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// once sends a request one time.
func (c *client) once(ctx context.Context, r request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(c.idle, func() { cancel(errIdle) })
	var body io.Reader
	if r.body != nil {
		body = &watched{Reader: r.body(), timer: watch, after: c.idle}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		watch.Stop()
		cancel(nil)
		return nil, errAddress
	}
	if r.body != nil {
		req.ContentLength = r.size
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(r.body()), nil }
	}
	// So that net/http repeats it when an idle connection turns out to be closed; the header itself is not sent.
	req.Header["Idempotency-Key"] = nil
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "cachectl")
	resp, err := c.http.Do(req)
	if err == nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		err = refusal(resp)
	}
	if err != nil {
		watch.Stop()
		if errors.Is(context.Cause(ctx), errIdle) {
			err = errIdle
		}
		cancel(nil)
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address can carry a signature
		}
		return nil, err
	}
	watch.Stop()
	resp.Body = &received{watched{Reader: resp.Body, timer: watch, after: c.idle}, resp.Body, ctx, cancel}
	return resp, nil
}

// again decides whether to try once more, and after what time.
func (c *client) again(err error, attempt int) (time.Duration, bool) {
	pause := min(firstPause<<min(attempt-1, 10), longestPause)
	pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // jitter
	var refused *StatusError
	if !errors.As(err, &refused) {
		return pause, temporary(err) && attempt < attempts
	}
	if refused.after > 0 {
		c.mu.Lock()
		if until := time.Now().Add(refused.after); refused.after <= c.budget && until.After(c.until) {
			c.until = until
		}
		c.mu.Unlock()
		pause = refused.after
	}
	if refused.Busy {
		return pause, true
	}
	return pause, refused.mayPass() && attempt < attempts
}

// wait waits while the place has asked for time.
func (c *client) wait(ctx context.Context) error {
	for {
		c.mu.Lock()
		left := time.Until(c.until)
		c.mu.Unlock()
		if left <= 0 {
			return context.Cause(ctx)
		}
		// Spread those who wait for the same moment.
		if err := c.sleep(ctx, left+rand.N(250*time.Millisecond)); err != nil { //nolint:gosec // jitter
			return err
		}
	}
}

// temporary tells whether a connection's failure may pass.
func temporary(err error) bool { return errors.Is(err, errIdle) || backend.Temporary(err) }

// watched moves the moment at which a transfer counts as standing still. How slow the other end of the reader is does not count.
type watched struct {
	io.Reader
	timer *time.Timer
	after time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.after)
	n, err := w.Reader.Read(p)
	w.timer.Reset(w.after)
	return n, err
}

// received is a response's body. Between two reads nothing runs: its reader may be slow.
type received struct {
	watched
	body   io.Closer
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (r *received) Read(p []byte) (int, error) {
	n, err := r.watched.Read(p)
	r.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(r.ctx), errIdle) {
		err = errIdle
	}
	return n, err
}

func (r *received) Close() error {
	r.timer.Stop()
	err := r.body.Close()
	r.cancel(nil)
	return err
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return checkHop(via[len(via)-1].URL, req.URL)
}

// checkHop tells whether the service may send us from one address to another: never to one without TLS from one with it, and not to places that
// only this machine can reach, unless the service is such a place itself.
func checkHop(from, to *url.URL) error {
	if to.Scheme != "http" && to.Scheme != "https" {
		return fmt.Errorf("the cache service sends us to a %q address", to.Scheme)
	}
	if from.Scheme == "https" && to.Scheme == "http" {
		return fmt.Errorf("the cache service sends us from https to http at %s", to.Host)
	}
	if local(to) && !local(from) {
		return fmt.Errorf("the cache service sends us to %s, which only this machine can reach", to.Host)
	}
	return nil
}

// local tells whether an address leads to this machine or to what only it can reach.
func local(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast())
}

// reply reads a small answer and closes it.
func reply(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close() //nolint:errcheck // read side
	raw, err := io.ReadAll(io.LimitReader(resp.Body, replyLimit+1))
	if err == nil && len(raw) > replyLimit {
		err = fmt.Errorf("the cache service answers with more than %d bytes", replyLimit)
	}
	return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), err
}

// retryAfter reads the header in both of its forms (RFC 9110, 10.2.3).
func retryAfter(v string) time.Duration {
	if s, err := strconv.ParseInt(v, 10, 32); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}
