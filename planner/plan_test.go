package planner_test

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func plan(t testing.TB, dir, file string) *planner.Plan {
	t.Helper()
	c, diags := config.Load(t.Context(), config.Options{Files: []string{file}, Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.New(res, planner.Options{Dir: "/src"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// TestPlansAreWhatTheFilesSay compares each plan, as JSON and as a graph, with the golden files beside its configuration.
func TestPlansAreWhatTheFilesSay(t *testing.T) {
	files, err := filepath.Glob("testdata/*/cache.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p := plan(t, dir, "cache.hcl")
			raw, err := p.JSON()
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string]string{"plan.json": string(raw), "plan.dot": p.DOT(), "plan.mmd": p.Mermaid(), "plan.svg": p.SVG(nil)} {
				golden := filepath.Join(dir, name)
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestAPlanIsTheSameEveryTime plans again and again, on one processor and on many.
func TestAPlanIsTheSameEveryTime(t *testing.T) {
	first, err := plan(t, "testdata/shared", "cache.hcl").JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, procs := range []int{1, 2, 8} {
		old := runtime.GOMAXPROCS(procs)
		for range 20 {
			again, err := plan(t, "testdata/shared", "cache.hcl").JSON()
			if err != nil {
				t.Fatal(err)
			}
			if string(again) != string(first) {
				t.Fatalf("with %d processors the plan is another one:\n%s", procs, cmp.Diff(string(first), string(again)))
			}
		}
		runtime.GOMAXPROCS(old)
	}
}

func TestAPlanHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cache.hcl"), []byte(`target "app" {
  args     = { TOKEN = "canary-arg" }
  cache-to = ["type=s3,bucket=b,region=r,secret_access_key=canary-key,access_key_id=canary-id,session_token=canary-session",
    "type=gha,token=canary-token,ghtoken=canary-ghtoken,repository=team/app,url=https://u:canary-user@cache.example/canary-path/"]
}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := plan(t, dir, "cache.hcl")
	raw, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if all := string(raw) + p.DOT() + p.Mermaid() + p.SVG(nil); strings.Contains(all, "canary") {
		t.Errorf("the plan shows a secret:\n%s", all)
	}
}
