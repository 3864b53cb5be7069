package cache

import (
	"cmp"
	"encoding/binary"
	"slices"

	digest "github.com/opencontainers/go-digest"
)

// Kept is a cache and the store that keeps its blobs. In one store a blob is kept once, however many caches have it.
type Kept struct {
	Cache *Cache
	Store string
}

// Use is what one cache takes of its store. Unique is what no other cache that was measured has there: what would be freed without it.
type Use struct {
	Layers, UniqueLayers int
	Bytes, UniqueBytes   int64
}

// Sharing is the blobs that exactly these caches have in common, by their indices.
type Sharing struct {
	Caches []int
	Layers int
	Bytes  int64
}

// Usage is what several caches take together.
type Usage struct {
	// Each is in the order of the caches. Shared has the largest first.
	Each   []Use
	Shared []Sharing
	// Layers and Bytes count each blob once in each store.
	Layers int
	Bytes  int64
}

// Measure tells what caches take of their stores, and what they share there.
func Measure(caches []Kept) *Usage {
	type place struct {
		store string
		blob  digest.Digest
	}
	sizes, owners := map[place]int64{}, map[place][]int{}
	u := &Usage{Each: make([]Use, len(caches))}
	for i, k := range caches {
		for blob, size := range k.Cache.blobs() {
			at := place{k.Store, blob}
			sizes[at], owners[at] = size, append(owners[at], i)
			u.Each[i].Layers++
			u.Each[i].Bytes += size
		}
	}
	shared := map[string]*Sharing{}
	for at, who := range owners {
		u.Layers++
		u.Bytes += sizes[at]
		if len(who) == 1 {
			u.Each[who[0]].UniqueLayers++
			u.Each[who[0]].UniqueBytes += sizes[at]
			continue
		}
		s := shared[setKey(who)]
		if s == nil {
			s = &Sharing{Caches: who}
			shared[setKey(who)] = s
		}
		s.Layers++
		s.Bytes += sizes[at]
	}
	for _, s := range shared {
		u.Shared = append(u.Shared, *s)
	}
	slices.SortFunc(u.Shared, func(a, b Sharing) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), slices.Compare(a.Caches, b.Caches))
	})
	return u
}

// setKey is equal for equal lists.
func setKey(list []int) string {
	var b []byte
	for _, n := range list {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // an index
	}
	return string(b)
}
