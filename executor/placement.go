package executor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// pushesPerExport is how many layers one export has under way; the host's own limit applies besides.
const pushesPerExport = 8

// placed pushes all layers of c and returns c with the blobs they have at the destination.
func (p *publisher) placed(ctx context.Context, c *cache.Cache) (*cache.Cache, error) {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(pushesPerExport)
	for _, l := range c.Layers() {
		group.Go(func() error { return p.ensure(gctx, l) })
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

// joined merges what is at the destination with ours. Layers that came in since the run looked are at the destination already.
func (p *publisher) joined(ctx context.Context, ours *cache.Cache) (*cache.Cache, error) {
	merged := cache.Merge(p.cur.Cache, ours)
	return p.placed(ctx, merged)
}

// ensure brings a layer to the destination, unless it is there, and gives its blob the annotations it has there.
func (p *publisher) ensure(ctx context.Context, l cache.Layer) error {
	release, err := p.turn(ctx, l.Tar())
	if err != nil {
		return err
	}
	defer release()
	if _, ok := p.at(l.Tar()); ok {
		return nil
	}
	desc, err := p.bring(ctx, l.Tar())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready[l.Tar()] = withAnnotations(desc, l)
	return nil
}

// turn waits until nobody else brings the layer to the destination. The caller calls release exactly once.
func (p *publisher) turn(ctx context.Context, tar digest.Digest) (release func(), err error) {
	return p.run.uploads.acquire(ctx, p.dest.Key()+" "+tar.String())
}

// bring brings a layer to the destination and returns the blob it is there. It moves bytes only if neither the destination, nor a sibling
// it can mount from, has an acceptable blob. The caller has the layer's turn.
func (p *publisher) bring(ctx context.Context, tar digest.Digest) (ocispec.Descriptor, error) {
	p.mu.Lock()
	desc, ok := p.brought[tar]
	p.mu.Unlock()
	if ok {
		return desc, nil
	}
	if err := p.pushes.Acquire(ctx, 1); err != nil {
		return desc, err
	}
	defer p.pushes.Release(1)
	desc, from, err := p.choose(ctx, tar)
	if err != nil {
		return desc, err
	}
	if err := p.send(ctx, tar, desc, from); err != nil {
		return desc, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brought[tar] = desc
	return desc, nil
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

// choose picks the blob to send: a layer that is new is sent as this destination asks for it, another in an acceptable form that exists, else in one that is
// made now.
func (p *publisher) choose(ctx context.Context, tar digest.Digest) (ocispec.Descriptor, blob.Fetcher, error) {
	if found := p.run.pool.find(tar, p.dest.Host(), p.accepts); len(found) > 0 {
		made, _ := p.run.spool.Made(tar, p.want)
		best := max(0, slices.IndexFunc(found, func(a available) bool { return a.fresh && a.desc.Digest == made.Digest }))
		return found[best].desc, found[best].blobs, nil
	}
	places := p.run.pool.find(tar, "", func(ocispec.Descriptor) bool { return true })
	if len(places) == 0 {
		return ocispec.Descriptor{}, nil, fmt.Errorf("layer %s: %w in any place this run knows", tar, blob.ErrNotFound)
	}
	from, unpacked := places[0], tar
	if i := slices.IndexFunc(places, func(a available) bool { return blob.CompressionOf(a.desc) != blob.EStargz }); i >= 0 {
		from = places[i]
	} else {
		unpacked = digest.Digest(from.desc.Annotations[cache.AnnotationUncompressed])
	}
	desc, err := p.run.spool.Transcode(ctx, from.desc, unpacked, counted{from.blobs, &p.got}, p.want)
	if err != nil {
		return ocispec.Descriptor{}, nil, fmt.Errorf("compress layer %s as %s: %w", tar, p.want.Type, err)
	}
	p.run.pool.add(tar, available{desc: desc, blobs: p.run.spool})
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
