package cache

import (
	"slices"

	digest "github.com/opencontainers/go-digest"
)

// Difference is what two caches, A and B, have alone and together. A record is its key, a layer its tar, whatever its compression, and bytes are
// those of blobs. Times do not count.
type Difference struct {
	// RecordsA and RecordsB are indices of records that only A or only B has.
	RecordsA, RecordsB []int
	// RecordsBoth is the number of records of both. Changed are the indices, in A and in B, of those among them with results of different layers.
	RecordsBoth int
	Changed     [][2]int
	// LayersA and LayersB are indices of layers that only A or only B has, each tar once.
	LayersA, LayersB []int
	// LayersBoth is the number of layers of both. Recompressed are the indices of those among them that have no blob in common.
	LayersBoth   int
	Recompressed [][2]int
	// BytesA, BytesB and BytesBoth are the sizes of the blobs that only A, only B, and both have.
	BytesA, BytesB, BytesBoth int64
}

// Equal tells whether the caches hold the same records with the same results in the same blobs.
func (d *Difference) Equal() bool {
	return len(d.RecordsA)+len(d.RecordsB)+len(d.Changed)+len(d.LayersA)+len(d.LayersB) == 0 && d.BytesA == 0 && d.BytesB == 0
}

// Compare tells how a and b differ.
func Compare(a, b *Cache) *Difference {
	d := &Difference{}
	inB := make(map[digest.Digest]int, len(b.ids))
	for i, id := range b.ids {
		inB[id] = i
	}
	resultsA, resultsB := a.outcomes(), b.outcomes()
	for i, id := range a.ids {
		j, ok := inB[id]
		if !ok {
			d.RecordsA = append(d.RecordsA, i)
			continue
		}
		delete(inB, id)
		d.RecordsBoth++
		if resultsA[i] != resultsB[j] {
			d.Changed = append(d.Changed, [2]int{i, j})
		}
	}
	d.RecordsB = sortedValues(inB)
	d.compareLayers(a, b)
	d.compareBlobs(a, b)
	return d
}

func (d *Difference) compareLayers(a, b *Cache) {
	ofA, ofB := a.byTar(), b.byTar()
	onlyA := map[digest.Digest]int{}
	for tar, i := range ofA {
		j, ok := ofB[tar]
		if !ok {
			onlyA[tar] = i[0]
			continue
		}
		d.LayersBoth++
		if !a.haveBlob(i, b, j) {
			d.Recompressed = append(d.Recompressed, [2]int{i[0], j[0]})
		}
	}
	d.LayersA = sortedValues(onlyA)
	for tar, j := range ofB {
		if _, ok := ofA[tar]; !ok {
			d.LayersB = append(d.LayersB, j[0])
		}
	}
	slices.Sort(d.LayersB)
	slices.SortFunc(d.Recompressed, func(x, y [2]int) int { return x[0] - y[0] })
}

// haveBlob tells whether one of the layers i is the same blob as one of b's layers j.
func (c *Cache) haveBlob(i []int, b *Cache, j []int) bool {
	return slices.ContainsFunc(i, func(i int) bool {
		return slices.ContainsFunc(j, func(j int) bool { return c.layers[i].Descriptor.Digest == b.layers[j].Descriptor.Digest })
	})
}

func (d *Difference) compareBlobs(a, b *Cache) {
	ofA, ofB := a.blobs(), b.blobs()
	for blob, size := range ofA {
		if _, ok := ofB[blob]; ok {
			d.BytesBoth += size
		} else {
			d.BytesA += size
		}
	}
	for blob, size := range ofB {
		if _, ok := ofA[blob]; !ok {
			d.BytesB += size
		}
	}
}

// blobs are the sizes of a cache's blobs.
func (c *Cache) blobs() map[digest.Digest]int64 {
	sizes := make(map[digest.Digest]int64, len(c.layers))
	for _, l := range c.layers {
		sizes[l.Descriptor.Digest] = l.Descriptor.Size
	}
	return sizes
}

// byTar are the indices of the layers made of each tar.
func (c *Cache) byTar() map[digest.Digest][]int {
	m := make(map[digest.Digest][]int, len(c.layers))
	for i, l := range c.layers {
		m[l.Tar()] = append(m[l.Tar()], i)
	}
	return m
}

// outcomes identifies what came of each record: the set of its results, each as the tars it is a stack of.
func (c *Cache) outcomes() []digest.Digest {
	stacks := make([]digest.Digest, len(c.layers))
	for i, l := range c.layers { // parents stand before children
		below := ""
		if l.Parent >= 0 {
			below = string(stacks[l.Parent])
		}
		stacks[i] = hash(below, string(l.Tar()))
	}
	out := make([]digest.Digest, len(c.records))
	for i, r := range c.records {
		var set []string
		for _, res := range r.Results {
			set = append(set, string(stacks[res.Layer]))
		}
		for _, ch := range r.Chains {
			var tars []string
			for _, l := range ch.Layers {
				tars = append(tars, string(c.layers[l].Tar()))
			}
			set = append(set, string(hash(tars...)))
		}
		slices.Sort(set)
		out[i] = hash(slices.Compact(set)...)
	}
	return out
}

func sortedValues(m map[digest.Digest]int) []int {
	var list []int
	for _, v := range m {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}
