package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Renew makes what the location holds young again where it is older than the location's attributes allow, so that rules of the bucket that
// delete by age leave it alone (BuildKit: cache/remotecache/s3, touch). c is the cache that root names. Layers that are gone by now are left
// out: there is nothing to renew.
func (l *Location) Renew(ctx context.Context, c *cache.Cache, root ocispec.Descriptor) error {
	renewer, ok := l.store.service.(Renewer)
	if !ok {
		return nil
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for _, desc := range distinct(c) {
		group.Go(func() error {
			if has, err := l.store.has(gctx, desc); err != nil || !has {
				return err
			}
			obj, old := l.aged(desc)
			if !old {
				return nil
			}
			key := l.store.service.BlobKey(desc.Digest)
			if err := renewer.Renew(gctx, key, obj); err != nil && !errors.Is(err, blob.ErrNotFound) {
				return fmt.Errorf("renew %s: %w", key, err)
			}
			l.store.note(desc.Digest, Object{Size: obj.Size, Modified: now()})
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return l.renewName(ctx, c, root)
}

// aged tells whether a layer is older than it may be.
func (l *Location) aged(desc ocispec.Descriptor) (Object, bool) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	obj, known := l.store.known[desc.Digest]
	return obj, known && now().Sub(obj.Modified) > l.opt.RenewAfter
}

// renewName writes the name's object again. Somebody who published meanwhile has made it young already.
func (l *Location) renewName(ctx context.Context, c *cache.Cache, root ocispec.Descriptor) error {
	l.mu.Lock()
	obj, seen := l.seen[root.Digest]
	l.mu.Unlock()
	if !seen || now().Sub(obj.Modified) <= l.opt.RenewAfter {
		return nil
	}
	if _, err := l.Publish(ctx, c, root); err != nil && !errors.Is(err, backend.ErrConflict) {
		return fmt.Errorf("renew %s: %w", l.key, err)
	}
	return nil
}
