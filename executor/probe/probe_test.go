package probe_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/probe"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/hcl/v2"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// world is a registry, a directory, and what is in them: a small cache at cache:good, one near BuildKit's limit in large, an image at app:latest and image:latest, a
// directory that holds no cache at broken.
type world struct {
	dir string
	reg *testenv.Registry
	// locked wants a password that nobody has.
	locked *testenv.Registry
	env    locations.Env
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), reg: testenv.StartRegistry(t, testenv.RegistryOptions{}), locked: testenv.StartRegistry(t, testenv.RegistryOptions{Password: "unknown"})}
	hosts, err := registry.NewHosts(registry.HostsOptions{Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hosts.Close)
	w.env = locations.Env{Hosts: hosts, Dir: w.dir}
	publish(t, w.env, config.Cache{Type: "registry", Attrs: map[string]string{"ref": w.reg.Addr + "/cache:good"}}, backendtest.NewSample(t, "good", 3))
	publish(t, w.env, config.Cache{Type: "local", Attrs: map[string]string{"dest": "large"}}, largeSample(t))
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{"app", "image"} {
		ref, err := name.ParseReference(w.reg.Addr + "/" + repository + ":latest")
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "broken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "broken", "index.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// largeSample is a cache of few layers and so many records that its config is larger than 80 % of what BuildKit imports.
func largeSample(t *testing.T) *backendtest.Sample {
	t.Helper()
	s := backendtest.NewSample(t, "large", 1)
	layer := s.Cache.Layers()[0].Descriptor
	cfg := types.CacheConfig{Layers: []types.CacheLayer{{Blob: layer.Digest, ParentIndex: -1}}}
	const records = 6000
	for i := range records {
		cfg.Records = append(cfg.Records, types.CacheRecord{Digest: digest.FromString(fmt.Sprint(i)), Results: []types.CacheResult{{CreatedAt: time.Unix(0, 0).UTC()}}})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) < cache.ImportLimit*8/10 || len(raw) > cache.ImportLimit {
		t.Fatalf("the config has %d bytes", len(raw))
	}
	if s.Cache, err = cache.Decode(raw, []ocispec.Descriptor{layer}); err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, env locations.Env, to config.Cache, sample *backendtest.Sample) {
	t.Helper()
	dest, err := locations.OpenDestination(to, env)
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Publish(t, dest, sample, ocispec.Descriptor{})
}

var mark = regexp.MustCompile(`# (ERROR|WARN): (.+)$`)

// TestMistakesThatShowAtTheCachesAreTold seeds mistakes that no file shows by itself; what is right stands beside them.
func TestMistakesThatShowAtTheCachesAreTold(t *testing.T) {
	w := newWorld(t)
	text := strings.ReplaceAll(strings.ReplaceAll(`
group "default" {
  targets = ["reads", "writes", "mirror"]
}
target "reads" {
  cache-from "registry" {
    ref = "HOST/cache:good"
  }
  cache-from "registry" { # WARN: Cache source does not exist
    ref = "HOST/cache:god"
  }
  cache-from "registry" {
    ref = "HOST/cache:not-yet"
  }
  cache-from "registry" {
    ref = "HOST/cache:written-by-others"
  }
  cache-from "local" { # WARN: Cache source does not exist
    src = "nowhere"
  }
  cache-from "local" { # WARN: Cache source is not readable
    src = "broken"
  }
  cache-from "registry" { # WARN: Cache source is not usable
    ref = "HOST/image"
  }
  cache-from "registry" { # WARN: Cache source is not readable
    ref = "LOCKED/cache:main"
  }
  cache-to "registry" {
    ref = "HOST/cache:not-yet"
  }
}
target "writes" {
  cache-to "local" { # WARN: Cache nearly full
    dest = "large"
  }
  cache-to "registry" { # ERROR: Cache in place of an image
    ref = "HOST/app:latest"
  }
  cache-to "registry" { # WARN: Destination is taken
    ref         = "HOST/cache:good"
    on-conflict = "fail"
  }
  cache-to "gha" {
    url = "http://localhost:1/"
  }
}
target "others" {
  cache-to "registry" {
    ref = "HOST/cache:written-by-others"
  }
}
transfer "mirror" {
  cache-from "registry" {
    ref = "HOST/cache:good"
  }
  cache-to "local" {
    dest = "mirror"
  }
}
`, "HOST", w.reg.Addr), "LOCKED", w.locked.Addr)
	path := filepath.Join(w.dir, "cache.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{"cache.hcl"}, Dir: w.dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	all, diags := c.Resolve(config.Selection{Names: []string{"reads", "writes", "others", "mirror"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	opt := planner.Options{Dir: w.dir}
	plan, diags := planner.New(res, opt)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	found, err := probe.Look(t.Context(), plan, w.env)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[int][]string{}, map[int][]string{}
	for i, line := range strings.Split(text, "\n") {
		if m := mark.FindStringSubmatch(line); m != nil {
			want[i+1] = append(want[i+1], m[1]+": "+m[2])
		}
	}
	for _, d := range probe.Advise(plan, found, planner.Writes(all, opt)) {
		kind := map[hcl.DiagnosticSeverity]string{hcl.DiagError: "ERROR", hcl.DiagWarning: "WARN"}[d.Severity]
		got[d.Subject.Start.Line] = append(got[d.Subject.Start.Line], kind+": "+d.Summary)
		slices.Sort(got[d.Subject.Start.Line])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		for _, d := range probe.Advise(plan, found, planner.Writes(all, opt)) {
			t.Log(d)
		}
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestLookingWritesNothing looks at destinations that do not exist: they do not exist afterwards.
func TestLookingWritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cache.hcl")
	if err := os.WriteFile(path, []byte(fmt.Sprintf("target %q {\n  cache-from \"local\" { src = \"in\" }\n  cache-to \"local\" { dest = \"out\" }\n}\n", "default")), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{"cache.hcl"}, Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, _ := c.Resolve(config.Selection{})
	plan, _ := planner.New(res, planner.Options{Dir: dir})
	found, err := probe.Look(t.Context(), plan, locations.Env{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 {
		t.Errorf("%d places were looked at, want 2", len(found))
	}
	for id, p := range found {
		if !p.Missing() {
			t.Errorf("%s: %+v", id, p)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("there are %v (%v), want cache.hcl alone", left, err)
	}
}
