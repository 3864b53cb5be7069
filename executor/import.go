package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
)

// importStep resolves a source and checks that everything in it is still there. A source that is missing or broken ends the step as missing:
// that never fails a build.
func (r *run) importStep(ctx context.Context, step *planner.Step, res *StepResult) error {
	src := step.Import.Source
	if native, ok := locations.Native(src, r.opt.LookupEnv); ok {
		r.setImported(step.ID, &imported{name: src.Type, entry: entry(native)})
		return nil
	}
	source, err := locations.OpenSource(src, r.env)
	if err != nil {
		return &StepError{Step: step, Op: "open", Where: src.Type, Err: err}
	}
	cur, err := r.readSource(ctx, source, res)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return r.missing(step, res, source.Name(), err)
	}
	im := &imported{name: source.Name(), source: source, cur: cur}
	if _, lossy := source.(backend.Lossy); cur.Whole || lossy {
		im.entry = entry(source.Native(cur.Current))
	}
	r.pool.addCurrent(cur.Current, source.Host())
	r.setImported(step.ID, im)
	res.Digest = cur.Root.Digest
	return nil
}

// checked is what a location holds, without what it has lost.
type checked struct {
	*backend.Current
	// Whole is false when layers were missing: BuildKit must not be pointed at the location itself then, unless it is backend.Lossy.
	Whole bool
}

// readSource reads a source and drops the results whose layers are gone.
func (r *run) readSource(ctx context.Context, source backend.Source, res *StepResult) (*checked, error) {
	cur, err := source.Read(ctx)
	if err != nil {
		return nil, err
	}
	lost, err := source.Missing(ctx, cur)
	if err != nil {
		return nil, fmt.Errorf("check layers: %w", err)
	}
	if len(lost) == 0 {
		return &checked{Current: cur, Whole: true}, nil
	}
	gone := map[digest.Digest]bool{}
	for _, d := range lost {
		gone[d.Digest] = true
	}
	rest, _ := cur.Cache.Without(gone)
	r.warn(res, fmt.Sprintf("%s has lost %d of its %d layers; what depends on them is not used", source.Name(), len(lost), len(cur.Cache.Layers())))
	return &checked{Current: &backend.Current{Cache: rest, Root: cur.Root, Blobs: cur.Blobs}}, nil
}

// missing ends an import that found nothing usable.
func (r *run) missing(step *planner.Step, res *StepResult, name string, err error) error {
	res.Outcome = OutcomeMissing
	if errors.Is(err, blob.ErrNotFound) {
		res.Err = fmt.Errorf("%s: nothing there yet", name)
	} else {
		res.Err = &StepError{Step: step, Op: "read", Where: name, Err: err}
		r.warn(res, fmt.Sprintf("cache source %s is not usable: %v", name, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unusable[step.ID] = res.Err
	return nil
}

func entry(n backend.Native) *build.CacheEntry {
	return &build.CacheEntry{Type: n.Type, Attrs: n.Attrs}
}
