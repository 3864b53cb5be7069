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

// follow hands every status message of a solve to fn until the stream ends. Losing the stream loses progress, not the build, so
// its errors are dropped.
func (s *Solver) follow(ctx context.Context, ref string, fn func(*Status)) {
	stream, err := s.client.ControlClient().Status(ctx, &controlapi.StatusRequest{Ref: ref})
	if err != nil {
		return
	}
	for {
		resp, err := stream.Recv()
		if err != nil {
			return
		}
		fn(client.NewSolveStatus(resp))
	}
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
