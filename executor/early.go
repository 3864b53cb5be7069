package executor

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
)

// earlyPushes bring layers to a destination while the builder still hands over others. They are a head start and nothing else: nothing points
// at what they push, and what they have not brought, or failed to, the export step brings, with its own error if it fails.
type earlyPushes struct {
	ctx    context.Context
	cancel context.CancelFunc
	failed atomic.Bool

	mu    sync.Mutex
	ended bool
	group sync.WaitGroup
}

// startEarly lets layers be pushed early to the destinations that every layer of a build is sure to go to, those of mode=max, and returns them. It
// ends with endEarly or ctx.
func startEarly(ctx context.Context, publishers map[planner.StepID]*publisher) []*publisher {
	var list []*publisher
	for _, id := range sortedIDs(publishers) {
		p := publishers[id]
		if p.dest.Format().Mode != cache.ModeMax {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		p.early = &earlyPushes{ctx: ctx, cancel: cancel}
		list = append(list, p)
	}
	return list
}

// abandon gives up what is not going to be published and returns the bytes that were sent.
func abandon(publishers map[planner.StepID]*publisher) int64 {
	var sent int64
	for _, p := range publishers {
		p.endEarly()
		sent += p.sent
	}
	return sent
}

// pushEarly starts to bring a layer of the pool to the destination and does not wait. After a failure no more are started.
func (p *publisher) pushEarly(tar digest.Digest) {
	e := p.early
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.group.Go(func() {
		if err := p.bringEarly(e.ctx, tar); err != nil && !e.failed.Swap(true) {
			p.run.log.Debug("layers are pushed when all have come in", "to", p.dest.Name(), "reason", err)
		}
	})
}

func (p *publisher) bringEarly(ctx context.Context, tar digest.Digest) error {
	release, err := p.turn(ctx, tar)
	if err != nil {
		return err
	}
	defer release()
	if _, ok := p.at(tar); ok || p.early.failed.Load() {
		return nil
	}
	_, err = p.bring(ctx, tar)
	return err
}

// endEarly stops what is under way and waits for it. It may be called again.
func (p *publisher) endEarly() {
	e := p.early
	if e == nil {
		return
	}
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	e.cancel()
	e.group.Wait()
}

// endEarly ends the pushes for exports that did not run after all.
func (r *run) endEarly() {
	for _, made := range r.produced {
		for _, p := range made.publishers {
			p.endEarly()
		}
	}
}
