package prune_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/function"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/prune"
	"github.com/cachectl/cachectl/executor/verify"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const days = 24 * time.Hour

// today is when the tests' caches are pruned.
var today = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// place is a repository or a directory.
type place struct {
	entry func(name string) config.Cache
}

func each(t *testing.T, test func(*testing.T, place)) {
	t.Helper()
	t.Run("local", func(t *testing.T) { test(t, directory(t.TempDir())) })
	t.Run("registry", func(t *testing.T) { test(t, repository(testenv.StartRegistry(t, testenv.RegistryOptions{}))) })
}

func directory(dir string) place {
	return place{func(name string) config.Cache {
		return config.Cache{Type: "local", Attrs: map[string]string{"dest": dir, "tag": name}}
	}}
}

func repository(reg *testenv.Registry) place {
	return place{func(name string) config.Cache {
		return config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/team/app:" + name}}
	}}
}

func env(t testing.TB) locations.Env {
	t.Helper()
	h, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return locations.Env{Hosts: h}
}

func (p place) open(t testing.TB, name string) backend.Destination {
	t.Helper()
	d, err := locations.OpenDestination(p.entry(name), env(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// steps makes a cache of one step for each age in days, each on the one before, whose layers have 1000 bytes and are told apart by seed.
func steps(t testing.TB, seed string, ages ...int) *backendtest.Sample {
	t.Helper()
	s := backendtest.NewSample(t, seed, len(ages))
	var cfg types.CacheConfig
	var descs []ocispec.Descriptor
	for i, l := range s.Cache.Layers() {
		descs = append(descs, l.Descriptor)
		cfg.Layers = append(cfg.Layers, types.CacheLayer{Blob: l.Descriptor.Digest, ParentIndex: i - 1})
		r := types.CacheRecord{Digest: digest.FromString(fmt.Sprint(seed, i)), Results: []types.CacheResult{{LayerIndex: i, CreatedAt: today.AddDate(0, 0, -ages[i])}}}
		if i > 0 {
			r.Inputs = [][]types.CacheInput{{{LinkIndex: i - 1}}}
		}
		cfg.Records = append(cfg.Records, r)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Cache, err = cache.Decode(raw, descs); err != nil {
		t.Fatal(err)
	}
	return s
}

func (p place) publish(t testing.TB, name string, s *backendtest.Sample) ocispec.Descriptor {
	t.Helper()
	return backendtest.Publish(t, p.open(t, name), s, ocispec.Descriptor{})
}

// run prunes the named caches with one policy. Whatever fails fails the test.
func (p place) run(t testing.TB, policy config.Retention, opt prune.Options, names ...string) *prune.Store {
	t.Helper()
	var inputs []prune.Input
	for _, n := range names {
		inputs = append(inputs, prune.Input{Cache: p.entry(n), Policy: &policy})
	}
	opt.Env = env(t)
	if opt.Now == nil {
		opt.Now = func() time.Time { return today }
	}
	stores, err := prune.Run(t.Context(), inputs, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(stores) != 1 {
		t.Fatalf("%d stores were pruned", len(stores))
	}
	s := stores[0]
	if s.Err != nil {
		t.Error(s.Err)
	}
	for _, c := range s.Caches {
		if c.Err != nil {
			t.Errorf("%s: %v", c.Name, c.Err)
		}
	}
	return s
}

// actions lists what became of each cache as "name action results before → after".
func actions(s *prune.Store) []string {
	out := []string{}
	for _, c := range s.Caches {
		out = append(out, fmt.Sprintf("%s %s %d → %d", c.Name, c.Action, c.Before.Results, c.After.Results))
	}
	return out
}

func want(t testing.TB, s *prune.Store, list ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, list...), actions(s)); diff != "" {
		t.Errorf("what was done (- wanted, + done):\n%s", diff)
	}
}

// results counts what is at a name and fails unless all of it is whole; -1 for nothing.
func (p place) results(t testing.TB, name string) int {
	t.Helper()
	res, err := verify.Check(t.Context(), p.open(t, name), verify.Options{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Current == nil {
		return -1
	}
	for _, f := range res.Findings {
		t.Errorf("%s: %s", name, f.Detail)
	}
	return res.Results
}

func TestCachesAreMadeSmaller(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		p.publish(t, "main", steps(t, "main", 30, 20, 5, 1))
		p.publish(t, "fresh", steps(t, "fresh", 2, 1))
		policy := config.Retention{MaxAge: 10 * days}
		dry := p.run(t, policy, prune.Options{DryRun: true}, "main", "fresh", "nothing")
		want(t, dry, "fresh keep 2 → 2", "main shrink 4 → 2")
		if n := p.results(t, "main"); n != 4 {
			t.Errorf("a dry run left %d results", n)
		}
		done := p.run(t, policy, prune.Options{}, "main", "fresh", "nothing")
		want(t, done, "fresh keep 2 → 2", "main shrink 4 → 2")
		if dry.Before != done.Before || dry.After != done.After {
			t.Errorf("the dry run promised %d → %d bytes, it came to %d → %d", dry.Before, dry.After, done.Before, done.After)
		}
		if n := p.results(t, "main"); n != 2 {
			t.Errorf("%d results are left, want 2", n)
		}
		want(t, p.run(t, policy, prune.Options{}, "main", "fresh"), "fresh keep 2 → 2", "main keep 2 → 2")
	})
}

// TestACacheKeepsItsForm prunes an index of Docker's media types.
func TestACacheKeepsItsForm(t *testing.T) {
	p := directory(t.TempDir())
	entry := p.entry("main")
	entry.Attrs["oci-mediatypes"] = "false"
	dest, err := locations.OpenDestination(entry, env(t))
	if err != nil {
		t.Fatal(err)
	}
	before := backendtest.Publish(t, dest, steps(t, "form", 30, 1), ocispec.Descriptor{})
	want(t, p.run(t, config.Retention{MaxAge: 10 * days}, prune.Options{}, "main"), "main shrink 2 → 1")
	cur := backendtest.Read(t, p.open(t, "main"))
	if cur.Root.MediaType != before.MediaType || cur.Root.Digest == before.Digest {
		t.Errorf("the cache was %s %s and is %s %s", before.MediaType, before.Digest, cur.Root.MediaType, cur.Root.Digest)
	}
}

func TestNamesOfWhichNothingStaysAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		p.publish(t, "old", steps(t, "old", 40, 30))
		p.publish(t, "kept", steps(t, "kept", 40, 30))
		s := p.run(t, config.Retention{MaxAge: 10 * days, Keep: []string{"ke*"}}, prune.Options{}, "old", "kept")
		want(t, s, "kept keep 2 → 2", "old remove 2 → 0")
		if p.results(t, "old") != -1 || p.results(t, "kept") != 2 {
			t.Error("the wrong name was removed")
		}
	})
}

func TestTheBudgetIsForAllCachesOfAStore(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		a, b := steps(t, "a", 9, 8), steps(t, "b", 3, 2)
		p.publish(t, "a", a)
		p.publish(t, "b", b)
		s := p.run(t, config.Retention{MaxSize: b.Cache.Stats().Bytes + 3500, Names: []string{"*"}}, prune.Options{}, "a")
		want(t, s, "a shrink 2 → 1", "b keep 2 → 2")
		if s.After > b.Cache.Stats().Bytes+3500 || s.Before != a.Cache.Stats().Bytes+b.Cache.Stats().Bytes {
			t.Errorf("%d → %d bytes", s.Before, s.After)
		}
	})
}

func TestNamesOfBranchesThatAreGoneAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		login := "app-" + function.SanitizeRef("feature/login")
		for _, name := range []string{"app-main", login, "app-feature-gone", "app-dev_x", "app-release-1", "web-gone", "nightly"} {
			p.publish(t, name, steps(t, name, 1))
		}
		policy := config.Retention{Names: []string{"app-*"}, Branches: true, Keep: []string{"release-*"}}
		asked := 0
		opt := prune.Options{Branches: func(context.Context) ([]string, error) {
			asked++
			return []string{"main", "Dev_X", "feature/login", "feature/unused"}, nil
		}}
		s := p.run(t, policy, opt, "app-main")
		want(t, s, "app-dev_x keep 1 → 1", "app-feature-gone remove 1 → 0", login+" keep 1 → 1", "app-main keep 1 → 1", "app-release-1 keep 1 → 1")
		if asked != 1 {
			t.Errorf("the branches were asked for %d times", asked)
		}
		for name, there := range map[string]bool{"app-main": true, login: true, "app-feature-gone": false, "web-gone": true, "nightly": true} {
			if got := p.results(t, name) >= 0; got != there {
				t.Errorf("%s is there: %v", name, got)
			}
		}
	})
}

// TestNothingIsRemovedWhenBranchesAreNotKnown wants an error before anything was done.
func TestNothingIsRemovedWhenBranchesAreNotKnown(t *testing.T) {
	p := directory(t.TempDir())
	p.publish(t, "app-x", steps(t, "x", 50))
	policy := config.Retention{Names: []string{"app-*"}, Branches: true, MaxAge: days}
	for _, branches := range []func(context.Context) ([]string, error){
		func(context.Context) ([]string, error) { return nil, errors.New("no route to host") },
		func(context.Context) ([]string, error) { return nil, nil },
	} {
		_, err := prune.Run(t.Context(), []prune.Input{{Cache: p.entry("app-main"), Policy: &policy}}, prune.Options{Env: env(t), Branches: branches})
		if err == nil {
			t.Error("no error")
		}
	}
	if p.results(t, "app-x") != 1 {
		t.Error("something was removed")
	}
}

func TestImagesAndBrokenCachesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	p := directory(dir)
	root := p.publish(t, "broken", steps(t, "broken", 50))
	p.publish(t, "main", steps(t, "main", 50, 1))
	raw, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", root.Digest.Encoded()))
	if err != nil {
		t.Fatal(err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "blobs/sha256", m.Config.Digest.Encoded())); err != nil {
		t.Fatal(err)
	}
	s := p.run(t, config.Retention{Names: []string{"*"}, MaxAge: 10 * days}, prune.Options{}, "main")
	want(t, s, "broken skip 0 → 0", "main shrink 2 → 1")
	if !strings.Contains(s.Caches[0].Reason, "verify") {
		t.Errorf("the reason is %q", s.Caches[0].Reason)
	}
}

func TestOneCacheHasOnePolicy(t *testing.T) {
	p := directory(t.TempDir())
	_, err := prune.Run(t.Context(), []prune.Input{
		{Cache: p.entry("main"), Policy: &config.Retention{Name: "a"}}, {Cache: p.entry("main"), Policy: &config.Retention{Name: "b"}},
	}, prune.Options{Env: env(t)})
	if err == nil || !strings.Contains(err.Error(), `"a" and "b"`) {
		t.Errorf("got %v", err)
	}
}

// blobs counts the files of a directory's store.
func blobs(t testing.TB, dir string) int {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, "blobs/sha256"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestBlobsGoInTwoPhases has a layer of an export under way, which is needed before the grace period has passed, and one that nothing ever needs.
func TestBlobsGoInTwoPhases(t *testing.T) {
	dir := t.TempDir()
	p := directory(dir)
	p.publish(t, "main", steps(t, "main", 30, 20, 1))
	export := steps(t, "export", 1)
	backendtest.Push(t, p.open(t, "other"), export)
	now := today
	opt := prune.Options{Now: func() time.Time { return now }}
	policy := config.Retention{MaxAge: 10 * days, Grace: days}
	before := blobs(t, dir)

	s := p.run(t, policy, opt, "main")
	// Of main: its old config and manifest. All its layers are needed by the newest result.
	if s.Sweep.Deleted != 0 || s.Sweep.Waiting != 3 || !s.Sweep.Next.Equal(now.Add(days)) {
		t.Errorf("first run: %+v", s.Sweep)
	}
	now = now.Add(time.Hour)
	if _, err := p.open(t, "other").Publish(t.Context(), export.Cache, ocispec.Descriptor{}); err != nil {
		t.Fatal(err)
	}
	lone := steps(t, "lone", 1)
	backendtest.Push(t, p.open(t, "other"), lone)
	if s = p.run(t, policy, opt, "main"); s.Sweep.Deleted != 0 || s.Sweep.Waiting != 3 {
		t.Errorf("second run: %+v", s.Sweep)
	}
	now = now.Add(23 * time.Hour)
	dry := p.run(t, policy, prune.Options{Now: opt.Now, DryRun: true}, "main")
	if s = p.run(t, policy, opt, "main"); s.Sweep.Deleted != 2 || s.Sweep.Waiting != 1 || dry.Sweep.Deleted != 2 {
		t.Errorf("third run: %+v, and dry %+v", s.Sweep, dry.Sweep)
	}
	now = now.Add(days)
	if s = p.run(t, policy, opt, "main"); s.Sweep.Deleted != 1 || s.Sweep.Waiting != 0 {
		t.Errorf("fourth run: %+v", s.Sweep)
	}
	// Config and manifest of main twice and of other once, the layer that nothing needed gone again.
	if after := blobs(t, dir); after != before+2 {
		t.Errorf("%d blobs before, %d after", before, after)
	}
	if p.results(t, "main") != 1 || p.results(t, "other") != 1 {
		t.Error("the wrong blobs went")
	}
}

// TestABlobThatAnExportRefreshesWaitsAnew has a marked blob touched.
func TestABlobThatAnExportRefreshesWaitsAnew(t *testing.T) {
	dir := t.TempDir()
	p := directory(dir)
	lone := steps(t, "lone", 1)
	backendtest.Push(t, p.open(t, "main"), lone)
	now := today
	opt := prune.Options{Now: func() time.Time { return now }}
	policy := config.Retention{Grace: days}
	p.run(t, policy, opt, "main")
	now = now.Add(days)
	name := filepath.Join(dir, "blobs/sha256", lone.Cache.Layers()[0].Descriptor.Digest.Encoded())
	if err := os.Chtimes(name, now, now); err != nil {
		t.Fatal(err)
	}
	if s := p.run(t, policy, opt, "main"); s.Sweep.Deleted != 0 || s.Sweep.Waiting != 1 {
		t.Errorf("%+v", s.Sweep)
	}
	now = now.Add(days)
	if s := p.run(t, policy, opt, "main"); s.Sweep.Deleted != 1 {
		t.Errorf("%+v", s.Sweep)
	}
}

// TestForeignMarksAreNoMarks has a marks file of somebody else.
func TestForeignMarksAreNoMarks(t *testing.T) {
	dir := t.TempDir()
	p := directory(dir)
	backendtest.Push(t, p.open(t, "main"), steps(t, "lone", 1))
	for _, raw := range []string{"garbage", `{"version":2,"marks":[]}`, "null"} {
		if err := os.WriteFile(filepath.Join(dir, "cachectl-marks.json"), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := p.run(t, config.Retention{Grace: time.Hour}, prune.Options{}, "main"); s.Sweep.Deleted != 0 || s.Sweep.Waiting != 1 {
			t.Errorf("marks %q: %+v", raw, s.Sweep)
		}
	}
}

// TestPruningWhileOthersPublish runs writers, each with a cache of its own that it joins to what is there, beside a pruner that deletes at once. The names hold
// whole caches at the end, and what the writers published last.
func TestPruningWhileOthersPublish(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		p.publish(t, "main", steps(t, "main", 30, 20, 1))
		stop := make(chan struct{})
		var writers, pruner sync.WaitGroup
		pruner.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					policy := config.Retention{MaxAge: 10 * days, Names: []string{"*"}}
					_, err := prune.Run(t.Context(), []prune.Input{{Cache: p.entry("main"), Policy: &policy}}, prune.Options{Env: env(t), Now: func() time.Time { return today }})
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
		for w := range 3 {
			writers.Go(func() {
				for round := range 5 {
					s := steps(t, fmt.Sprint("writer ", w, " round ", round), 20, 1)
					if err := join(t, p.open(t, fmt.Sprint("branch-", w%2)), s); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		writers.Wait()
		close(stop)
		pruner.Wait()
		for w := range 3 {
			cur := backendtest.Read(t, p.open(t, fmt.Sprint("branch-", w%2)))
			newest := steps(t, fmt.Sprint("writer ", w, " round 4"), 20, 1)
			limits := cache.Limits{Now: today, MaxAge: 10 * days}
			if !cur.Cache.Covers(limits.Prune(cache.Subject{Cache: newest.Cache})[0]) {
				t.Errorf("what writer %d published is lost", w)
			}
			p.results(t, fmt.Sprint("branch-", w%2))
		}
		if n := p.results(t, "main"); n != 1 {
			t.Errorf("main has %d results, want 1", n)
		}
	})
}

// join publishes a sample together with what is there, as a publisher does that may be overtaken, and whose layers may be swept before it publishes.
func join(t testing.TB, dest backend.Destination, s *backendtest.Sample) error {
	t.Helper()
	for {
		c, root := s.Cache, ocispec.Descriptor{}
		cur, err := dest.Read(t.Context())
		switch {
		case err == nil:
			c, root = cache.Merge(cur.Cache, s.Cache), cur.Root
		case cur == nil && errors.Is(err, blob.ErrNotFound):
		case errors.Is(err, blob.ErrNotFound):
			continue // it was replaced and deleted while it was read
		default:
			return err
		}
		backendtest.Push(t, dest, s)
		_, err = dest.Publish(t.Context(), c, root)
		if !errors.Is(err, backend.ErrConflict) && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
	}
}

func TestAPruneStartsAgainWhenSomebodyPublishes(t *testing.T) {
	p := directory(t.TempDir())
	old := steps(t, "main", 30, 1)
	root := p.publish(t, "main", old)
	p.publish(t, "also", steps(t, "also", 30, 1))
	newer := steps(t, "newer", 2)
	first := true
	opt := prune.Options{Now: func() time.Time {
		// The time is asked for between reading and writing.
		if first {
			first = false
			dest := p.open(t, "main")
			backendtest.Push(t, dest, newer)
			if _, err := dest.Publish(t.Context(), cache.Merge(old.Cache, newer.Cache), root); err != nil {
				t.Error(err)
			}
		}
		return today
	}}
	want(t, p.run(t, config.Retention{MaxAge: 10 * days}, opt, "also", "main"), "also shrink 2 → 1", "main shrink 3 → 2")
	cur := backendtest.Read(t, p.open(t, "main"))
	if !cur.Cache.Covers(newer.Cache) {
		t.Error("what was published meanwhile is lost")
	}
}
