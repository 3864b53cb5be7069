// Package examples_test plans and applies every example as a user would: with the binary, the embedded builder and the embedded registry.
package examples_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
)

// cachectl is a built binary and a state directory of its own.
type cachectl struct {
	path, root, state string
}

func build(t *testing.T) *cachectl {
	t.Helper()
	c := &cachectl{path: filepath.Join(t.TempDir(), "cachectl"), root: testenv.Root(t), state: t.TempDir()}
	cmd := exec.Command("go", "build", "-o", c.path, "./cmd/cachectl")
	cmd.Dir = c.root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build cachectl: %v\n%s", err, out)
	}
	t.Setenv("CACHECTL_BUILDKITD", testenv.Tool(t, "buildkitd"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("BUSYBOX", filepath.Dir(testenv.Busybox(t)))
	t.Cleanup(func() {
		if out, err := exec.Command(c.path, "builder", "rm", "--data-dir", c.state).CombinedOutput(); err != nil {
			t.Errorf("remove the builder: %v\n%s", err, out)
		}
	})
	return c
}

func (c *cachectl) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(c.path, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cachectl %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// report is what apply --json prints, as far as it is looked at.
type report struct {
	Targets, Transfers []struct {
		Name         string `json:"name"`
		Outcome      string `json:"outcome"`
		Cached       int    `json:"steps_cached"`
		Total        int    `json:"steps_total"`
		Destinations []struct {
			Outcome string `json:"outcome"`
			Changed bool   `json:"changed"`
			Layers  int    `json:"layers"`
		} `json:"destinations"`
	}
}

func (c *cachectl) apply(t *testing.T, dir, file string, more ...string) report {
	t.Helper()
	var r report
	args := append([]string{"apply", "-f", file, "--builder", "embedded", "--data-dir", c.state, "--progress", "quiet", "--json"}, more...)
	out := c.run(t, dir, args...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// checkHit applies a file again on an emptied builder: everything must be cached and nothing published.
func (c *cachectl) checkHit(t *testing.T, file string, targets int) {
	t.Helper()
	if r := c.apply(t, c.root, file); len(r.Targets) != targets {
		t.Errorf("%s has %d targets, want %d", file, len(r.Targets), targets)
	}
	c.run(t, c.root, "builder", "rm", "--data-dir", c.state)
	for _, target := range c.apply(t, c.root, file).Targets {
		if target.Outcome != "up to date" {
			t.Errorf("%s: %s is %s, want it up to date", file, target.Name, target.Outcome)
		}
	}
	if _, err := os.Stat(filepath.Join(c.state, "buildkit")); err == nil {
		t.Errorf("%s: a builder was started although everything is up to date", file)
	}
	c.checkCached(t, file)
}

// checkCached applies a file on an empty builder: every step is cached, and nothing is published again.
func (c *cachectl) checkCached(t *testing.T, file string) {
	t.Helper()
	for _, target := range c.apply(t, c.root, file, "--force").Targets {
		if target.Cached != target.Total || target.Total == 0 {
			t.Errorf("%s: %s has %d of %d steps cached on an empty builder", file, target.Name, target.Cached, target.Total)
		}
		for _, d := range target.Destinations {
			if d.Changed {
				t.Errorf("%s: %s was published again", file, target.Name)
			}
		}
	}
}

func TestExamples(t *testing.T) {
	c := build(t)
	t.Run("plans", func(t *testing.T) {
		for _, file := range []string{"cache.hcl.example", "examples/monorepo/cache.hcl", "examples/nightly/cache.hcl", "examples/promote/cache.hcl", "examples/dogfood/cache.hcl", "examples/actions/cache.hcl", "examples/buckets/cache.hcl"} {
			c.run(t, c.root, "validate", "-f", file)
			if !strings.Contains(c.run(t, c.root, "plan", "-f", file), "to publish") {
				t.Errorf("the plan of %s publishes nothing", file)
			}
			before, err := os.ReadFile(filepath.Join(c.root, file))
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(c.path, "fmt", "-")
			cmd.Stdin = strings.NewReader(string(before))
			if after, err := cmd.Output(); err != nil || string(after) != string(before) {
				t.Errorf("%s is not formatted (%v)", file, err)
			}
		}
	})
	t.Run("the JSON form plans", func(t *testing.T) {
		if !strings.Contains(c.run(t, c.root, "plan", "-f", "examples/json/cache.json"), "to publish") {
			t.Error("the plan of examples/json/cache.json publishes nothing")
		}
	})
	t.Run("a definition in a repository builds what is in it", func(t *testing.T) {
		base := testenv.Repository(t, map[string]string{
			"cache.hcl": `
registry "localhost:5056" { embedded = true }
target "default" {
  context    = "app"
  cache-from = ["type=registry,ref=localhost:5056/fetched:cache"]
  cache-to   = ["type=registry,ref=localhost:5056/fetched:cache,mode=max"]
}
`,
			"app/Dockerfile": "FROM scratch\nCOPY file /file\n", "app/file": "content",
		})
		at := testenv.GitDaemon(t, base) + "repo.git"
		if r := c.apply(t, t.TempDir(), at); len(r.Targets) != 1 || r.Targets[0].Outcome != "done" || r.Targets[0].Cached != 0 {
			t.Fatalf("got %+v", r)
		}
		c.run(t, c.root, "builder", "rm", "--data-dir", c.state)
		if r := c.apply(t, t.TempDir(), at); r.Targets[0].Outcome != "up to date" {
			t.Errorf("with the branch where it was: %+v", r)
		}
		if r := c.apply(t, t.TempDir(), at, "--force"); r.Targets[0].Cached != r.Targets[0].Total || r.Targets[0].Total == 0 {
			t.Errorf("on an empty builder: %+v", r)
		}
	})
	t.Run("first", func(t *testing.T) { c.checkHit(t, "cache.hcl.example", 2) })
	t.Run("monorepo", func(t *testing.T) { c.checkHit(t, "examples/monorepo/cache.hcl", 6) })
	t.Run("monorepo on a branch reads main's cache", func(t *testing.T) {
		t.Setenv("BRANCH", "feature/login")
		c.run(t, c.root, "builder", "rm", "--data-dir", c.state)
		for _, target := range c.apply(t, c.root, "examples/monorepo/cache.hcl").Targets {
			if target.Cached != target.Total {
				t.Errorf("%s has %d of %d steps cached", target.Name, target.Cached, target.Total)
			}
		}
	})
	t.Run("nightly", func(t *testing.T) {
		mirror := filepath.Join(t.TempDir(), "mirror")
		t.Setenv("MIRROR", mirror)
		r := c.apply(t, c.root, "examples/nightly/cache.hcl")
		if len(r.Targets) != 1 || len(r.Targets[0].Destinations) != 2 {
			t.Fatalf("got %+v", r)
		}
		if r.Targets[0].Cached != 0 {
			t.Errorf("%d steps were cached, the nightly build takes none", r.Targets[0].Cached)
		}
		if _, err := os.Stat(filepath.Join(mirror, "index.json")); err != nil {
			t.Error(err)
		}
		t.Setenv("XDG_DATA_HOME", t.TempDir())
		if out := c.run(t, c.root, "prune", "-f", "examples/nightly/cache.hcl", "--dry-run", mirror); !strings.Contains(out, "stays") {
			t.Errorf("of a cache of today pruning would take something:\n%s", out)
		}
	})
	t.Run("promote", func(t *testing.T) {
		seed := filepath.Join(t.TempDir(), "cache.hcl")
		if err := os.WriteFile(seed, []byte(`
registry "localhost:5053" { embedded = true }
variable "BUSYBOX" { default = "/bin" }
target "api" {
  context    = "examples/first/api"
  dockerfile = "../Dockerfile"
  contexts   = { busybox = BUSYBOX }
  cache-to   = ["type=registry,mode=max,ref=localhost:5053/app/api:${sanitize_ref("feature/login")}"]
}
`), 0o600); err != nil {
			t.Fatal(err)
		}
		c.apply(t, c.root, seed)
		t.Setenv("ARCHIVE", filepath.Join(t.TempDir(), "archive"))
		// No builder may be needed.
		t.Setenv("CACHECTL_BUILDKITD", "/nonexistent")
		r := c.apply(t, c.root, "examples/promote/cache.hcl")
		if len(r.Transfers) != 1 || r.Transfers[0].Outcome != "done" || r.Transfers[0].Destinations[0].Layers == 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("actions", func(t *testing.T) {
		service := testenv.StartActionsV2(t)
		for name, value := range map[string]string{
			"ACTIONS_RUNTIME_TOKEN": service.Token, "ACTIONS_RESULTS_URL": service.URL, "ACTIONS_CACHE_URL": "", "ACTIONS_CACHE_SERVICE_V2": "True",
		} {
			t.Setenv(name, value)
		}
		c.checkHit(t, "examples/actions/cache.hcl", 2)
		t.Setenv("CACHECTL_BUILDKITD", "/nonexistent")
		r := c.apply(t, c.root, "examples/actions/cache.hcl", "keep")
		if len(r.Transfers) != 1 || r.Transfers[0].Outcome != "done" || r.Transfers[0].Destinations[0].Layers < 4 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("buckets", func(t *testing.T) {
		s3, azure := testenv.StartS3(t), testenv.StartAzure(t)
		for name, value := range map[string]string{
			"BUCKET": s3.Bucket, "AWS_REGION": s3.Region, "ENDPOINT": s3.Endpoint, "AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey,
			"ACCOUNT_URL": azure.AccountURL, "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME": azure.Account, "AZURE_STORAGE_KEY": azure.Key,
		} {
			t.Setenv(name, value)
		}
		c.checkHit(t, "examples/buckets/cache.hcl", 1)
		t.Setenv("BRANCH", "feature/login")
		c.run(t, c.root, "builder", "rm", "--data-dir", c.state)
		for _, target := range c.apply(t, c.root, "examples/buckets/cache.hcl").Targets {
			if target.Cached != target.Total {
				t.Errorf("on a branch %s has %d of %d steps cached", target.Name, target.Cached, target.Total)
			}
		}
		t.Setenv("CACHECTL_BUILDKITD", "/nonexistent")
		r := c.apply(t, c.root, "examples/buckets/cache.hcl", "mirror")
		if len(r.Transfers) != 1 || r.Transfers[0].Outcome != "done" || r.Transfers[0].Destinations[0].Layers == 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("dogfood", func(t *testing.T) {
		dir := t.TempDir()
		for from, to := range map[string]string{
			c.path: "bin/cachectl",
			filepath.Join(c.root, "examples/dogfood/Dockerfile"): "examples/dogfood/Dockerfile",
			filepath.Join(c.root, "examples/dogfood/cache.hcl"):  "examples/dogfood/cache.hcl",
		} {
			raw, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, to)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, raw, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		r := c.apply(t, dir, "examples/dogfood/cache.hcl")
		if len(r.Targets) != 1 || r.Targets[0].Outcome != "done" {
			t.Errorf("got %+v", r)
		}
	})
}
