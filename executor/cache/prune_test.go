package cache_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-cmp/cmp"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"pgregory.net/rapid"
)

// drawLimits makes limits of which some apply to what draw makes.
func drawLimits(t *rapid.T) cache.Limits {
	l := cache.Limits{Now: day.AddDate(0, 0, 3)}
	if rapid.Bool().Draw(t, "max age?") {
		l.MaxAge = time.Duration(rapid.IntRange(1, 80).Draw(t, "max age")) * time.Hour
	}
	if rapid.Bool().Draw(t, "max idle?") {
		l.MaxIdle = time.Duration(rapid.IntRange(1, 80).Draw(t, "max idle")) * time.Hour
	}
	if rapid.Bool().Draw(t, "max bytes?") {
		l.MaxBytes = int64(rapid.IntRange(1, 1200).Draw(t, "max bytes"))
	}
	if rapid.Bool().Draw(t, "max results?") {
		l.MaxResults = rapid.IntRange(1, 6).Draw(t, "max results")
	}
	return l
}

func drawSet(t *rapid.T) []cache.Subject {
	var set []cache.Subject
	for i := range rapid.IntRange(1, 3).Draw(t, "caches") {
		set = append(set, cache.Subject{Cache: draw(t, fmt.Sprint("cache ", i)), Keep: rapid.IntRange(0, 3).Draw(t, "keep") == 0})
	}
	return set
}

// keyed counts the records with a result.
func keyed(c *cache.Cache) int {
	n := 0
	for _, r := range c.Records() {
		if len(r.Results)+len(r.Chains) > 0 {
			n++
		}
	}
	return n
}

// TestWhatStaysOfAPrunedCacheIsImportable asks BuildKit's own code for every key that is left, along the links that lead to it.
func TestWhatStaysOfAPrunedCacheIsImportable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits, set := drawLimits(t), drawSet(t)
		for i, c := range limits.Prune(set...) {
			checkImport(t, c)
			if !set[i].Cache.Covers(c) {
				t.Error("a pruned cache has a result that it did not have")
			}
			if set[i].Keep && c != set[i].Cache {
				t.Error("a cache that is to be kept was changed")
			}
		}
	})
}

func TestPruningIsIdempotentAndDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits, set := drawLimits(t), drawSet(t)
		once := limits.Prune(set...)
		again := slices.Clone(set)
		for i := range again {
			again[i].Cache = once[i]
		}
		for i, c := range limits.Prune(again...) {
			if x, y := text(t, once[i]), text(t, c); x != y {
				t.Errorf("pruned twice cache %d is another:\n%s", i, cmp.Diff(x, y))
			}
		}
		reversed := slices.Clone(set)
		slices.Reverse(reversed)
		other := limits.Prune(reversed...)
		slices.Reverse(other)
		if !slices.EqualFunc(once, other, func(a, b *cache.Cache) bool { return cache.Bytes(a) == cache.Bytes(b) }) && cache.Bytes(once...) != cache.Bytes(other...) {
			t.Errorf("%d bytes stay, and %d with the caches in another order", cache.Bytes(once...), cache.Bytes(other...))
		}
	})
}

func TestLimitsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits, set := drawLimits(t), drawSet(t)
		out := limits.Prune(set...)
		var exempt []*cache.Cache
		results, exempted := 0, 0
		for i, c := range out {
			results += keyed(c)
			if set[i].Keep {
				exempt = append(exempt, c)
				exempted += keyed(c)
				continue
			}
			for _, r := range c.Records() {
				for _, res := range r.Results {
					if limits.MaxAge > 0 && limits.Now.Sub(res.CreatedAt) > limits.MaxAge {
						t.Errorf("a result of %s stays with a limit of %s", res.CreatedAt, limits.MaxAge)
					}
				}
			}
		}
		if total := cache.Bytes(out...); limits.MaxBytes > 0 && total > max(limits.MaxBytes, cache.Bytes(exempt...)) {
			t.Errorf("%d bytes stay with a limit of %d; exempt are %d", total, limits.MaxBytes, cache.Bytes(exempt...))
		}
		if limits.MaxResults > 0 && results > max(limits.MaxResults, exempted) {
			t.Errorf("%d results stay with a limit of %d", results, limits.MaxResults)
		}
		if limits == (cache.Limits{Now: limits.Now}) && !slices.EqualFunc(set, out, func(s cache.Subject, c *cache.Cache) bool { return s.Cache == c }) {
			t.Error("without a limit something went")
		}
	})
}

// TestABudgetThatHoldsEverythingDropsNothing gives exactly the room that is needed.
func TestABudgetThatHoldsEverythingDropsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t)
		var all []*cache.Cache
		for _, s := range set {
			all = append(all, s.Cache)
		}
		out := cache.Limits{Now: day, MaxBytes: max(1, cache.Bytes(all...))}.Prune(set...)
		for i := range out {
			if out[i] != all[i] {
				t.Error("something went though there was room")
			}
		}
	})
}

// TestPruningAMergeKeepsAtLeastTheMergeOfWhatIsPruned is a law of limits on age.
func TestPruningAMergeKeepsAtLeastTheMergeOfWhatIsPruned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := drawLimits(t)
		limits.MaxBytes, limits.MaxResults = 0, 0
		a, b := draw(t, "a"), draw(t, "b")
		merged := limits.Prune(cache.Subject{Cache: cache.Merge(a, b)})[0]
		for _, c := range []*cache.Cache{a, b} {
			if !merged.Covers(limits.Prune(cache.Subject{Cache: c})[0]) {
				t.Error("a result went because it was merged")
			}
		}
	})
}

// step is a record of a chain that is written in a test: on is the index of the step before, -1 for none.
type step struct {
	name string
	on   int
	day  int
	size int64
}

// build makes a cache of steps, each with a layer on that of the step before.
func build(t testing.TB, steps ...step) *cache.Cache {
	t.Helper()
	var cfg types.CacheConfig
	descs := []ocispec.Descriptor{}
	for i, s := range steps {
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: id("blob " + s.name), Size: s.size, Annotations: map[string]string{cache.AnnotationUncompressed: id("tar " + s.name).String()}}
		descs = append(descs, d)
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: d.Digest, ParentIndex: s.on})
		r := types.CacheRecord{Digest: id(s.name), Results: []types.CacheResult{{LayerIndex: i, CreatedAt: day.AddDate(0, 0, s.day)}}}
		if s.on >= 0 {
			r.Inputs = [][]types.CacheInput{{{LinkIndex: s.on}}}
		}
		cfg.Records = append(cfg.Records, r)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Decode(raw, descs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// has lists which of the named steps have a result.
func has(c *cache.Cache, names ...string) []string {
	out := []string{}
	for _, n := range names {
		for _, r := range c.Records() {
			if r.Digest == id(n) && len(r.Results) > 0 {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// history is a base step that two others were built on, one of them lately.
func history(t testing.TB) *cache.Cache {
	return build(t, step{"base", -1, 0, 1000}, step{"old", 0, 1, 500}, step{"new", 0, 9, 300}, step{"aside", -1, 2, 50})
}

func TestLimits(t *testing.T) {
	names := []string{"base", "old", "new", "aside"}
	const hours = 24 * time.Hour
	for name, test := range map[string]struct {
		limits cache.Limits
		want   []string
	}{
		"none":                                   {cache.Limits{}, names},
		"age counts from when a result was made": {cache.Limits{MaxAge: 5 * hours}, []string{"new"}},
		"what newer results are built on is in use":     {cache.Limits{MaxIdle: 5 * hours}, []string{"base", "new"}},
		"the longest unused go first":                   {cache.Limits{MaxBytes: 1400}, []string{"base", "new", "aside"}},
		"room is used by what still fits":               {cache.Limits{MaxBytes: 1350}, []string{"base", "new", "aside"}},
		"what does not fit at all is passed over":       {cache.Limits{MaxBytes: 600}, []string{"aside"}},
		"a number of results":                           {cache.Limits{MaxResults: 2}, []string{"base", "new"}},
		"all limits hold together":                      {cache.Limits{MaxIdle: 5 * hours, MaxBytes: 1300}, []string{"base", "new"}},
		"an unknown use is no use":                      {cache.Limits{MaxIdle: hours / 2}, []string{}},
		"no room for anything":                          {cache.Limits{MaxBytes: 1}, []string{}},
		"a use that is dropped is not a use any longer": {cache.Limits{MaxIdle: 5 * hours, MaxBytes: 999}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			test.limits.Now = day.AddDate(0, 0, 10)
			got := test.limits.Prune(cache.Subject{Cache: history(t)})[0]
			if diff := cmp.Diff(test.want, has(got, names...)); diff != "" {
				t.Errorf("what stays (- wanted, + got):\n%s", diff)
			}
			checkImport(t, got)
		})
	}
}

// TestAUseInOneCacheCountsInAll has main's base step used by a branch.
func TestAUseInOneCacheCountsInAll(t *testing.T) {
	main := build(t, step{"base", -1, 0, 1000})
	branch := build(t, step{"base", -1, 0, 1000}, step{"feature", 0, 9, 10})
	limits := cache.Limits{Now: day.AddDate(0, 0, 10), MaxIdle: 48 * time.Hour}
	if got := limits.Prune(cache.Subject{Cache: main}); len(has(got[0], "base")) != 0 {
		t.Error("a result that is not known to be used stays")
	}
	if got := limits.Prune(cache.Subject{Cache: main}, cache.Subject{Cache: branch}); len(has(got[0], "base")) != 1 {
		t.Error("a result that another cache builds on went")
	}
}

func TestBlobsOfSeveralCachesArePaidForOnce(t *testing.T) {
	a := build(t, step{"base", -1, 0, 1000}, step{"a", 0, 5, 10})
	b := build(t, step{"base", -1, 0, 1000}, step{"b", 0, 4, 10})
	limits := cache.Limits{Now: day.AddDate(0, 0, 10), MaxBytes: 1020}
	out := limits.Prune(cache.Subject{Cache: a}, cache.Subject{Cache: b})
	if out[0] != a || out[1] != b {
		t.Errorf("%d bytes are left of %d", cache.Bytes(out...), cache.Bytes(a, b))
	}
	limits.MaxBytes = 1010
	out = limits.Prune(cache.Subject{Cache: a}, cache.Subject{Cache: b, Keep: true})
	if out[1] != b || len(has(out[0], "base")) != 1 || len(has(out[0], "a")) != 0 {
		t.Errorf("the cache that is kept was not paid for first: %v and %v", has(out[0], "base", "a"), has(out[1], "base", "b"))
	}
}

// TestResultsOfTheFutureCountAsNew has a builder whose clock is ahead.
func TestResultsOfTheFutureCountAsNew(t *testing.T) {
	c := build(t, step{"future", -1, 900, 10}, step{"old", -1, 0, 10})
	got := cache.Limits{Now: day.AddDate(0, 0, 10), MaxAge: time.Hour}.Prune(cache.Subject{Cache: c})[0]
	if diff := cmp.Diff([]string{"future"}, has(got, "future", "old")); diff != "" {
		t.Error(diff)
	}
}

// allocated is how many bytes a function allocates.
func allocated(t *testing.T, fn func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := fn(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHugeConfigsAreRefusedBeforeTheyAreHeld wants the error of configs that are far beyond what BuildKit writes for little memory.
func TestHugeConfigsAreRefusedBeforeTheyAreHeld(t *testing.T) {
	key, blob := id("key"), layer(0).Digest
	list := func(n int, item func(i int) string) string {
		var b bytes.Buffer
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(item(i))
		}
		return b.String()
	}
	for name, raw := range map[string]string{
		"a million records":            `{"records":[` + list(1_000_000, func(int) string { return `{"digest":"x"}` }) + `]}`,
		"a million empty records":      `{"records":[` + list(1_000_000, func(int) string { return `{}` }) + `]}`,
		"a million layers":             `{"layers":[` + list(1_000_000, func(int) string { return `{"blob":"x"}` }) + `]}`,
		"millions of links":            fmt.Sprintf(`{"records":[{"digest":%q,"inputs":[[`, key) + list(2_500_000, func(int) string { return `{"link":0}` }) + `]]}]}`,
		"all records in one circle":    `{"records":[` + list(100_000, func(i int) string { return fmt.Sprintf(`{"digest":%q,"inputs":[[{"link":%d}]]}`, key, (i+1)%100_000) }) + `]}`,
		"layers in one circle":         `{"layers":[` + list(15_000, func(i int) string { return fmt.Sprintf(`{"blob":%q,"parent":%d}`, blob, (i+1)%15_000) }) + `]}`,
		"more bytes than a config has": `{"records":[` + list(500, func(int) string { return `{"digest":"` + string(bytes.Repeat([]byte("x"), 70_000)) + `"}` }) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := allocated(t, func() error {
				_, err := cache.Decode([]byte(raw), []ocispec.Descriptor{layer(0)})
				if !errors.Is(err, cache.ErrInvalid) {
					return fmt.Errorf("got %w, want an error that says invalid", err)
				}
				return nil
			})
			if n > 100<<20 {
				t.Errorf("refusing %d bytes allocates %d", len(raw), n)
			}
		})
	}
}

// TestPruningALargeCacheTakesLittleMemory prunes as many results, on as long chains, as a config may have, so that almost none fits.
func TestPruningALargeCacheTakesLittleMemory(t *testing.T) {
	const layers, records = 1000, 20_000
	var cfg types.CacheConfig
	descs := []ocispec.Descriptor{}
	for i := range layers {
		descs = append(descs, layer(i))
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: layer(i).Digest, ParentIndex: i - 1})
	}
	for i := range records {
		r := types.CacheRecord{Digest: id(fmt.Sprint(i)), Results: []types.CacheResult{{LayerIndex: i % layers, CreatedAt: day.Add(time.Duration(i) * time.Second)}}}
		if i > 0 {
			r.Inputs = [][]types.CacheInput{{{LinkIndex: i - 1}}}
		}
		cfg.Records = append(cfg.Records, r)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Decode(raw, descs)
	if err != nil {
		t.Fatal(err)
	}
	limits := cache.Limits{Now: day.AddDate(1, 0, 0), MaxIdle: 1000 * 24 * time.Hour, MaxBytes: 60_000, MaxResults: 10_000}
	n := allocated(t, func() error {
		if got := limits.Prune(cache.Subject{Cache: c})[0]; cache.Bytes(got) > 60_000 || len(got.Layers()) < 100 {
			return fmt.Errorf("%d bytes in %d layers are left", cache.Bytes(got), len(got.Layers()))
		}
		return nil
	})
	if n > 100<<20 {
		t.Errorf("pruning %d records allocates %d", records, n)
	}
}
