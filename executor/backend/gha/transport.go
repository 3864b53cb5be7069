package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
)

// replyLimit is how much of an answer is read.
const replyLimit = 64 << 10

// peer is what errors call whoever answers.
const peer = "the cache service"

// client sends requests to one place: again where that may help, and not at all while the place has asked for time. That pause is shared by
// all steps of a run.
type client struct {
	http *http.Client
	// budget is how long one request waits to be sent again, in all.
	budget time.Duration
	idle   time.Duration
	sleep  func(context.Context, time.Duration) error

	pause wire.Pause
}

func (s *Services) newClient(budget time.Duration) *client {
	return &client{http: &http.Client{Transport: s.opt.Transport, CheckRedirect: wire.Redirects(peer)}, budget: budget, idle: s.standstill, sleep: s.sleep}
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
		if err := c.pause.Wait(ctx, time.Now, c.sleep); err != nil {
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
	watch := time.AfterFunc(c.idle, func() { cancel(wire.ErrIdle) })
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
		err = wire.WithoutURL(wire.Idle(ctx, err))
		cancel(nil)
		return nil, err
	}
	watch.Stop()
	resp.Body = wire.Received(ctx, cancel, resp.Body, c.idle)
	return resp, nil
}

// again decides whether to try once more, and after what time.
func (c *client) again(err error, attempt int) (time.Duration, bool) {
	pause := wire.Backoff(attempt)
	var refused *StatusError
	if !errors.As(err, &refused) {
		return pause, wire.Temporary(err) && attempt < wire.Attempts
	}
	if refused.after > 0 {
		if refused.after <= c.budget {
			c.pause.Extend(time.Now().Add(refused.after))
		}
		pause = refused.after
	}
	if refused.Busy {
		return pause, true
	}
	return pause, refused.mayPass() && attempt < wire.Attempts
}

// watched is what is sent. It moves the moment at which a transfer counts as standing still. How slow the other end of the reader is does not count.
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

// reply reads a small answer and closes it.
func reply(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close() //nolint:errcheck // read side
	raw, err := io.ReadAll(io.LimitReader(resp.Body, replyLimit+1))
	if err == nil && len(raw) > replyLimit {
		err = fmt.Errorf("the cache service answers with more than %d bytes", replyLimit)
	}
	return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), err
}
