package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/semaphore"
)

// publisher brings one cache to one destination: layers as soon as they are there, config and manifest when all are, the name last.
type publisher struct {
	run    *run
	step   *planner.Step
	dest   backend.Destination
	want   blob.Compression
	force  bool
	policy conflictPolicy
	fit    string

	// cur is what the destination held when the run looked at it, nil for nothing.
	cur *checked

	pushes *semaphore.Weighted // at most pushesPerExport at once
	early  *earlyPushes        // nil: layers are not known to be wanted before all have come in

	mu      sync.Mutex
	ready   map[digest.Digest]ocispec.Descriptor // tar → blob that is at the destination, as it is written there
	brought map[digest.Digest]ocispec.Descriptor // tar → blob that this run has brought there
	sent    int64
	got     atomic.Int64 // bytes read from other places for it
}

// conflictPolicy says what happens to what is at a destination already.
type conflictPolicy string

const (
	conflictMerge     conflictPolicy = "merge"
	conflictOverwrite conflictPolicy = "overwrite"
	conflictFail      conflictPolicy = "fail"
)

// newPublisher opens the destination of an export step and reads what it holds.
func (r *run) newPublisher(ctx context.Context, step *planner.Step) (*publisher, error) {
	to := step.Export.Destination
	dest, err := locations.OpenDestination(to, r.env)
	if err != nil {
		return nil, &StepError{Step: step, Op: "open", Where: to.Type, Err: err}
	}
	p := &publisher{
		run: r, step: step, dest: dest, want: compression(to), force: to.Bool("force-compression"),
		policy: conflictPolicy(to.String("on-conflict")), fit: to.String("fit"),
		pushes: semaphore.NewWeighted(pushesPerExport), ready: map[digest.Digest]ocispec.Descriptor{}, brought: map[digest.Digest]ocispec.Descriptor{},
	}
	if err := p.look(ctx); err != nil {
		return nil, &StepError{Step: step, Op: "read", Where: dest.Name(), Err: err}
	}
	if p.cur == nil && !r.opt.DryRun {
		// A first publication: what would keep it from succeeding is found before the build.
		if err := dest.Check(ctx); err != nil {
			return nil, &StepError{Step: step, Op: "write to", Where: dest.Name(), Err: err}
		}
	}
	return p, nil
}

// compression is how a destination wants layers that are compressed for it.
func compression(to config.Cache) blob.Compression {
	c := blob.Compression{Type: blob.CompressionType(to.String("compression"))}
	if level, ok := to.Int("compression-level"); ok {
		c.Level = &level
	}
	return c
}

// errImage says that publishing would replace an image.
var errImage = errors.New("it holds an image, which the cache would replace; give the cache a reference of its own, or set on-conflict = \"overwrite\"")

// unusable tells whether an error says that what is there is no usable cache, rather than that it could not be read this time.
func unusable(err error) bool {
	for _, e := range []error{cache.ErrInvalid, cache.ErrTooLarge, cache.ErrNotCache, blob.ErrIntegrity, blob.ErrNotFound} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// look reads what the destination holds and enters it into the pool. A cache that is damaged counts as nothing, an image is not touched unless
// it is to be overwritten, and what cannot be read this time is an error: it may hold what others need.
func (p *publisher) look(ctx context.Context) error {
	cur, err := p.dest.Read(ctx)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		p.cur = nil
		return nil
	case cur != nil && cur.Image && p.policy != conflictOverwrite:
		return errImage
	case cur != nil && (cur.Image || unusable(err)):
		// Nothing in it is a cache to keep; its root is kept so that replacing it is noticed if somebody else does.
		p.cur = &checked{Current: &backend.Current{Root: cur.Root}}
		return nil
	case err != nil:
		return err
	}
	lost, err := p.dest.Missing(ctx, cur)
	if err != nil {
		return fmt.Errorf("check layers: %w", err)
	}
	gone := map[digest.Digest]bool{}
	for _, d := range lost {
		gone[d.Digest] = true
	}
	kept := *cur
	if len(gone) > 0 {
		kept.Cache, _ = cur.Cache.Without(gone)
	}
	p.cur = &checked{Current: &kept, Whole: len(gone) == 0}
	p.run.pool.addCurrent(&kept, p.dest.Host())
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range kept.Cache.Layers() {
		p.ready[l.Tar()] = l.Descriptor
	}
	return nil
}
