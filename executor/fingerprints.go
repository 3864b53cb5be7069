package executor

import (
	"context"
	"runtime"
	"sync"

	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/planner"
	"golang.org/x/sync/errgroup"
)

// Fingerprints computes what the targets of a plan would be built from, by build step. It needs no builder and looks at no cache; base images, repositories and
// downloads are asked for their digests. The error is for what keeps it from looking at all, or the end of ctx.
func Fingerprints(ctx context.Context, plan *planner.Plan, opt Options) (map[planner.StepID]*fingerprint.Fingerprint, error) {
	r, err := newRun(plan, opt)
	if err != nil {
		return nil, err
	}
	defer r.putAway()
	return r.fingerprints(ctx)
}

func (r *run) fingerprints(ctx context.Context) (map[planner.StepID]*fingerprint.Fingerprint, error) {
	made := map[planner.StepID]*fingerprint.Fingerprint{}
	var mu sync.Mutex
	computer := r.prints.now()
	err := r.eachBuild(ctx, func(ctx context.Context, s *planner.Step) error {
		f, err := computer.Compute(ctx, s.Build.Target)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		made[s.ID] = f
		return nil
	})
	return made, err
}

// eachBuild does something for every build step, for several at once.
func (r *run) eachBuild(ctx context.Context, do func(context.Context, *planner.Step) error) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(assessPerCPU * runtime.GOMAXPROCS(0))
	for _, s := range r.plan.Steps {
		if s.Kind == planner.KindBuild {
			group.Go(func() error { return do(gctx, s) })
		}
	}
	return group.Wait()
}
