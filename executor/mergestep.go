package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
)

// errNoSource says that a transfer has nothing to publish.
var errNoSource = errors.New("none of the sources holds a usable cache")

// mergeStep joins the sources of a transfer; no builder takes part.
func (r *run) mergeStep(ctx context.Context, step *planner.Step, _ *StepResult) error {
	m := step.Merge
	var caches []*cache.Cache
	for _, im := range r.importsOf(m.Sources, m.Fallbacks, func(im *imported) bool { return im.cur != nil }) {
		if im.cur == nil {
			return &StepError{Step: step, Op: "merge", Where: m.Transfer.Name, Err: fmt.Errorf("source %s can only be read by BuildKit, not moved by a transfer", im.name)}
		}
		caches = append(caches, im.cur.Cache)
	}
	if err := r.sourcesLeft(m, len(caches)); err != nil {
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
func (r *run) sourcesLeft(m *planner.MergeStep, usable int) error {
	if usable > 0 && !r.opt.AllSources {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var why []error
	for _, id := range m.Sources {
		if err := r.unusable[id]; err != nil && (usable == 0 || !r.excused(m, id)) {
			why = append(why, err)
		}
	}
	switch {
	case usable == 0:
		return fmt.Errorf("%w: %w", errNoSource, errors.Join(why...))
	case len(why) > 0:
		return fmt.Errorf("%d of %d sources hold no usable cache: %w", len(why), len(m.Sources), errors.Join(why...))
	}
	return nil
}

// excused tells whether a source that is not usable need not be: a fallback takes its place, or it is one itself that is not needed.
func (r *run) excused(m *planner.MergeStep, id planner.StepID) bool {
	found := func(id planner.StepID) bool { return r.imports[id] != nil }
	if slices.ContainsFunc(m.Fallbacks[id], found) {
		return true
	}
	for fallback, of := range m.Fallbacks {
		if found(fallback) && slices.Contains(of, id) {
			return true
		}
	}
	return false
}
