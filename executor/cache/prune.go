package cache

import (
	"slices"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Limits says how much of a set of caches may stay. A limit that is zero does not limit.
//
// BuildKit stores when a result was made (createdAt) and not when it was last used. A use is known all the same where something newer was built
// on the result: what is built on it had to look it up. So the last known use of a result is the newest time among its own and those of all results
// whose keys lead through its key, in any cache of the set. A result that only ever was the end of a build, and hits every day, is not seen.
type Limits struct {
	// Now is the moment that ages count from. Results of the future count as made now.
	Now time.Time
	// MaxAge is how long ago a result may have been made, MaxIdle how long ago its last known use may be. A result whose time is not known stays.
	MaxAge, MaxIdle time.Duration
	// MaxBytes is how large the distinct blobs of all results together may be. The results whose last known use is longest ago go first.
	MaxBytes int64
	// MaxResults is how many keys with a result may stay, over all caches.
	MaxResults int
}

// Subject is one cache of a set that is pruned together.
type Subject struct {
	Cache *Cache
	// Keep exempts it: nothing of it goes, and its blobs are paid for first.
	Keep bool
}

// Prune returns what stays of each cache of a set, in its order: the results that are within the limits, and all keys that lead to them. A cache
// of which nothing goes is returned as it is. It is deterministic and idempotent; the bytes of what stays are within MaxBytes unless those
// of the exempted caches alone are not.
func (l Limits) Prune(set ...Subject) []*Cache {
	p := newPruning(l, set)
	p.tooOld()
	p.tooMuch()
	p.tooOld() // the known use of something may have gone
	out := make([]*Cache, len(set))
	for i, s := range set {
		out[i] = s.Cache
		if kept := p.keeps[i]; slices.Contains(kept, false) {
			out[i], _ = s.Cache.filter(true, func(record, _ int, _ time.Time) bool { return kept[record] })
		}
	}
	return out
}

// Bytes is the size of the distinct blobs of several caches.
func Bytes(caches ...*Cache) int64 {
	seen := map[digest.Digest]bool{}
	total := int64(0)
	for _, c := range caches {
		for _, l := range c.layers {
			if !seen[l.Descriptor.Digest] {
				seen[l.Descriptor.Digest] = true
				total += l.Descriptor.Size
			}
		}
	}
	return total
}

// pruning is one run of Prune. A record is kept or goes with all its results, which are of the same time.
type pruning struct {
	limits Limits
	set    []Subject
	// keeps tells, by cache and record, what stays; a record without a result stays as a key only.
	keeps [][]bool
}

func newPruning(l Limits, set []Subject) *pruning {
	p := &pruning{limits: l, set: set, keeps: make([][]bool, len(set))}
	for i, s := range set {
		p.keeps[i] = make([]bool, len(s.Cache.records))
		for r := range p.keeps[i] {
			p.keeps[i][r] = true
		}
	}
	return p
}

// made is when a record's results were made, zero when that is not known or it has none.
func (p *pruning) made(c *Cache, r *Record) time.Time {
	var t time.Time
	for _, res := range r.Results {
		t = res.CreatedAt
		if t.IsZero() {
			t, _ = time.Parse(time.RFC3339Nano, c.layers[res.Layer].Descriptor.Annotations[AnnotationCreatedAt])
		}
	}
	for _, ch := range r.Chains {
		t = ch.CreatedAt
	}
	if t.After(p.limits.Now) {
		return p.limits.Now
	}
	return t
}

// used is the last known use of each record's result, by cache and record.
func (p *pruning) used() [][]time.Time {
	newest := map[digest.Digest]time.Time{}
	out := make([][]time.Time, len(p.set))
	for i, s := range p.set {
		times := make([]time.Time, len(s.Cache.records))
		for r := len(times) - 1; r >= 0; r-- { // records stand after those they link to
			rec := &s.Cache.records[r]
			if made := p.made(s.Cache, rec); p.keeps[i][r] && made.After(times[r]) {
				times[r] = made
			}
			for _, alternatives := range rec.Inputs {
				for _, l := range alternatives {
					if times[r].After(times[l.Record]) {
						times[l.Record] = times[r]
					}
				}
			}
			if id := s.Cache.ids[r]; len(p.set) > 1 && times[r].After(newest[id]) {
				newest[id] = times[r]
			}
		}
		out[i] = times
	}
	for i, s := range p.set {
		for r, id := range s.Cache.ids {
			if t := newest[id]; t.After(out[i][r]) {
				out[i][r] = t
			}
		}
	}
	return out
}

// tooOld drops what is older than the limits.
func (p *pruning) tooOld() {
	if p.limits.MaxAge == 0 && p.limits.MaxIdle == 0 {
		return
	}
	past := func(t time.Time, limit time.Duration) bool {
		return limit > 0 && !t.IsZero() && p.limits.Now.Sub(t) > limit
	}
	used := p.used()
	for i, s := range p.set {
		if s.Keep {
			continue
		}
		for r := range s.Cache.records {
			rec := &s.Cache.records[r]
			if rec.hasResult() && (past(p.made(s.Cache, rec), p.limits.MaxAge) || past(used[i][r], p.limits.MaxIdle)) {
				p.keeps[i][r] = false
			}
		}
	}
}

func (r *Record) hasResult() bool { return len(r.Results)+len(r.Chains) > 0 }

// standing identifies the layers of a record's results, each with all its parents.
func (c *Cache) standing(record int) []digest.Digest {
	var list []digest.Digest
	eachLayer(&c.records[record], func(l int) { list = append(list, c.chains[l]) })
	return list
}

// candidate is a record whose results stay if there is room for them.
type candidate struct {
	cache, record int
	used, made    time.Time
}

// candidates lists what is not dropped yet, the most useful first: the last known use decides, then when it was made; what stands deeper in the
// graph comes before what it is built on. Where several caches hold the same, layers decide, so that the order of the caches does not: equal ones cost the same.
func (p *pruning) candidates() []candidate {
	used := p.used()
	var list []candidate
	for i, s := range p.set {
		for r := range s.Cache.records {
			if rec := &s.Cache.records[r]; !s.Keep && p.keeps[i][r] && rec.hasResult() {
				list = append(list, candidate{i, r, used[i][r], p.made(s.Cache, rec)})
			}
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if c := b.used.Compare(a.used); c != 0 {
			return c
		}
		if c := b.made.Compare(a.made); c != 0 {
			return c
		}
		if a.record != b.record {
			return b.record - a.record
		}
		in, other := p.set[a.cache].Cache, p.set[b.cache].Cache
		if c := strings.Compare(string(in.ids[a.record]), string(other.ids[b.record])); c != 0 {
			return c
		}
		return slices.Compare(in.standing(a.record), other.standing(b.record))
	})
	return list
}

// tooMuch drops what there is no room for. A result that does not fit is passed over: what comes after it may still fit, or cost nothing because its
// layers are paid for.
func (p *pruning) tooMuch() {
	if p.limits.MaxBytes == 0 && p.limits.MaxResults == 0 {
		return
	}
	b := newBudget(p.limits, p.set)
	for i, s := range p.set {
		if !s.Keep {
			continue
		}
		for r := range s.Cache.records {
			if rec := &s.Cache.records[r]; rec.hasResult() {
				b.pay(i, rec, true)
			}
		}
	}
	for _, c := range p.candidates() {
		if !b.pay(c.cache, &p.set[c.cache].Cache.records[c.record], false) {
			p.keeps[c.cache][c.record] = false
		}
	}
}

// budget is what room is left.
type budget struct {
	limits  Limits
	set     []Subject
	bytes   int64 // spent
	results int   // kept
	// have are the layers, by cache, that stay with all their parents, full those there was no room for.
	have, full [][]bool
	// looks counts the results that were looked at; seen is the last of them that needed a layer, by cache, and blobs the last that was charged for
	// a blob, or paid.
	looks int
	seen  [][]int
	blobs map[digest.Digest]int
	// walked are the layers that the result needs and that do not stay yet.
	walked []int
}

// paid stands for a blob that stays.
const paid = -1

func newBudget(l Limits, set []Subject) *budget {
	b := &budget{limits: l, set: set, blobs: map[digest.Digest]int{}}
	for _, s := range set {
		n := len(s.Cache.layers)
		b.have, b.full, b.seen = append(b.have, make([]bool, n)), append(b.full, make([]bool, n)), append(b.seen, make([]int, n))
	}
	return b
}

// pay takes a record's results in if there is room, or in any case, and tells whether it did. All acceptances together look at each layer once,
// and a layer there was no room for is not tried again.
func (b *budget) pay(cache int, r *Record, anyway bool) bool {
	if !anyway && b.limits.MaxResults > 0 && b.results >= b.limits.MaxResults {
		return false
	}
	cost, fits := b.cost(cache, r, anyway)
	if !fits {
		return false
	}
	for _, l := range b.walked {
		b.have[cache][l] = true
		b.blobs[b.set[cache].Cache.layers[l].Descriptor.Digest] = paid
	}
	b.bytes += cost
	b.results++
	return true
}

// cost adds up the blobs that a record's results need and that are not paid for.
func (b *budget) cost(cache int, r *Record, anyway bool) (cost int64, fits bool) {
	layers, have, full, seen := b.set[cache].Cache.layers, b.have[cache], b.full[cache], b.seen[cache]
	b.looks++
	b.walked = b.walked[:0]
	fits = true
	eachLayer(r, func(l int) { fits = fits && (anyway || !full[l]) })
	eachLayer(r, func(top int) {
		for l := top; fits && l >= 0 && !have[l] && seen[l] != b.looks; l = layers[l].Parent {
			seen[l] = b.looks
			b.walked = append(b.walked, l)
			desc := layers[l].Descriptor
			if at := b.blobs[desc.Digest]; at != paid && at != b.looks {
				b.blobs[desc.Digest] = b.looks
				cost += desc.Size
			}
			over := b.limits.MaxBytes > 0 && cost > 0 && b.bytes+cost > b.limits.MaxBytes
			if !anyway && (full[l] || over) {
				full[top], fits = true, false
			}
		}
	})
	return cost, fits
}
