package executor_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/cache"
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
	if failed.Outcome != executor.OutcomeFailed || !strings.Contains(failed.Err.Error(), "over the 1048576 bytes that BuildKit imports") {
		t.Errorf("ended as %s: %v", failed.Outcome, failed.Err)
	}
	if r := apply(t, dir, transfer("small", "refused", map[string]string{"mode": "max", "fit": "fail"}, a), nil); r.Failed() {
		t.Error("what is small enough was refused")
	}
}
