package executor

import (
	"context"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// preview is publish that writes nothing: it tells what would be there, and counts what would be sent. The size of a layer that would have to be
// compressed is not known; it counts as what it has now, and what is published then has no digest yet.
func (p *publisher) preview(ctx context.Context, c *cache.Cache, _ *note) (*published, error) {
	if p.dest.Format().Mode == cache.ModeMin {
		c = c.Min()
	}
	if err := p.refused(c); err != nil {
		return nil, err
	}
	if p.policy == conflictMerge && p.cur != nil && p.cur.Cache != nil {
		c = cache.Merge(p.cur.Cache, c)
	}
	exact := true
	want, err := c.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		if desc, ok := p.at(l.Tar()); ok {
			return desc, nil
		}
		desc, as, err := p.foresee(ctx, l)
		exact = exact && as
		return desc, err
	})
	if err != nil {
		return nil, err
	}
	want, dropped, err := p.fitted(want)
	if err != nil {
		return nil, err
	}
	out := &published{cache: want, changed: !exact || !p.unchanged(want), dropped: dropped.Results}
	if enc, err := want.Encode(p.dest.Format()); err == nil && exact {
		out.root = enc.ManifestDesc
	}
	return out, nil
}

// foresee tells which blob would be sent for a layer, whether it would be exactly that one, and counts it unless the destination has it or can take
// it over.
func (p *publisher) foresee(ctx context.Context, l cache.Layer) (desc ocispec.Descriptor, exact bool, err error) {
	desc, near := l.Descriptor, false
	found := p.run.pool.find(l.Tar(), p.dest.Host(), p.accepts)
	if exact = len(found) > 0; exact {
		_, mounts := p.dest.Blobs().(blob.Mounter)
		desc, near = withAnnotations(found[0].desc, l), mounts && found[0].host == p.dest.Host()
	}
	if !near {
		has, err := p.dest.Blobs().Has(ctx, desc)
		if err != nil {
			return desc, exact, err
		}
		near = has && exact
	}
	if !near {
		p.sent += desc.Size
	}
	p.mu.Lock()
	p.ready[l.Tar()] = desc
	p.mu.Unlock()
	return desc, exact, nil
}
