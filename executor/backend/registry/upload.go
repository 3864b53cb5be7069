package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"sync"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// uploads is how often an upload is started anew after failures of the connection.
	uploads = 5
	// sessions is how often one is started anew because the registry has lost or refused its session.
	sessions = 3
)

// Push uploads a blob in one request; see blob.Pusher. After a failure it looks whether the blob has arrived all the same, and starts
// anew if not.
func (r *repository) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	for attempt := 1; ; attempt++ {
		err := r.upload(ctx, desc, open)
		if err == nil {
			r.note(desc.Digest)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var source *sourceError
		if errors.As(err, &source) && !wire.Temporary(err) {
			return fmt.Errorf("read blob %s: %w", desc.Digest, source.err)
		}
		if has, herr := r.Has(ctx, desc); herr == nil && has {
			return nil
		}
		if attempt >= r.tries(err) {
			return fmt.Errorf("upload blob %s: %w (uploaded %d times)", desc.Digest, err, attempt)
		}
		if err := r.host.retry.sleep(ctx, wire.Backoff(attempt)); err != nil {
			return err
		}
	}
}

// tries is how often an upload that ends in err is worth trying.
func (r *repository) tries(err error) int {
	var status *StatusError
	if !errors.As(err, &status) {
		if r.host.retry.passes(err) {
			return uploads
		}
		return 1
	}
	switch {
	case status.Code == "DIGEST_INVALID":
		return 2 // the bytes may have been changed on the way
	case status.Status == http.StatusBadRequest || status.Status == http.StatusNotFound || status.Status == http.StatusMethodNotAllowed ||
		status.Status == http.StatusConflict || status.Status == http.StatusRequestedRangeNotSatisfiable:
		return sessions
	case temporary(status.Status) || status.RateLimited:
		return uploads
	}
	return 1
}

// start opens an upload session and returns where its bytes go.
func (r *repository) start(ctx context.Context) (*url.URL, error) {
	req, err := r.request(ctx, http.MethodPost, nil, "blobs", "uploads/")
	if err != nil {
		return nil, err
	}
	resp, err := r.do(req, actionPush)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	if err := check(resp, http.StatusAccepted); err != nil {
		return nil, err
	}
	return location(resp)
}

// cancel ends an upload that is not wanted. What the registry does not cancel it drops in time.
func (r *repository) cancel(ctx context.Context, at *url.URL) {
	req, err := http.NewRequestWithContext(withoutRetry(ctx), http.MethodDelete, at.String(), nil)
	if err != nil {
		return
	}
	if resp, err := r.do(req, actionPush); err == nil {
		_ = resp.Body.Close()
	}
}

// upload makes one attempt: POST, then PUT of the whole blob.
func (r *repository) upload(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	at, err := r.start(ctx)
	if err != nil {
		return err
	}
	q := at.Query()
	q.Set("digest", desc.Digest.String())
	at.RawQuery = q.Encode()
	body := func() (io.ReadCloser, error) { return &lazyBody{ctx: ctx, open: open}, nil }
	first, _ := body()
	req, err := http.NewRequestWithContext(withoutRetry(ctx), http.MethodPut, at.String(), first)
	if err != nil {
		return err
	}
	req.GetBody = body // for a token that has run out meanwhile
	if req.ContentLength = desc.Size; desc.Size == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := r.do(req, actionPush)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return check(resp, http.StatusCreated)
}

// lazyBody opens a blob at its first read, when the request has got its slot, so that no source waits open for one.
type lazyBody struct {
	ctx  context.Context
	open blob.Opener

	mu     sync.Mutex
	rc     io.ReadCloser
	closed bool
}

func (b *lazyBody) Read(p []byte) (int, error) {
	rc, err := b.source()
	if err != nil {
		return 0, &sourceError{err}
	}
	n, err := rc.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sourceError{err}
	}
	return n, err
}

func (b *lazyBody) source() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fs.ErrClosed
	}
	var err error
	if b.rc == nil {
		b.rc, err = b.open(b.ctx)
	}
	return b.rc, err
}

func (b *lazyBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.rc == nil {
		return nil
	}
	return b.rc.Close()
}

// sourceError is a failure of what is uploaded, not of the registry.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
