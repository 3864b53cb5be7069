package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/planner/dag"
)

// errFailFast is why steps are canceled after a failure when the run is to stop at the first.
var errFailFast = errors.New("stopped after the first failure (--fail-fast)")

// walk runs all steps and returns their results in the plan's order.
func (r *run) walk(ctx context.Context) []*StepResult {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex
	results := map[planner.StepID]*StepResult{}
	dag.Walk(ctx, r.plan.Graph(), r.opt.Jobs, r.optional, func(ctx context.Context, id planner.StepID) dag.State {
		res := r.perform(ctx, r.steps[id])
		mu.Lock()
		results[id] = res
		mu.Unlock()
		switch res.Outcome {
		case OutcomeFailed, OutcomeCanceled:
			if r.opt.FailFast {
				stop(errFailFast)
			}
			return dag.Failed
		}
		return dag.Done
	})
	r.endEarly()
	out := make([]*StepResult, 0, len(r.plan.Steps))
	for _, s := range r.plan.Steps {
		res := results[s.ID]
		if res == nil {
			res = r.skipped(ctx, s, results)
			results[s.ID] = res
			r.events.StepEnded(res)
		}
		out = append(out, res)
	}
	return out
}

// optional tells whether a step runs although another that it needs has failed.
func (r *run) optional(from, need planner.StepID) bool {
	return slices.Contains(r.steps[from].Optional, need)
}

// skipped is the result of a step that did not run. Needs stand before it in the plan, so their results are known.
func (r *run) skipped(ctx context.Context, s *planner.Step, results map[planner.StepID]*StepResult) *StepResult {
	for _, n := range s.Needs {
		if res := results[n]; res != nil && (res.Outcome == OutcomeFailed || res.Outcome == OutcomeSkipped) && !slices.Contains(s.Optional, n) {
			return &StepResult{Step: s, Outcome: OutcomeSkipped, Err: fmt.Errorf("%s did not succeed", n)}
		}
	}
	return &StepResult{Step: s, Outcome: OutcomeCanceled, Err: context.Cause(ctx)}
}
