package build

import (
	"context"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
)

// statusQuiet is how long the status stream may stay silent after the solve has ended before it is given up: the builder normally closes
// the stream itself.
const statusQuiet = 3 * time.Second

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

// waitQuiet waits for done, and calls stop once activity has been silent for statusQuiet.
func waitQuiet(done <-chan struct{}, activity <-chan struct{}, stop func()) {
	timer := time.NewTimer(statusQuiet)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-activity:
			timer.Reset(statusQuiet)
		case <-timer.C:
			stop()
			<-done
			return
		}
	}
}
