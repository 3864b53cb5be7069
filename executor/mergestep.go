package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
)

// errNoSource says that a transfer has nothing to publish.
var errNoSource = errors.New("none of the sources holds a usable cache")

// mergeStep joins the sources of a transfer; no builder takes part.
func (r *run) mergeStep(ctx context.Context, step *planner.Step, _ *StepResult) error {
	m := step.Merge
	var caches []*cache.Cache
	for _, im := range r.importsOf(m.Sources) {
		if im.cur == nil {
			return &StepError{Step: step, Op: "merge", Where: m.Transfer.Name, Err: fmt.Errorf("source %s can only be read by BuildKit, not moved by a transfer", im.name)}
		}
		caches = append(caches, im.cur.Cache)
	}
	if err := r.sourcesLeft(m.Sources, len(caches)); err != nil {
		return &StepError{Step: step, Op: "merge", Where: m.Transfer.Name, Err: err}
	}
	publishers, err := r.openPublishers(ctx, m.Exports)
	if err != nil {
		return err
	}
	r.setProduced(step.ID, &produced{cache: cache.Merge(caches...), publishers: publishers})
	return nil
}

// sourcesLeft tells whether the sources that are usable are enough. The error wraps why the others are not, so that it can be told apart by its
// cause.
func (r *run) sourcesLeft(sources []planner.StepID, usable int) error {
	if usable == len(sources) || usable > 0 && !r.opt.AllSources {
		return nil
	}
	var why []error
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range sources {
		if err := r.unusable[id]; err != nil {
			why = append(why, err)
		}
	}
	if usable > 0 {
		return fmt.Errorf("%d of %d sources hold no usable cache: %w", len(sources)-usable, len(sources), errors.Join(why...))
	}
	return fmt.Errorf("%w: %w", errNoSource, errors.Join(why...))
}
