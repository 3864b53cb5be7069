package cache

// Merge joins caches: every key that is importable from one of them is importable from the result. It is commutative, associative and
// idempotent, and equal inputs give equal bytes. Of two results of one key the newer wins; both stay when they are of the same time.
func Merge(caches ...*Cache) *Cache {
	var layers []Layer
	var records []Record
	for _, c := range caches {
		atLayer, atRecord := len(layers), len(records)
		for _, l := range c.layers {
			if l.Parent >= 0 {
				l.Parent += atLayer
			}
			layers = append(layers, l)
		}
		for _, r := range c.records {
			records = append(records, r.shifted(atRecord, atLayer))
		}
	}
	merged, err := canonical(layers, records)
	if err != nil {
		// Joining valid graphs side by side cannot make a cycle or a bad index.
		panic("cachectl: merge of valid caches: " + err.Error())
	}
	return merged
}

// shifted returns the record with its indices moved.
func (r Record) shifted(records, layers int) Record {
	out := Record{Digest: r.Digest}
	for _, alternatives := range r.Inputs {
		list := make([]Link, len(alternatives))
		for i, l := range alternatives {
			list[i] = Link{Selector: l.Selector, Record: l.Record + records}
		}
		out.Inputs = append(out.Inputs, list)
	}
	for _, res := range r.Results {
		res.Layer += layers
		out.Results = append(out.Results, res)
	}
	for _, ch := range r.Chains {
		moved := Chain{CreatedAt: ch.CreatedAt}
		for _, l := range ch.Layers {
			moved.Layers = append(moved.Layers, l+layers)
		}
		out.Chains = append(out.Chains, moved)
	}
	return out
}
