package executor

import (
	"context"
	"sync"
)

// flights lets one goroutine do a piece of work that several want done at the same moment; the others wait and then look for themselves
// whether it is still needed. Unlike a cache it forgets: a failure is not handed to those who waited.
type flights struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

func newFlights() *flights {
	return &flights{busy: map[string]chan struct{}{}}
}

// acquire waits until nobody works on key and takes it. The caller calls release exactly once.
func (f *flights) acquire(ctx context.Context, key string) (release func(), err error) {
	for {
		f.mu.Lock()
		wait, busy := f.busy[key]
		if !busy {
			done := make(chan struct{})
			f.busy[key] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.busy, key)
				f.mu.Unlock()
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
