package backendtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Writers publishes from many processes at once, which know nothing of each other, and checks that everything is kept.
func Writers(t testing.TB, n int, open func() backend.Destination) {
	t.Helper()
	var group sync.WaitGroup
	all := make([]*cache.Cache, n)
	for w := range n {
		s := NewSample(t, fmt.Sprint("writer ", w), 2)
		dest := open()
		all[w] = s.Cache
		group.Go(func() {
			Push(t, dest, s)
			mine := s.Cache
			for {
				want, root := mine, ocispec.Descriptor{}
				cur, err := dest.Read(t.Context())
				switch {
				case err == nil && cur.Cache.Covers(mine):
					return
				case err == nil:
					want, root = cache.Merge(cur.Cache, mine), cur.Root
				case !errors.Is(err, blob.ErrNotFound):
					t.Errorf("writer %d: read: %v", w, err)
					return
				}
				root, err = dest.Publish(t.Context(), want, root)
				if settler, ok := dest.(backend.Settler); ok && err == nil {
					mine = want // whoever published what was joined is gone
					err = settler.Settle(t.Context(), root)
				}
				if err == nil || !errors.Is(err, backend.ErrConflict) {
					if err != nil {
						t.Errorf("writer %d: publish: %v", w, err)
					}
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	if cur := Read(t, open()); !cur.Cache.Covers(cache.Merge(all...)) {
		t.Errorf("%d records are left of the %d that were published", cur.Cache.Stats().Records, cache.Merge(all...).Stats().Records)
	}
}
