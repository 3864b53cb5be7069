package locations_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/memory"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/schema"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestASeventhBackendTakesOnePackageAndTwoEntries makes a backend out of a package, an entry of the schema and a line of the table, and nothing else:
// afterwards the language has its type, transfers go through it, and what the language's checks say of it comes from the entry.
func TestASeventhBackendTakesOnePackageAndTwoEntries(t *testing.T) {
	store := memory.NewStore()
	before := schema.Backends
	t.Cleanup(func() { schema.Backends = before })
	// How caches are written is the same for all that have no manifests.
	format := slices.DeleteFunc(slices.Clone(schema.LookupBackend("s3").Attributes), func(a schema.CacheAttribute) bool {
		return !slices.Contains([]string{"mode", "compression", "compression-level", "force-compression", "ignore-error", "on-conflict", "fit"}, a.Name)
	})
	schema.Backends = append(slices.Clone(before), schema.Backend{Name: "memory", Doc: "The memory of this process.", Attributes: append([]schema.CacheAttribute{
		{Name: "name", Side: schema.From | schema.To, Kind: schema.String, Default: "buildkit", Doc: "Name of the cache."},
	}, format...)})
	locations.Enter(t, "memory", func(c config.Cache) (backend.Destination, error) { return memory.Open(c, store) })

	dir := t.TempDir()
	from, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": filepath.Join(dir, "from")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	sample := backendtest.NewSample(t, "seventh", 3)
	backendtest.Publish(t, from, sample, ocispec.Descriptor{})
	for _, transfer := range []string{
		`transfer "in" {
  cache-from "local" { src = "from" }
  cache-to "memory" { name = "main" }
}`,
		`transfer "out" {
  cache-from = ["type=memory,name=main"]
  cache-to "local" {
    dest = "to"
    mode = "max"
  }
}`,
	} {
		apply(t, dir, transfer)
	}
	to, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"src": filepath.Join(dir, "to")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := backendtest.Read(t, to).Cache.Stats(), sample.Cache.Stats(); got.Results != want.Results || got.Layers != want.Layers {
		t.Errorf("went in with %+v and came out with %+v", want, got)
	}

	_, diags := load(t, dir, `transfer "wrong" {
  cache-from "local" { src = "from" }
  cache-to "memory" { title = "main" }
}`)
	if len(diags) != 1 || diags[0] != "Unknown cache attribute" {
		t.Errorf("a wrong attribute is told as %q", diags)
	}
}

// load resolves and checks a configuration, and returns the summaries of what is wrong.
func load(t *testing.T, dir, text string) (*config.Resolution, []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "cache.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{"cache.hcl"}, Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var summaries []string
	for _, d := range res.Validate() {
		summaries = append(summaries, d.Summary)
	}
	return res, summaries
}

func apply(t *testing.T, dir, text string) {
	t.Helper()
	res, wrong := load(t, dir, text)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	plan, diags := planner.New(res, planner.Options{Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	report, err := executor.Run(t.Context(), plan, executor.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Steps {
		if s.Err != nil {
			t.Errorf("%s: %v", s.Step.ID, s.Err)
		}
	}
}
