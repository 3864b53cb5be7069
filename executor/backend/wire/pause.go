package wire

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// Attempts is how often a request is sent whose failures may pass.
	Attempts = 6
	// FirstPause doubles with each attempt up to longestPause; half of it is chance.
	FirstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// Herd spreads those who wait for the same moment.
	Herd = 250 * time.Millisecond
)

// Backoff is how long to wait after an attempt, counted from 1, that failed.
func Backoff(attempt int) time.Duration {
	d := min(FirstPause<<min(attempt-1, 10), longestPause)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter
}

// Sleep waits for d. If ctx ends before, it returns the cause.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Pause is the time that a server has asked for, which all its clients keep. The zero value asks for none.
type Pause struct {
	mu    sync.Mutex
	until time.Time
}

// Extend makes the pause last until a time at least.
func (p *Pause) Extend(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}

// Wait waits with sleep until the pause is over by the clock. If ctx ends before, it returns the cause.
func (p *Pause) Wait(ctx context.Context, clock func() time.Time, sleep func(context.Context, time.Duration) error) error {
	for {
		p.mu.Lock()
		left := p.until.Sub(clock())
		p.mu.Unlock()
		if left <= 0 {
			return context.Cause(ctx)
		}
		if err := sleep(ctx, left+rand.N(Herd)); err != nil { //nolint:gosec // jitter
			return err
		}
	}
}
