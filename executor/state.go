package executor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
)

// imported is what an import step found.
type imported struct {
	name string
	// entry is how BuildKit imports it, nil when there is nothing it could import.
	entry *build.CacheEntry
	// source and cur are nil for a backend that is left to BuildKit.
	source backend.Source
	cur    *checked
}

// produced is the cache that a build or merge step has to publish; nil cache when there was nothing to cache.
type produced struct {
	cache *cache.Cache
	// publishers are the open destinations by export step.
	publishers map[planner.StepID]*publisher
	// note says what stands beside the cache; nil for a merge.
	note *note
}

// run is the state of one Run.
type run struct {
	opt     Options
	plan    *planner.Plan
	steps   map[planner.StepID]*planner.Step
	log     *slog.Logger
	events  Events
	env     locations.Env
	pool    *pool
	spool   *blob.Spool
	uploads *flights
	builder *lazyBuilder

	mu       sync.Mutex
	imports  map[planner.StepID]*imported
	unusable map[planner.StepID]error // why import steps found nothing usable
	produced map[planner.StepID]*produced
	builds   map[string]*build.Result
	// brokenExports are destinations with ignore-error that could not be opened.
	brokenExports map[planner.StepID]error

	// verdicts say of targets whether they are up to date, idle which steps have nothing to do therefore. They do not change once steps run.
	verdicts map[planner.StepID]*verdict
	idle     map[planner.StepID]bool
	prints   *prints
}

func (r *run) setImported(id planner.StepID, im *imported) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.imports[id] = im
}

// importsOf returns what the import steps found, in their order, leaving out those that found nothing and fallbacks that are not needed because usable says
// so of a source they stand in for.
func (r *run) importsOf(ids []planner.StepID, fallbacks map[planner.StepID][]planner.StepID, usable func(*imported) bool) []*imported {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*imported
	for _, id := range ids {
		needed := !slices.ContainsFunc(fallbacks[id], func(other planner.StepID) bool { return r.imports[other] != nil && usable(r.imports[other]) })
		if im := r.imports[id]; im != nil && needed {
			out = append(out, im)
		}
	}
	return out
}

func (r *run) setProduced(id planner.StepID, p *produced) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.produced[id] = p
}

func (r *run) producedBy(id planner.StepID) *produced {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.produced[id]
}

// lazyBuilder finds or starts the builder when the first build step asks for it, so that a run of transfers needs none.
type lazyBuilder struct {
	open func(ctx context.Context) (*build.Solver, func(context.Context) error, error)

	once   sync.Once
	solver *build.Solver
	close  func(context.Context) error
	err    error
}

func (b *lazyBuilder) get(ctx context.Context) (*build.Solver, error) {
	b.once.Do(func() { b.solver, b.close, b.err = b.open(ctx) })
	return b.solver, b.err
}

// stop ends what get started; it is called once, after the last step.
func (b *lazyBuilder) stop(ctx context.Context) error {
	if b.close == nil {
		return nil
	}
	if err := b.close(ctx); err != nil {
		return fmt.Errorf("close builder: %w", err)
	}
	return nil
}
