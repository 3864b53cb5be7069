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
	for _, im := range r.importsOf(m.Sources, m.Fallbacks, func(im *imported) bool { return im.cur != nil }) {
		if im.cur == nil {
			return &StepError{Step: step, Op: "merge", Where: m.Transfer.Name, Err: fmt.Errorf("source %s can only be read by BuildKit, not moved by a transfer", im.name)}
		}
		caches = append(caches, im.cur.Cache)
	}
	if len(caches) == 0 {
		return &StepError{Step: step, Op: "merge", Where: m.Transfer.Name, Err: errNoSource}
	}
	publishers, err := r.openPublishers(ctx, m.Exports)
	if err != nil {
		return err
	}
	r.setProduced(step.ID, &produced{cache: cache.Merge(caches...), publishers: publishers})
	return nil
}
