package executor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestSourcesAreUsedAsDeclared builds main's sources with a branch's cache and main's: both are used unless main's is a fallback, which is used only where the
// branch has no cache, or one that lost a layer.
func TestSourcesAreUsedAsDeclared(t *testing.T) {
	d := testenv.Buildkitd(t, "")
	dir := app(t)
	publish := func(name string) {
		t.Helper()
		apply(t, dir, target(t, "default", cacheBlock("cache-to", "local", map[string]string{"dest": name, "mode": "max"})), d)
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "src", "main"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main")
	publish("caches/main")
	write("branch")
	publish("caches/branch")
	write("main")

	build := func(first string, fallback string) *executor.TargetResult {
		t.Helper()
		empty(t, d)
		return apply(t, dir, target(t, "default",
			cacheBlock("cache-from", "local", map[string]string{"src": first})+
				cacheBlock("cache-from", "local", map[string]string{"src": "caches/main", "fallback": fallback})), d).Targets[0]
	}
	for _, c := range []struct {
		name, first, fallback string
		all                   bool
	}{
		{"both are used", "caches/branch", "false", true},
		{"the fallback is not used", "caches/branch", "true", false},
		{"the fallback is used where there is nothing", "caches/none", "true", true},
	} {
		got := build(c.first, c.fallback)
		if all := got.Cached == got.Total; got.Total == 0 || got.Cached == 0 || all != c.all {
			t.Errorf("%s: %d of %d steps cached", c.name, got.Cached, got.Total)
		}
	}
	loseALayer(t, filepath.Join(dir, "caches", "branch"))
	if got := build("caches/branch", "true"); got.Cached != got.Total {
		t.Errorf("the fallback is used where a layer is lost: %d of %d steps cached", got.Cached, got.Total)
	}
}

// loseALayer deletes the largest blob of a layout.
func loseALayer(t *testing.T, layout string) {
	t.Helper()
	blobs := filepath.Join(layout, "blobs", "sha256")
	entries, err := os.ReadDir(blobs)
	if err != nil {
		t.Fatal(err)
	}
	var largest os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && (largest == nil || info.Size() > largest.Size()) {
			largest = info
		}
	}
	if err := os.Remove(filepath.Join(blobs, largest.Name())); err != nil {
		t.Fatal(err)
	}
}

// TestATransferTakesTheFirstUsableSourceIfTheOthersAreFallbacks merges otherwise.
func TestATransferTakesTheFirstUsableSourceIfTheOthersAreFallbacks(t *testing.T) {
	dir := t.TempDir()
	for name, steps := range map[string]int{"first": 3, "second": 5} {
		dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": name}}, dir)
		if err != nil {
			t.Fatal(err)
		}
		backendtest.Publish(t, dest, backendtest.NewSample(t, name, steps), ocispec.Descriptor{})
	}
	for _, c := range []struct {
		name, first, fallback string
		layers                int
	}{{"joined", "first", "false", 8}, {"the first", "first", "true", 3}, {"the fallback", "none", "true", 5}} {
		r := apply(t, dir, "transfer \"default\" {\n"+cacheBlock("cache-from", "local", map[string]string{"src": c.first})+
			cacheBlock("cache-from", "local", map[string]string{"src": "second", "fallback": c.fallback})+
			cacheBlock("cache-to", "local", map[string]string{"dest": "out-" + c.first + c.fallback})+"}\n", nil)
		if got := r.Transfers[0].Destinations[0].Layers; got != c.layers {
			t.Errorf("%s: %d layers, want %d", c.name, got, c.layers)
		}
	}
}
