package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// exportStep publishes what its build or merge step produced. A failure that is ignored is reported and nothing depends on it.
func (r *run) exportStep(ctx context.Context, step *planner.Step, res *StepResult) error {
	err := r.export(ctx, step, res)
	if err != nil && ctx.Err() == nil && ignored(step, err) {
		res.Outcome, res.Err = OutcomeIgnored, err
		return nil
	}
	return err
}

// ignored tells whether the run goes on as if an export had not failed: ignore-error says so, or the place is not to be had here.
func ignored(step *planner.Step, err error) bool {
	return step.Export.Destination.Bool("ignore-error") || errors.Is(err, backend.ErrElsewhere)
}

func (r *run) export(ctx context.Context, step *planner.Step, res *StepResult) error {
	if err := r.broken(step.ID); err != nil {
		return err
	}
	from := r.producedBy(step.Export.From)
	if from == nil {
		return fmt.Errorf("step %s produced nothing to publish", step.Export.From)
	}
	p := from.publishers[step.ID]
	if from.cache == nil || len(from.cache.Layers()) == 0 {
		r.warn(res, "the result is empty: there is nothing to cache")
		return nil
	}
	publish := p.publish
	if r.opt.DryRun {
		publish = p.preview
	}
	out, err := publish(ctx, from.cache, from.note)
	p.endEarly()
	res.BytesOut += p.sent
	res.BytesIn += p.got.Load()
	if err != nil {
		return &StepError{Step: step, Op: "publish", Where: p.dest.Name(), Err: err}
	}
	if out.dropped > 0 {
		r.warn(res, fmt.Sprintf("%s: %d of the oldest results were left out, so that the cache stays within %d bytes", p.dest.Name(), out.dropped, p.dest.Format().Limit()))
	}
	if renewer, ok := p.dest.(backend.Renewer); ok {
		if err := renewer.Renew(ctx, out.cache, out.root); err != nil && ctx.Err() == nil {
			r.warn(res, fmt.Sprintf("%s is published, but was not renewed: %v", p.dest.Name(), err))
		}
	}
	res.Digest = out.root.Digest
	res.Published = &Published{Name: p.dest.Name(), Root: out.root, Layers: len(out.cache.Layers()), Bytes: size(out.cache), Changed: out.changed, DryRun: r.opt.DryRun}
	return nil
}

// size is the number of bytes of a cache's layers.
func size(c *cache.Cache) int64 {
	var n int64
	seen := map[string]bool{}
	for _, l := range c.Layers() {
		if key := l.Descriptor.Digest.String(); !seen[key] {
			seen[key] = true
			n += l.Descriptor.Size
		}
	}
	return n
}

// Published is what an export step left at its destination.
type Published struct {
	Name string
	Root ocispec.Descriptor
	// Layers and Bytes count the layers of the cache and their blobs' sizes.
	Layers int
	Bytes  int64
	// Changed is false when the destination held exactly this already and nothing was written.
	Changed bool
	// DryRun says that this is what a run would leave there, and that nothing was written.
	DryRun bool
}

func (r *run) setBroken(id planner.StepID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brokenExports[id] = err
}

func (r *run) broken(id planner.StepID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brokenExports[id]
}

func sortedIDs[V any](m map[planner.StepID]V) []planner.StepID {
	ids := make([]planner.StepID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
