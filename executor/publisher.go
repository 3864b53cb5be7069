package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const (
	// publishRounds bounds how often a publication is tried again because somebody else published meanwhile; between two rounds a random part of a
	// pause that grows up to longestPause goes by, so that many who write at once do not meet again and again.
	publishRounds = 64
	firstPause    = 10 * time.Millisecond
	longestPause  = time.Second
	// pushesPerExport is how many layers one export has under way; the host's own limit applies besides.
	pushesPerExport = 8
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

	mu    sync.Mutex
	ready map[digest.Digest]ocispec.Descriptor // diffID → blob that is at the destination
	sent  int64
	got   atomic.Int64 // bytes read from other places for it
}

// conflictPolicy says what happens to what is at a destination already.
type conflictPolicy string

const (
	conflictMerge     conflictPolicy = "merge"
	conflictOverwrite conflictPolicy = "overwrite"
	conflictFail      conflictPolicy = "fail"
)

// fitFail refuses to publish a cache that is too large for BuildKit to import; else it is pruned.
const fitFail = "fail"

// newPublisher opens the destination of an export step and reads what it holds.
func (r *run) newPublisher(ctx context.Context, step *planner.Step) (*publisher, error) {
	to := step.Export.Destination
	dest, err := locations.OpenDestination(to, r.env)
	if err != nil {
		return nil, &StepError{Step: step, Op: "open", Where: to.Type, Err: err}
	}
	p := &publisher{
		run: r, step: step, dest: dest, want: compression(to), force: to.Bool("force-compression"),
		policy: conflictPolicy(to.String("on-conflict")), fit: to.String("fit"), ready: map[digest.Digest]ocispec.Descriptor{},
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

// accepts tells whether a blob may stay as it is: any compression without force, only the one asked for with it
// (BuildKit: util/compression; without force only new layers are compressed as asked).
func (p *publisher) accepts(desc ocispec.Descriptor) bool {
	have := blob.CompressionOf(desc)
	if p.force {
		return have == p.want.Type
	}
	return have != blob.Uncompressed || p.want.Type == blob.Uncompressed
}

// at returns the blob of a layer that is at the destination already in a form that may stay.
func (p *publisher) at(diffID digest.Digest) (ocispec.Descriptor, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	desc, ok := p.ready[diffID]
	return desc, ok && p.accepts(desc)
}

// ensure brings a layer to the destination and returns the blob it is there. It moves bytes only if neither the destination, nor a sibling
// it can mount from, has an acceptable blob.
func (p *publisher) ensure(ctx context.Context, l cache.Layer) (ocispec.Descriptor, error) {
	release, err := p.run.uploads.acquire(ctx, p.dest.Key()+" "+l.Tar().String())
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer release()
	if desc, ok := p.at(l.Tar()); ok {
		return desc, nil
	}
	desc, from, err := p.choose(ctx, l)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc = withAnnotations(desc, l)
	if err := p.send(ctx, l.Tar(), desc, from); err != nil {
		return ocispec.Descriptor{}, err
	}
	p.mu.Lock()
	p.ready[l.Tar()] = desc
	p.mu.Unlock()
	return desc, nil
}

// choose picks the blob to send: one that exists in an acceptable form, else one that is made now.
func (p *publisher) choose(ctx context.Context, l cache.Layer) (ocispec.Descriptor, blob.Fetcher, error) {
	if found := p.run.pool.find(l.Tar(), p.dest.Host(), p.accepts); len(found) > 0 {
		return found[0].desc, found[0].blobs, nil
	}
	places := p.run.pool.find(l.Tar(), "", func(ocispec.Descriptor) bool { return true })
	if len(places) == 0 {
		return ocispec.Descriptor{}, nil, fmt.Errorf("layer %s: %w in any place this run knows", l.Tar(), blob.ErrNotFound)
	}
	from, unpacked := places[0], l.Tar()
	if i := slices.IndexFunc(places, func(a available) bool { return blob.CompressionOf(a.desc) != blob.EStargz }); i >= 0 {
		from = places[i]
	} else {
		unpacked = digest.Digest(from.desc.Annotations[cache.AnnotationUncompressed])
	}
	desc, err := p.run.spool.Transcode(ctx, from.desc, unpacked, counted{from.blobs, &p.got}, p.want)
	if err != nil {
		return ocispec.Descriptor{}, nil, fmt.Errorf("compress layer %s as %s: %w", l.Tar(), p.want.Type, err)
	}
	p.run.pool.add(l.Tar(), available{desc: desc, blobs: p.run.spool})
	return desc, p.run.spool, nil
}

// withAnnotations gives a blob the annotations that travel with the layer whatever its compression.
func withAnnotations(desc ocispec.Descriptor, l cache.Layer) ocispec.Descriptor {
	merged := maps.Clone(desc.Annotations)
	if merged == nil {
		merged = map[string]string{}
	}
	if v, ok := l.Descriptor.Annotations[cache.AnnotationCreatedAt]; ok {
		merged[cache.AnnotationCreatedAt] = v
	}
	if merged[cache.AnnotationUncompressed] == "" {
		merged[cache.AnnotationUncompressed] = l.DiffID.String()
	}
	if tar := l.Tar().String(); merged[cache.AnnotationUncompressed] != tar {
		merged[cache.AnnotationTar] = tar
	}
	desc.Annotations = merged
	return desc
}

// send moves one blob to the destination, unless it is there. Of several exports to one host that want the same blob at the same
// time, one uploads and the others mount what it has uploaded.
func (p *publisher) send(ctx context.Context, diffID digest.Digest, desc ocispec.Descriptor, from blob.Fetcher) error {
	release, err := p.run.uploads.acquire(ctx, p.dest.Host()+" "+desc.Digest.String())
	if err != nil {
		return err
	}
	defer release()
	same := func(d ocispec.Descriptor) bool { return d.Digest == desc.Digest }
	if near := p.run.pool.find(diffID, p.dest.Host(), same); len(near) > 0 {
		from = near[0].blobs
	}
	moved, err := blob.Copy(ctx, desc, from, p.progress(desc, from != blob.Fetcher(p.run.spool)))
	if err != nil {
		return fmt.Errorf("push layer %s: %w", desc.Digest, err)
	}
	if here, ok := p.dest.Blobs().(blob.Fetcher); ok {
		p.run.pool.add(diffID, available{desc: desc, blobs: here, host: p.dest.Host()})
	}
	p.mu.Lock()
	p.sent += moved
	p.mu.Unlock()
	return nil
}

// progress is the destination's store, telling Events about each blob it is sent. What is read for it is counted if it comes from elsewhere than
// the run's own spool.
func (p *publisher) progress(desc ocispec.Descriptor, elsewhere bool) blob.Pusher {
	pusher := &progressPusher{Pusher: p.dest.Blobs(), report: func(current int64) {
		p.run.events.StepProgress(p.step.ID, "push "+desc.Digest.String(), current, desc.Size)
	}}
	if elsewhere {
		pusher.read = &p.got
	}
	return pusher
}

// counted is a place whose bytes are counted when they are read.
type counted struct {
	blob.Fetcher
	n *atomic.Int64
}

// Fetch opens a blob and counts what is read of it.
func (c counted) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	rc, err := c.Fetcher.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	return &progressReader{ReadCloser: rc, report: func(int64) {}, read: c.n}, nil
}

// publish makes c the content of the destination, joined with what others have put there.
func (p *publisher) publish(ctx context.Context, c *cache.Cache, n *note) (*published, error) {
	if p.dest.Format().Mode == cache.ModeMin {
		c = c.Min()
	}
	ours, err := p.placed(ctx, c)
	if err != nil {
		return nil, err
	}
	wrote, dropped := false, 0
	for round := 1; ; round++ {
		res, err := p.try(ctx, ours, n)
		if err == nil {
			wrote, dropped = wrote || res.changed, dropped+res.dropped
			if !res.changed || p.policy != conflictMerge {
				res.changed, res.dropped = wrote, dropped
				return res, nil
			}
			// What was joined is this run's to keep until it is sure to stay: whoever published it has seen it there, and is gone.
			ours = res.cache
			if err = p.settle(ctx, res.root); err == nil {
				res.dropped = dropped
				return res, nil
			}
		}
		if !errors.Is(err, backend.ErrConflict) || p.policy == conflictFail || round == publishRounds {
			return nil, err
		}
		if err := pause(ctx, round); err != nil {
			return nil, err
		}
		if err := p.look(ctx); err != nil {
			return nil, fmt.Errorf("read again: %w", err)
		}
	}
}

// settle finds out whether somebody has published over root without having seen it, where the destination cannot keep that from happening.
func (p *publisher) settle(ctx context.Context, root ocispec.Descriptor) error {
	if s, ok := p.dest.(backend.Settler); ok {
		return s.Settle(ctx, root)
	}
	return nil
}

// pause lets a random time go by before the next round.
func pause(ctx context.Context, round int) error {
	t := time.NewTimer(rand.N(min(firstPause<<min(round, 10), longestPause))) //nolint:gosec // jitter
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// placed pushes all layers of c and returns c with the blobs they have at the destination.
func (p *publisher) placed(ctx context.Context, c *cache.Cache) (*cache.Cache, error) {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(pushesPerExport)
	for _, l := range c.Layers() {
		group.Go(func() error {
			_, err := p.ensure(gctx, l)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return c.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		desc, ok := p.at(l.Tar())
		if !ok {
			return desc, fmt.Errorf("layer %s was not pushed", l.DiffID)
		}
		return desc, nil
	})
}

// published is what a publication came to.
type published struct {
	root    ocispec.Descriptor
	cache   *cache.Cache
	changed bool
	dropped int
}

// refused fails when the destination holds what on-conflict = "fail" is to keep.
func (p *publisher) refused(ours *cache.Cache) error {
	if p.policy == conflictFail && p.cur != nil && p.cur.Cache != nil && !ours.Covers(p.cur.Cache) {
		return fmt.Errorf("%w, and on-conflict is \"fail\"", errHeld)
	}
	return nil
}

// try makes one attempt: join, fit, and write unless nothing would change.
func (p *publisher) try(ctx context.Context, ours *cache.Cache, n *note) (*published, error) {
	if err := p.refused(ours); err != nil {
		return nil, err
	}
	want, root := ours, ocispec.Descriptor{}
	before, rest := "", false // the note that is there, and whether what it says of others will still be true
	if p.cur != nil {
		root, before = p.cur.Root, p.cur.Note
		rest = p.cur.Whole && p.policy != conflictOverwrite
		if p.policy == conflictMerge && p.cur.Cache != nil {
			merged, err := p.joined(ctx, ours)
			if err != nil {
				return nil, err
			}
			want = merged
		}
	}
	want, dropped, err := p.fitted(want)
	if err != nil {
		return nil, err
	}
	want = noted(want, n.written(before, rest && dropped.Results == 0, p.step.Export.Destination), p.dest.Format())
	if p.unchanged(want) {
		return &published{root: root, cache: want}, nil
	}
	desc, err := p.dest.Publish(ctx, want, root)
	if err != nil {
		return nil, err
	}
	return &published{root: desc, cache: want, changed: true, dropped: dropped.Results}, nil
}

// fitted returns c as BuildKit imports it. What has to be left out for that is not, with fit = "fail".
func (p *publisher) fitted(c *cache.Cache) (*cache.Cache, cache.Dropped, error) {
	limit := p.dest.Format().Limit()
	out, dropped, err := c.Fit(limit, p.dest.Format())
	if err == nil && dropped != (cache.Dropped{}) && p.fit == fitFail {
		return nil, dropped, fmt.Errorf("its manifest or config is over the %d bytes that are imported: %d of %d results would be left out, and fit is \"fail\"; give targets or branches caches of their own, or set fit = \"prune\"",
			limit, dropped.Results, c.Stats().Results)
	}
	return out, dropped, err
}

// noted is a cache with a note, or without if it would be too large to be imported with it.
func noted(c *cache.Cache, text string, f cache.Format) *cache.Cache {
	with := c.WithNote(text)
	if _, err := with.Encode(f); err != nil {
		return c
	}
	return with
}

// errHeld says that a destination holds results that this run's cache does not have.
var errHeld = errors.New("the destination holds cache of somebody else")

// joined merges what is at the destination with ours. Layers that came in since the run looked are at the destination already.
func (p *publisher) joined(ctx context.Context, ours *cache.Cache) (*cache.Cache, error) {
	merged := cache.Merge(p.cur.Cache, ours)
	return p.placed(ctx, merged)
}

// unchanged tells whether writing want would change nothing at the destination.
func (p *publisher) unchanged(want *cache.Cache) bool {
	if p.cur == nil || p.cur.Cache == nil || !p.cur.Whole {
		return false
	}
	enc, err := want.Encode(p.dest.Format())
	return err == nil && enc.ManifestDesc.Digest == p.cur.Root.Digest
}

// progressPusher reports how far each push is.
type progressPusher struct {
	blob.Pusher
	report func(current int64)
	read   *atomic.Int64 // nil: not counted
}

// Push pushes and counts the bytes read for it.
func (p *progressPusher) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	return p.Pusher.Push(ctx, desc, func(ctx context.Context) (io.ReadCloser, error) {
		rc, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return &progressReader{ReadCloser: rc, report: p.report, read: p.read}, nil
	})
}

// MountFrom mounts where the store can.
func (p *progressPusher) MountFrom(ctx context.Context, desc ocispec.Descriptor, src blob.Fetcher) (bool, error) {
	if m, ok := p.Pusher.(blob.Mounter); ok {
		return m.MountFrom(ctx, desc, src)
	}
	return false, nil
}

type progressReader struct {
	io.ReadCloser
	report func(int64)
	read   *atomic.Int64
	n      int64
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.n += int64(n)
	if r.read != nil {
		r.read.Add(int64(n))
	}
	r.report(r.n)
	return n, err
}
