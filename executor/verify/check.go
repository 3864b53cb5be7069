package verify

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// defaultJobs is how many layers are read at once. Each needs a decoder's window, no more.
const defaultJobs = 4

// Options says how to check.
type Options struct {
	// Deep reads every layer; a shallow check only asks whether it is there with its size.
	Deep bool
	// Jobs is how many layers are read at once, 0 the default.
	Jobs int
}

// Result is what a check came to.
type Result struct {
	// Current is what the location holds, nil when nothing is there; its Cache is nil when it cannot be used.
	Current *backend.Current
	// Results counts the cache's results, Usable those with all their layers whole.
	Results, Usable int
	// Read is how many bytes of layers were read.
	Read     int64
	Findings []Finding
}

// Whole tells whether nothing is wrong.
func (r *Result) Whole() bool { return len(r.Findings) == 0 }

// broken are the blobs that cannot be used.
func (r *Result) broken() map[digest.Digest]bool {
	out := map[digest.Digest]bool{}
	for _, f := range r.Findings {
		if d := f.blob(); d != "" {
			out[d] = true
		}
	}
	return out
}

// Check looks at a location. What is wrong with the cache is a finding; an error says that the location could not be asked.
func Check(ctx context.Context, src backend.Source, opt Options) (*Result, error) {
	cur, err := src.Read(ctx)
	res := &Result{Current: cur}
	switch {
	case err == nil:
	case context.Cause(ctx) != nil:
		return nil, context.Cause(ctx)
	case cur == nil && errors.Is(err, blob.ErrNotFound):
		res.Findings = append(res.Findings, about(Absent, err, "there is nothing"))
		return res, nil
	case cur != nil && unusable(err):
		res.Findings = append(res.Findings, about(Unusable, err, "%v", err))
		return res, nil
	default:
		return nil, err
	}
	if n := cur.Cache.Unlisted(); n > 0 {
		res.Findings = append(res.Findings, about(Unlisted, nil, "%d results have layers that the manifest does not list, or that do not say what they unpack to", n))
	}
	lost, err := src.Missing(ctx, cur)
	if err != nil {
		return nil, err
	}
	gone := map[digest.Digest]bool{}
	for _, d := range lost {
		gone[d.Digest] = true
	}
	if err := res.layers(ctx, opt, gone); err != nil {
		return nil, err
	}
	rest, _ := cur.Cache.Without(res.broken())
	res.Results, res.Usable = cur.Cache.Stats().Results, rest.Stats().Results
	return res, nil
}

// unusable tells whether an error is about what is there rather than about reading it.
func unusable(err error) bool {
	return slices.ContainsFunc([]error{cache.ErrInvalid, cache.ErrTooLarge, cache.ErrNotCache, blob.ErrIntegrity, blob.ErrNotFound}, func(e error) bool { return errors.Is(err, e) })
}

// layers adds the findings about the layers, in the order of the cache. Each blob is read once.
func (r *Result) layers(ctx context.Context, opt Options, gone map[digest.Digest]bool) error {
	var mu sync.Mutex
	found := map[int]Finding{}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs(opt))
	seen := map[string]bool{}
	for i, l := range r.Current.Cache.Layers() {
		id := l.Descriptor.Digest.String() + " " + l.DiffID.String()
		if seen[id] {
			continue
		}
		seen[id] = true
		if gone[l.Descriptor.Digest] {
			found[i] = *wrong(l, Missing, blob.ErrNotFound, "is gone or has another size")
			continue
		}
		if !opt.Deep {
			continue
		}
		group.Go(func() error {
			n, f := readLayer(gctx, r.Current.Blobs, l)
			mu.Lock()
			defer mu.Unlock()
			r.Read += n
			if f != nil {
				found[i] = *f
			}
			return context.Cause(gctx)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	order := make([]int, 0, len(found))
	for i := range found {
		order = append(order, i)
	}
	slices.Sort(order)
	for _, i := range order {
		r.Findings = append(r.Findings, found[i])
	}
	return nil
}

func jobs(opt Options) int {
	if opt.Jobs > 0 {
		return opt.Jobs
	}
	return defaultJobs
}
