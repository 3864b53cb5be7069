package executor

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/cachectl/cachectl/executor/blob"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

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
