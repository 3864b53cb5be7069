package cache

import (
	"slices"
	"sort"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Dropped counts what an operation left out.
type Dropped struct {
	Results, Records, Layers int
}

// filter returns the cache with the results that keep takes, and the records that lead to a result when prune is set.
func (c *Cache) filter(prune bool, keep func(record int, layer int, created time.Time) bool) (*Cache, Dropped) {
	records := make([]Record, len(c.records))
	for i, r := range c.records {
		records[i] = Record{Digest: r.Digest, Inputs: r.Inputs}
		for _, res := range r.Results {
			if keep(i, res.Layer, res.CreatedAt) {
				records[i].Results = append(records[i].Results, res)
			}
		}
		for _, ch := range r.Chains {
			if !slices.ContainsFunc(ch.Layers, func(l int) bool { return !keep(i, l, ch.CreatedAt) }) {
				records[i].Chains = append(records[i].Chains, ch)
			}
		}
	}
	if prune {
		records = useful(records)
	}
	out, err := canonical(c.layers, records)
	if err != nil {
		panic("cachectl: reduce of a valid cache: " + err.Error())
	}
	before, after := c.Stats(), out.Stats()
	return out, Dropped{Results: before.Results - after.Results, Records: before.Records - after.Records, Layers: before.Layers - after.Layers}
}

// useful returns the records that have a result or lead to one that has. Records stand after those they link to.
func useful(records []Record) []Record {
	needed := make([]bool, len(records))
	for i := len(records) - 1; i >= 0; i-- {
		r := &records[i]
		needed[i] = needed[i] || len(r.Results)+len(r.Chains) > 0
		if !needed[i] {
			continue
		}
		for _, alternatives := range r.Inputs {
			for _, l := range alternatives {
				needed[l.Record] = true
			}
		}
	}
	place := make([]int, len(records))
	var out []Record
	for i, r := range records {
		if !needed[i] {
			continue
		}
		place[i] = len(out)
		kept := Record{Digest: r.Digest, Results: r.Results, Chains: r.Chains}
		for _, alternatives := range r.Inputs {
			list := make([]Link, len(alternatives))
			for n, l := range alternatives {
				list[n] = Link{Selector: l.Selector, Record: place[l.Record]}
			}
			kept.Inputs = append(kept.Inputs, list)
		}
		out = append(out, kept)
	}
	return out
}

// final tells which records no other record links to: the results of what was built.
func (c *Cache) final() []bool {
	final := make([]bool, len(c.records))
	for i := range final {
		final[i] = true
	}
	for _, r := range c.records {
		for _, alternatives := range r.Inputs {
			for _, l := range alternatives {
				final[l.Record] = false
			}
		}
	}
	return final
}

// Min returns what mode=min publishes of a cache that was exported with mode=max: the layers of the final results, and the results of
// those steps whose layers are among them. All keys stay.
func (c *Cache) Min() *Cache {
	within := make([]bool, len(c.layers))
	for i, final := range c.final() {
		if !final {
			continue
		}
		eachLayer(&c.records[i], func(l int) {
			for ; l >= 0 && !within[l]; l = c.layers[l].Parent {
				within[l] = true
			}
		})
	}
	out, _ := c.filter(false, func(_, layer int, _ time.Time) bool { return within[layer] })
	return out
}

// Without drops the results that need one of the missing blobs. Their keys stay.
func (c *Cache) Without(missing map[digest.Digest]bool) (*Cache, Dropped) {
	broken := make([]bool, len(c.layers))
	for i, l := range c.layers { // parents stand before children
		broken[i] = missing[l.Descriptor.Digest] || (l.Parent >= 0 && broken[l.Parent])
	}
	return c.filter(false, func(_, layer int, _ time.Time) bool { return !broken[layer] })
}

// Fit returns the cache reduced until config and manifest are within limit bytes: the oldest results go first, those of final records last,
// and with them the keys that lead nowhere. A cache that fits is returned as it is. The error wraps ErrTooLarge when nothing would be left.
func (c *Cache) Fit(limit int64, f Format) (*Cache, Dropped, error) {
	fits := func(c *Cache) bool {
		enc, err := c.encode(f)
		return err == nil && int64(len(enc.Config)) <= limit && int64(len(enc.Manifest)) <= limit
	}
	if _, err := c.encode(f); err != nil {
		return nil, Dropped{}, err
	}
	if fits(c) {
		return c, Dropped{}, nil
	}
	order := c.byUse()
	without := func(n int) (*Cache, Dropped) {
		drop := make(map[int]bool, n)
		for _, r := range order[:n] {
			drop[r] = true
		}
		return c.filter(true, func(record, _ int, _ time.Time) bool { return !drop[record] })
	}
	n := sort.Search(len(order)+1, func(n int) bool {
		reduced, _ := without(n)
		return fits(reduced)
	})
	if n >= len(order) {
		return nil, Dropped{}, ErrTooLarge
	}
	out, dropped := without(n)
	return out, dropped, nil
}

// byUse lists the records with results, the least useful first: not final before final, older before newer.
func (c *Cache) byUse() []int {
	final := c.final()
	newest := make([]time.Time, len(c.records))
	var order []int
	for i, r := range c.records {
		for _, res := range r.Results {
			newest[i] = res.CreatedAt
		}
		for _, ch := range r.Chains {
			newest[i] = ch.CreatedAt
		}
		if len(r.Results)+len(r.Chains) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if final[a] != final[b] {
			if final[b] {
				return -1
			}
			return 1
		}
		return newest[a].Compare(newest[b])
	})
	return order
}
