package build

import (
	"context"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
)

// How long the status stream may stay silent after the solve has ended before it is given up. The builder closes the stream itself, but on a
// short build only after it has written its history, which takes seconds: so the stream is left as soon as all it has told of has ended.
const (
	statusSettled = 250 * time.Millisecond
	statusQuiet   = 3 * time.Second
)

// watch opens the status stream of a solve that is about to start and hands every message to fn until the stream ends. It must be opened first:
// asked for a job that has ended already, the builder waits seconds for it to appear. Losing the stream loses progress, not the
// build, so its errors are dropped. The channel is closed at the end.
func (s *Solver) watch(ctx context.Context, ref string, fn func(*Status)) <-chan struct{} {
	done := make(chan struct{})
	stream, err := s.client.ControlClient().Status(ctx, &controlapi.StatusRequest{Ref: ref})
	if err != nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		for {
			resp, err := stream.Recv()
			if err != nil {
				return
			}
			fn(client.NewSolveStatus(resp))
		}
	}()
	return done
}

// waitQuiet waits for done, and calls stop when nothing has come for a while: a short one once everything has settled, else a long one.
func waitQuiet(done <-chan struct{}, steps *tally, stop func()) {
	last := time.Now()
	tick := time.NewTicker(statusSettled / 5)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-steps.activity:
			last = time.Now()
		case <-tick.C:
			silent := time.Since(last)
			if silent > statusQuiet || (silent > statusSettled && steps.settled()) {
				stop()
				<-done
				return
			}
		}
	}
}
