package bucket

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
)

const (
	// resumes is how often a read that breaks off without having brought anything is carried on, resumesInAll how often one is at all.
	resumes      = 4
	resumesInAll = 100
	// firstPause is waited before the first attempt to carry on, on average; each further one waits twice as long.
	firstPause = 200 * time.Millisecond
)

// now is the clock.
var now = time.Now

// resumable reads an object and, when the connection breaks, opens it again at the byte that is next.
type resumable struct {
	ctx    context.Context
	body   io.ReadCloser
	open   func(from int64) (io.ReadCloser, error)
	at     int64
	size   int64
	failed int
	total  int
}

func (r *resumable) Read(p []byte) (int, error) {
	for {
		n, err := r.body.Read(p)
		if r.at += int64(n); n > 0 {
			r.failed = 0
		}
		if err == nil || r.at >= r.size {
			return n, err
		}
		if cause := context.Cause(r.ctx); cause != nil {
			return n, cause
		}
		if err := r.again(err); err != nil || n > 0 {
			return n, err
		}
	}
}

// again opens the object where it broke off.
func (r *resumable) again(broke error) error {
	_ = r.body.Close()
	r.body = io.NopCloser(ended{})
	for {
		if r.failed, r.total = r.failed+1, r.total+1; r.failed > resumes || r.total > resumesInAll {
			return fmt.Errorf("broke off at byte %d of %d: %w: %w", r.at, r.size, broke, blob.ErrIntegrity)
		}
		if err := pause(r.ctx, firstPause<<(r.failed-1)); err != nil {
			return err
		}
		body, err := r.open(r.at)
		if err == nil {
			r.body = body
			return nil
		}
		if cause := context.Cause(r.ctx); cause != nil {
			return cause
		}
		broke = err
	}
}

// Close closes what is open.
func (r *resumable) Close() error { return r.body.Close() }

// ended is a body that gives nothing more.
type ended struct{}

func (ended) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// pause waits for about d, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error { return wire.Sleep(ctx, d/2+rand.N(d)) }
