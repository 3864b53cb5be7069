package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// canonical builds a Cache from layers and records that refer to each other by index in any order. Equal layers and equal keys
// become one; of several results of a key the newest stay, all of them when they are of the same time. The error is ErrInvalid for cycles,
// indices out of range and chains that are too long.
func canonical(layers []Layer, records []Record) (*Cache, error) {
	chainOf, depth, err := chainIDs(layers)
	if err != nil {
		return nil, err
	}
	order, err := recordOrder(records, len(layers))
	if err != nil {
		return nil, err
	}
	ids, rank := recordIDs(records, order)
	records = newestOnly(records, ids)

	inUse := make([]bool, len(layers))
	for i := range records {
		eachLayer(&records[i], func(l int) {
			for ; l >= 0 && !inUse[l]; l = layers[l].Parent {
				inUse[l] = true
			}
		})
	}
	chosen := map[digest.Digest]int{} // chain → a layer index
	for l := range layers {
		if have, ok := chosen[chainOf[l]]; inUse[l] && (!ok || preferred(layers[l], layers[have])) {
			chosen[chainOf[l]] = l
		}
	}
	c := &Cache{}
	place := c.placeLayers(layers, chainOf, depth, chosen)
	c.placeRecords(records, ids, rank, func(l int) int { return place[chainOf[l]] })
	return c, nil
}

// preferred makes the choice between two descriptors of the same blob on the same parent the same in every order: the older one, then by
// all that is in it.
func preferred(a, b Layer) bool {
	ka, kb := a.Descriptor.Annotations[AnnotationCreatedAt], b.Descriptor.Annotations[AnnotationCreatedAt]
	if ka != kb {
		return ka < kb
	}
	if a.Descriptor.MediaType == b.Descriptor.MediaType && maps.Equal(a.Descriptor.Annotations, b.Descriptor.Annotations) && a.Descriptor.Size == b.Descriptor.Size {
		return false
	}
	ja, aerr := json.Marshal(a.Descriptor)
	jb, berr := json.Marshal(b.Descriptor)
	return aerr == nil && berr == nil && bytes.Compare(ja, jb) < 0
}

// eachLayer calls fn for each layer a record's results name.
func eachLayer(r *Record, fn func(int)) {
	for _, res := range r.Results {
		fn(res.Layer)
	}
	for _, ch := range r.Chains {
		for _, l := range ch.Layers {
			fn(l)
		}
	}
}

// chainIDs identifies each layer with all its parents, and tells how many those are.
func chainIDs(layers []Layer) ([]digest.Digest, []int, error) {
	ids := make([]digest.Digest, len(layers))
	depth := make([]int, len(layers))
	var stack []int
	for i := range layers {
		for l := i; l != -1 && ids[l] == ""; l = layers[l].Parent {
			if p := layers[l].Parent; p < -1 || p >= len(layers) {
				return nil, nil, invalid("layer %d has parent %d of %d layers", l, p, len(layers))
			}
			stack = append(stack, l)
			if len(stack) > maxChain {
				return nil, nil, invalid("layer %d stands on more than %d others, or on itself", i, maxChain)
			}
		}
		for len(stack) > 0 {
			l := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			var below digest.Digest
			if p := layers[l].Parent; p >= 0 {
				below, depth[l] = ids[p], depth[p]+1
			}
			if depth[l] >= maxChain {
				return nil, nil, invalid("layer %d stands on more than %d others", l, maxChain)
			}
			ids[l] = hash(string(below), string(layers[l].Descriptor.Digest))
		}
	}
	return ids, depth, nil
}

// recordOrder returns the records so that those a record links to stand before it.
func recordOrder(records []Record, layers int) ([]int, error) {
	waiting := make([]int, len(records))
	dependents := make([][]int, len(records))
	for i := range records {
		if err := checkRecord(records, i, layers); err != nil {
			return nil, err
		}
		for _, alternatives := range records[i].Inputs {
			for _, l := range alternatives {
				waiting[i]++
				dependents[l.Record] = append(dependents[l.Record], i)
			}
		}
	}
	order := make([]int, 0, len(records))
	for i, n := range waiting {
		if n == 0 {
			order = append(order, i)
		}
	}
	for next := 0; next < len(order); next++ {
		for _, d := range dependents[order[next]] {
			if waiting[d]--; waiting[d] == 0 {
				order = append(order, d)
			}
		}
	}
	if len(order) < len(records) {
		for i, n := range waiting {
			if n > 0 {
				return nil, invalid("record %d depends on itself", i)
			}
		}
	}
	return order, nil
}

// checkRecord checks one record's indices.
func checkRecord(records []Record, i, layers int) error {
	r := &records[i]
	for n, alternatives := range r.Inputs {
		if len(alternatives) == 0 {
			return invalid("record %d has an empty input %d", i, n)
		}
		for _, l := range alternatives {
			if l.Record < 0 || l.Record >= len(records) {
				return invalid("record %d links to record %d of %d", i, l.Record, len(records))
			}
		}
	}
	var err error
	eachLayer(r, func(l int) {
		if l < 0 || l >= layers {
			err = invalid("record %d has a result in layer %d of %d", i, l, layers)
		}
	})
	return err
}

// recordIDs identifies each record by its digest and the set of alternatives of each input, and tells how deep it stands in the graph.
func recordIDs(records []Record, order []int) (ids []digest.Digest, rank []int) {
	ids = make([]digest.Digest, len(records))
	rank = make([]int, len(records))
	for _, i := range order {
		parts := []string{string(records[i].Digest)}
		for _, alternatives := range records[i].Inputs {
			var set []string
			for _, l := range alternatives {
				set = append(set, string(ids[l.Record])+l.Selector)
				rank[i] = max(rank[i], rank[l.Record]+1)
			}
			slices.Sort(set)
			parts = append(parts, string(hash(slices.Compact(set)...)))
		}
		ids[i] = hash(parts...)
	}
	return ids, rank
}

// hash digests a list of strings; lists that differ have different digests.
func hash(parts ...string) digest.Digest {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return digest.NewDigest(digest.SHA256, h)
}

// placeLayers fills in the layers that are used, parents first, and returns where each chain went.
func (c *Cache) placeLayers(layers []Layer, chainOf []digest.Digest, depth []int, used map[digest.Digest]int) map[digest.Digest]int {
	chosen := make([]int, 0, len(used))
	for _, l := range used {
		chosen = append(chosen, l)
	}
	slices.SortFunc(chosen, func(a, b int) int {
		if depth[a] != depth[b] {
			return depth[a] - depth[b]
		}
		return bytes.Compare([]byte(chainOf[a]), []byte(chainOf[b]))
	})
	place := make(map[digest.Digest]int, len(chosen))
	for _, l := range chosen {
		layer := layers[l]
		if layer.Parent >= 0 {
			layer.Parent = place[chainOf[layer.Parent]]
		}
		place[chainOf[l]] = len(c.layers)
		c.layers = append(c.layers, layer)
		c.chains = append(c.chains, chainOf[l])
	}
	return place
}

// placeRecords fills in the records, those that others link to first, joining equal keys.
func (c *Cache) placeRecords(records []Record, ids []digest.Digest, rank []int, layer func(int) int) {
	index := make([]int, len(records))
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(a, b int) int {
		if rank[a] != rank[b] {
			return rank[a] - rank[b]
		}
		return bytes.Compare([]byte(ids[a]), []byte(ids[b]))
	})
	place := make(map[digest.Digest]int, len(records))
	for _, i := range index {
		at, known := place[ids[i]]
		if !known {
			at = len(c.records)
			place[ids[i]] = at
			c.ids = append(c.ids, ids[i])
			c.records = append(c.records, Record{Digest: records[i].Digest, Inputs: relink(records[i].Inputs, ids, place)})
		}
		r := &c.records[at]
		for _, res := range records[i].Results {
			r.Results = append(r.Results, Result{Layer: layer(res.Layer), CreatedAt: res.CreatedAt.UTC()})
		}
		for _, ch := range records[i].Chains {
			moved := Chain{CreatedAt: ch.CreatedAt.UTC()}
			for _, l := range ch.Layers {
				moved.Layers = append(moved.Layers, layer(l))
			}
			r.Chains = append(r.Chains, moved)
		}
	}
	for i := range c.records {
		c.records[i].tidy()
	}
}

// relink returns a record's inputs in terms of the new places, sorted.
func relink(inputs [][]Link, ids []digest.Digest, place map[digest.Digest]int) [][]Link {
	var out [][]Link
	for _, alternatives := range inputs {
		var links []Link
		for _, l := range alternatives {
			links = append(links, Link{Selector: l.Selector, Record: place[ids[l.Record]]})
		}
		slices.SortFunc(links, func(a, b Link) int {
			if a.Record != b.Record {
				return a.Record - b.Record
			}
			return bytes.Compare([]byte(a.Selector), []byte(b.Selector))
		})
		out = append(out, slices.Compact(links))
	}
	return out
}

// newestOnly drops the results of a key that are older than its newest. Nothing is dropped for being of the same time as another.
func newestOnly(records []Record, ids []digest.Digest) []Record {
	newest := make(map[digest.Digest]time.Time, len(records))
	note := func(id digest.Digest, t time.Time) {
		if have, ok := newest[id]; !ok || t.After(have) {
			newest[id] = t
		}
	}
	for i, r := range records {
		for _, res := range r.Results {
			note(ids[i], res.CreatedAt)
		}
		for _, ch := range r.Chains {
			note(ids[i], ch.CreatedAt)
		}
	}
	out := make([]Record, len(records))
	for i, r := range records {
		out[i] = Record{Digest: r.Digest, Inputs: r.Inputs}
		for _, res := range r.Results {
			if res.CreatedAt.Equal(newest[ids[i]]) {
				out[i].Results = append(out[i].Results, res)
			}
		}
		for _, ch := range r.Chains {
			if ch.CreatedAt.Equal(newest[ids[i]]) {
				out[i].Chains = append(out[i].Chains, ch)
			}
		}
	}
	return out
}

// tidy sorts a record's results and drops duplicates.
func (r *Record) tidy() {
	slices.SortFunc(r.Results, func(a, b Result) int { return a.Layer - b.Layer })
	r.Results = slices.CompactFunc(r.Results, func(a, b Result) bool { return a.Layer == b.Layer })
	slices.SortFunc(r.Chains, func(a, b Chain) int { return slices.Compare(a.Layers, b.Layers) })
	r.Chains = slices.CompactFunc(r.Chains, func(a, b Chain) bool { return slices.Equal(a.Layers, b.Layers) })
}
