package executor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/internal/testenv"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// transfer is a transfer block of local directories.
func transfer(name, to string, attrs map[string]string, from ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "transfer %q {\n", name)
	for _, src := range from {
		b.WriteString(cacheBlock("cache-from", "local", map[string]string{"src": src}))
	}
	b.WriteString(cacheBlock("cache-to", "local", with(attrs, "dest", to)))
	return b.String() + "}\n"
}

// TestATransferMovesOnlyWhatIsMissing counts requests and bytes: within a registry layers are mounted, to elsewhere each missing one is sent once, and
// what is there is not sent again.
func TestATransferMovesOnlyWhatIsMissing(t *testing.T) {
	reg, other := testenv.StartRegistry(t, testenv.RegistryOptions{}), testenv.StartRegistry(t, testenv.RegistryOptions{V2: true})
	var mu sync.Mutex
	seen := map[string]int{}
	front := before(t, reg.Addr, func(req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case req.Method == http.MethodPost && req.URL.Query().Get("mount") != "":
			seen["mounted"]++
		case req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/blobs/uploads/"):
			seen["uploaded"]++
		}
	}, func(*http.Request) {})
	at := func(addr, repo string) config.Cache {
		return config.Cache{Type: "registry", Attrs: map[string]string{"ref": addr + "/" + repo + ":main"}}
	}
	sample := backendtest.NewSample(t, "counted", 4)
	backendtest.Publish(t, openCache(t, at(front, "one")), sample, ocispec.Descriptor{})
	bytes := sample.Cache.Stats().Bytes
	for _, c := range []struct {
		name     string
		from, to config.Cache
		mounted  int
		in, out  int64
	}{
		{name: "within the registry", from: at(front, "one"), to: at(front, "two"), mounted: 4},
		{name: "the same again", from: at(front, "one"), to: at(front, "two")},
		{name: "to another registry", from: at(front, "one"), to: at(other.Addr, "one"), in: bytes, out: bytes},
		{name: "back", from: at(other.Addr, "one"), to: at(front, "two")},
	} {
		mu.Lock()
		clear(seen)
		mu.Unlock()
		r := apply(t, t.TempDir(), "transfer \"t\" {\n"+cacheBlock("cache-from", "registry", c.from.Attrs)+cacheBlock("cache-to", "registry", with(c.to.Attrs, "compression", "uncompressed"))+"}\n", nil)
		if got := r.Transfers[0]; got.BytesIn != c.in || got.BytesOut != c.out {
			t.Errorf("%s: %d bytes in and %d out, want %d and %d", c.name, got.BytesIn, got.BytesOut, c.in, c.out)
		}
		mu.Lock()
		if seen["mounted"] != c.mounted || seen["uploaded"] > 1 { // the config
			t.Errorf("%s: %v, want %d mounted and no layer uploaded", c.name, seen, c.mounted)
		}
		mu.Unlock()
	}
}

// TestATransferTakesAllLayers: what a transfer promotes is whole unless it says otherwise, though the default of a build's cache-to is min.
func TestATransferTakesAllLayers(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from")
	s := backendtest.NewSample(t, "whole", 60) // two stacks of layers, of which only one is the result's
	dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": from}}, "")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Publish(t, dest, s, ocispec.Descriptor{})
	for mode, layers := range map[string]int{"": 60, "max": 60, "min": 10} {
		attrs := map[string]string{}
		if mode != "" {
			attrs["mode"] = mode
		}
		r := apply(t, t.TempDir(), transfer("promote", "to", attrs, from), nil)
		if got := r.Transfers[0].Destinations[0].Layers; got != layers {
			t.Errorf("mode %q: %d layers, want %d", mode, got, layers)
		}
	}
}

// manyRecords makes a cache of n records with one layer, each a day older than the one before, and publishes it to a directory of its own.
func manyRecords(t *testing.T, seed string, n int) string {
	t.Helper()
	s := backendtest.NewSample(t, seed, 1)
	l := s.Cache.Layers()[0].Descriptor
	cfg := types.CacheConfig{Layers: []types.CacheLayer{{Blob: l.Digest, ParentIndex: -1}}}
	for i := range n {
		cfg.Records = append(cfg.Records, types.CacheRecord{
			Digest:  digest.FromString(fmt.Sprint(seed, i)),
			Results: []types.CacheResult{{CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -i)}},
		})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Cache, err = cache.Decode(raw, []ocispec.Descriptor{l}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), seed)
	dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": dir}}, "")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Publish(t, dest, s, ocispec.Descriptor{})
	return dir
}

// TestWhatIsTooLargeToImportLosesItsOldestResultsOrIsRefused joins two caches that are importable each and not together.
func TestWhatIsTooLargeToImportLosesItsOldestResultsOrIsRefused(t *testing.T) {
	a, b := manyRecords(t, "a", 5000), manyRecords(t, "b", 5000)
	dir := t.TempDir()
	r := apply(t, dir, transfer("join", "pruned", map[string]string{"mode": "max"}, a, b), nil)
	export := r.Steps[len(r.Steps)-1]
	if len(export.Warnings) != 1 || !strings.Contains(export.Warnings[0], "of the oldest results were left out") {
		t.Errorf("warnings %q", export.Warnings)
	}
	dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"src": filepath.Join(dir, "pruned")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	cur, err := dest.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := cur.Cache.Stats().Results; n <= 5000 || n >= 10000 {
		t.Errorf("%d results were kept of 10000", n)
	}

	report, err := run(t.Context(), t, dir, transfer("join", "refused", map[string]string{"mode": "max", "fit": "fail"}, a, b), nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := report.Steps[len(report.Steps)-1]
	if failed.Outcome != executor.OutcomeFailed || !strings.Contains(failed.Err.Error(), "over the 1048576 bytes") {
		t.Errorf("ended as %s: %v", failed.Outcome, failed.Err)
	}
	if r := apply(t, dir, transfer("small", "refused", map[string]string{"mode": "max", "fit": "fail"}, a), nil); r.Failed() {
		t.Error("what is small enough was refused")
	}
}
