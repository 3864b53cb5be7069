package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// exportStep publishes what its build or merge step produced. With ignore-error a failure is reported and nothing depends on it.
func (r *run) exportStep(ctx context.Context, step *planner.Step, res *StepResult) error {
	err := r.export(ctx, step, res)
	if err != nil && ctx.Err() == nil && step.Export.Destination.Bool("ignore-error") {
		res.Outcome, res.Err = OutcomeIgnored, err
		return nil
	}
	return err
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
	out, err := p.publish(ctx, from.cache, from.note)
	res.BytesOut += p.sent
	if err != nil {
		return &StepError{Step: step, Op: "publish", Where: p.dest.Name(), Err: err}
	}
	if out.dropped > 0 {
		r.warn(res, fmt.Sprintf("%s: %d of the oldest results were left out, so that the cache stays within the %d bytes that BuildKit imports", p.dest.Name(), out.dropped, cache.ImportLimit))
	}
	res.Digest = out.root.Digest
	res.Published = &Published{Name: p.dest.Name(), Root: out.root, Layers: len(out.cache.Layers()), Bytes: size(out.cache), Changed: out.changed}
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
