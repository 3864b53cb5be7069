package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/planner"
	"golang.org/x/sync/errgroup"
)

// lookTime is how long looking at the world may take in all: it is asked for by people who wait.
const lookTime = 5 * time.Minute

// looksAtOnce is how many sources are looked at at once; the hosts' limits apply besides.
const looksAtOnce = 32

// Assess looks what a run would do with the steps of a plan: which targets are up to date, why the others are built, which sources hold something. It needs
// no builder, asks each source and destination once, and writes nothing but what is remembered in the cache directory. What cannot be reached is
// said in the assessment; the error is for what keeps it from looking at all, or the end of ctx.
func Assess(ctx context.Context, plan *planner.Plan, opt Options) (map[planner.StepID]*planner.Assessment, error) {
	if opt.Check == CheckOff {
		opt.Check = CheckManifest
	}
	r, err := newRun(plan, opt)
	if err != nil {
		return nil, err
	}
	look, cancel := context.WithTimeout(registry.Once(ctx), lookTime)
	defer cancel()
	r.assess(look)
	found := map[planner.StepID]*planner.Assessment{}
	for id, v := range r.verdicts {
		found[id] = &v.Assessment
	}
	r.lookAtSources(look, found)
	r.putAway()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case look.Err() != nil:
		return nil, fmt.Errorf("look what is up to date: no end after %s: %w", lookTime, look.Err())
	}
	return found, nil
}

// putAway ends a run that has only looked.
func (r *run) putAway() {
	r.env.Hosts.Close()
	r.env.Actions.Close()
	if err := errors.Join(r.spool.Close(), r.prints.save()); err != nil {
		r.log.Warn("after looking what is up to date", "reason", err)
	}
}

// lookAtSources says of each import step whether there is something to import, and of transfers that they run.
func (r *run) lookAtSources(ctx context.Context, found map[planner.StepID]*planner.Assessment) {
	seen := make([]*planner.Assessment, len(r.plan.Steps))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for i, s := range r.plan.Steps {
		switch {
		case s.Merge != nil:
			seen[i] = &planner.Assessment{Action: planner.ActionTransfer}
		case s.Import == nil:
		case r.idle[s.ID]:
			seen[i] = &planner.Assessment{Action: planner.ActionNotNeeded}
		case s.Import.After != "":
			seen[i] = &planner.Assessment{Action: planner.ActionRead, Why: []string{"written in this run by " + s.Import.After}}
		default:
			group.Go(func() error {
				seen[i] = r.lookAtSource(gctx, s)
				return nil
			})
		}
	}
	_ = group.Wait()
	for i, s := range r.plan.Steps {
		if seen[i] != nil {
			found[s.ID] = seen[i]
		}
	}
	r.blockTransfers(found)
}

// lookAtSource reads the manifest of a source.
func (r *run) lookAtSource(ctx context.Context, s *planner.Step) *planner.Assessment {
	if _, native := locations.Native(s.Import.Source, r.opt.LookupEnv); native {
		return &planner.Assessment{Action: planner.ActionRead, Why: []string{"by the builder; what it holds is not looked at"}}
	}
	source, err := locations.OpenSource(s.Import.Source, r.env)
	if err != nil {
		return &planner.Assessment{Action: planner.ActionMissing, Why: []string{err.Error()}}
	}
	if p, ok := source.(backend.Peeker); ok {
		_, _, err = p.Peek(ctx)
	} else {
		_, err = source.Read(ctx)
	}
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return &planner.Assessment{Action: planner.ActionMissing, Why: []string{"nothing there yet"}}
	case err != nil:
		return &planner.Assessment{Action: planner.ActionMissing, Why: []string{fmt.Sprintf("not usable: %v", err)}}
	}
	return &planner.Assessment{Action: planner.ActionRead}
}

// blockTransfers finds transfers that have nothing to publish.
func (r *run) blockTransfers(found map[planner.StepID]*planner.Assessment) {
	for _, s := range r.plan.Steps {
		if s.Merge == nil {
			continue
		}
		usable := false
		for _, id := range s.Merge.Sources {
			usable = usable || found[id] == nil || found[id].Action == planner.ActionRead
		}
		if !usable {
			found[s.ID] = &planner.Assessment{Action: planner.ActionBlocked, Why: []string{errNoSource.Error()}}
		}
	}
}
