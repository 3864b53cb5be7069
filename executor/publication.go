package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// publishRounds bounds how often a publication is tried again because somebody else published meanwhile; between two rounds a random part of a
	// pause that grows up to longestPause goes by, so that many who write at once do not meet again and again.
	publishRounds = 64
	firstPause    = 10 * time.Millisecond
	longestPause  = time.Second
)

// fitFail refuses to publish a cache that is too large for BuildKit to import; else it is pruned.
const fitFail = "fail"

// errHeld says that a destination holds results that this run's cache does not have.
var errHeld = errors.New("the destination holds cache of somebody else")

// published is what a publication came to.
type published struct {
	root    ocispec.Descriptor
	cache   *cache.Cache
	changed bool
	dropped int
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

// refused fails when the destination holds what on-conflict = "fail" is to keep.
func (p *publisher) refused(ours *cache.Cache) error {
	if p.policy == conflictFail && p.cur != nil && p.cur.Cache != nil && !ours.Covers(p.cur.Cache) {
		return fmt.Errorf("%w, and on-conflict is \"fail\"", errHeld)
	}
	return nil
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

// unchanged tells whether writing want would change nothing at the destination.
func (p *publisher) unchanged(want *cache.Cache) bool {
	if p.cur == nil || p.cur.Cache == nil || !p.cur.Whole {
		return false
	}
	enc, err := want.Encode(p.dest.Format())
	return err == nil && enc.ManifestDesc.Digest == p.cur.Root.Digest
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
