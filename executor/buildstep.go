package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/planner"
	"github.com/containerd/containerd/v2/core/content"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// buildStep opens the destinations, solves the target and decodes the cache that came back. Layers are compressed as they arrive, and pushed where
// they are sure to be wanted; the export steps push the others and publish.
func (r *run) buildStep(ctx context.Context, step *planner.Step, res *StepResult) (err error) {
	b := step.Build
	publishers, err := r.openPublishers(ctx, b.Exports)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			res.BytesOut += abandon(publishers)
		}
	}()
	solver, err := r.builder.get(ctx)
	if err != nil {
		return &StepError{Step: step, Op: "find builder for", Where: b.Target.Name, Err: err}
	}
	receiver := &receiver{run: r, wants: wants(publishers), early: startEarly(ctx, publishers)}
	sources := r.importsOf(b.Sources, b.Fallbacks, func(im *imported) bool { return im.entry != nil })
	req := build.Request{
		Target:  b.Target,
		Exports: r.nativeExports(b),
		Status:  func(st *build.Status) { r.events.BuildStatus(b.Target.Name, st) },
	}
	out, sink, err := r.solve(ctx, solver, req, publishers, receiver, sources)
	if err != nil && ctx.Err() == nil {
		if rest := r.stillUsable(ctx, res, sources); len(rest) < len(sources) {
			out, sink, err = r.solve(ctx, solver, req, publishers, receiver, rest)
		}
	}
	res.BytesIn += receiver.bytes.Load()
	if err != nil {
		return &StepError{Step: step, Op: "build", Where: b.Target.Name, Err: receiver.because(err)}
	}
	r.setBuild(b.Target.Name, out)
	r.checkMisses(step, res, out, sources)
	c, err := exported(out, sink)
	if err != nil {
		return &StepError{Step: step, Op: "read exported cache of", Where: b.Target.Name, Err: err}
	}
	r.setProduced(step.ID, &produced{cache: c, publishers: publishers, note: r.noteOf(ctx, step, res, out)})
	return nil
}

// checkMisses compares the steps that were to miss with those that the builder executed, if it was given the cache that they were told of. Steps that it had
// itself are no mistake.
func (r *run) checkMisses(step *planner.Step, res *StepResult, out *build.Result, sources []*imported) {
	v := r.verdicts[step.ID]
	if v == nil || v.misses == nil {
		return
	}
	given := slices.ContainsFunc(sources, func(im *imported) bool { return im.cur != nil && im.cur.Whole && im.cur.Root.Digest == v.published })
	if unforeseen := v.misses.Unforeseen(out.Executed); given && unforeseen != "" {
		r.warn(res, fmt.Sprintf("%s was expected to be the first step that misses, and the builder executed %s, which does not depend on it; the published cache may have lost it", v.Miss, unforeseen))
	}
}

// noteOf is what the build has to say beside its cache: its fingerprint, if that is what it was before the build.
func (r *run) noteOf(ctx context.Context, step *planner.Step, res *StepResult, out *build.Result) *note {
	t := step.Build.Target
	n := &note{key: fingerprint.Key(t), at: res.Started, image: digest.Digest(out.Response["containerimage.digest"]), aged: r.maxAge(t) > 0}
	v := r.verdicts[step.ID]
	if v == nil || !v.print.Pinned() {
		return n
	}
	if !r.prints.still(ctx, t, v.print) {
		r.warn(res, fmt.Sprintf("what target %s is built from changed while it was built; the next run builds it again", t.Name))
		return n
	}
	n.print = v.print
	return n
}

// solve runs one attempt with the given sources.
func (r *run) solve(ctx context.Context, solver *build.Solver, req build.Request, publishers map[planner.StepID]*publisher, rc *receiver, sources []*imported) (*build.Result, *build.Sink, error) {
	req.Imports, req.Stores = nil, map[string]content.Store{}
	for _, s := range sources {
		if s.entry == nil {
			continue
		}
		req.Imports = append(req.Imports, *s.entry)
		if s.entry.Type == "local" {
			req.Stores[s.entry.Attrs["src"]] = build.NewLayout(s.entry.Attrs["src"])
		}
	}
	var sink *build.Sink
	if len(publishers) > 0 {
		sink = build.NewSink(rc)
		req.Sink = sink
		for _, p := range publishers {
			req.Max = req.Max || p.dest.Format().Mode == cache.ModeMax
		}
	}
	out, err := solver.Solve(ctx, req)
	return out, sink, err
}

// stillUsable looks at the sources of a failed build again and returns those that are as whole as they were. BuildKit fails a build when a
// layer of an imported cache turns out to be unreadable; the build is then tried without that source.
func (r *run) stillUsable(ctx context.Context, res *StepResult, sources []*imported) []*imported {
	var rest []*imported
	for _, s := range sources {
		if s.source != nil {
			if f, ok := s.source.(interface{ Forget() }); ok {
				f.Forget()
			}
			lost, err := s.source.Missing(ctx, s.cur.Current)
			if err != nil || len(lost) > 0 {
				r.warn(res, fmt.Sprintf("cache source %s became unreadable during the build; building without it", s.name))
				continue
			}
		}
		rest = append(rest, s)
	}
	return rest
}

// exported decodes the cache that BuildKit wrote to the sink.
func exported(out *build.Result, sink *build.Sink) (*cache.Cache, error) {
	if sink == nil || out.Cache == nil {
		return nil, nil
	}
	m, err := cache.ParseManifest(out.Cache.MediaType, sink.Document(out.Cache.Digest))
	if err != nil {
		return nil, err
	}
	return cache.Decode(sink.Document(m.Config.Digest), m.Layers)
}

// nativeExports are the caches that BuildKit writes itself: those in the image, and backends it speaks to directly.
func (r *run) nativeExports(b *planner.BuildStep) []build.CacheEntry {
	var list []build.CacheEntry
	for _, to := range b.Native {
		if n, ok := locations.Native(to, r.opt.LookupEnv); ok {
			list = append(list, *entry(n))
		}
	}
	return list
}

// openPublishers opens the destinations of a step all at once.
func (r *run) openPublishers(ctx context.Context, exports []planner.StepID) (map[planner.StepID]*publisher, error) {
	list := make([]*publisher, len(exports))
	errs := make([]error, len(exports))
	group, gctx := errgroup.WithContext(ctx)
	for i, id := range exports {
		group.Go(func() error {
			list[i], errs[i] = r.newPublisher(gctx, r.steps[id])
			return nil
		})
	}
	_ = group.Wait()
	open := map[planner.StepID]*publisher{}
	var failed []error
	for i, id := range exports {
		switch {
		case errs[i] == nil:
			open[id] = list[i]
		case ignored(r.steps[id], errs[i]):
			r.setBroken(id, errs[i])
		default:
			failed = append(failed, errs[i])
		}
	}
	return open, errors.Join(failed...)
}

// wants are the distinct compressions of destinations.
func wants(publishers map[planner.StepID]*publisher) []blob.Compression {
	var list []blob.Compression
	seen := map[string]bool{}
	for _, id := range sortedIDs(publishers) {
		w := publishers[id].want
		if key := w.String(); !seen[key] {
			seen[key] = true
			list = append(list, w)
		}
	}
	return list
}
