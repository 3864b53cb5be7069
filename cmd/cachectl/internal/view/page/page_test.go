package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// services is a configuration of linked and unlinked targets with shared sources, long names and a name that tries to be markup.
const services = `
target "base" {
  cache-from "registry" { ref = "registry.example.com/platform/build-caches/base:main" }
  cache-to "registry" { ref = "registry.example.com/platform/build-caches/base:main" }
}
target "svc" {
  name       = "svc-${n}"
  matrix     = { n = ["api", "web", "worker"] }
  contexts   = { base = "target:base" }
  cache-from "registry" { ref = "registry.example.com/platform/build-caches/${n}:feature-with-a-rather-long-name-of-a-branch" }
  cache-from "registry" { ref = "registry.example.com/platform/build-caches/${n}:main" }
  cache-to "registry" {
    ref  = "registry.example.com/platform/build-caches/${n}:feature-with-a-rather-long-name-of-a-branch"
    mode = "max"
  }
  cache-to "inline" {}
}
target "markup" {
  cache-to "local" { dest = "</title></style><script>window.pwned=true</script><img src=x onerror='window.pwned=true'>" }
}
transfer "mirror" {
  cache-from "registry" { ref = "registry.example.com/platform/build-caches/api:feature-with-a-rather-long-name-of-a-branch" }
  cache-to "registry" { ref = "mirror.example.com/build-caches/api:main" }
}
`

func plan(t *testing.T, dir, text string) *planner.Plan {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{path}, Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var names []string
	for _, l := range c.Names() {
		if l.Kind == "target" || l.Kind == "transfer" {
			names = append(names, l.Name)
		}
	}
	res, diags := c.Resolve(config.Selection{Names: names})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.New(res, planner.Options{Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// nobody drops events.
type nobody struct{}

func (nobody) StepStarted(*planner.Step)                          {}
func (nobody) StepEnded(*executor.StepResult)                     {}
func (nobody) StepProgress(planner.StepID, string, int64, int64)  {}
func (nobody) StepWarning(planner.StepID, string)                 {}
func (nobody) BuildStatus(target string, _ *executor.BuildStatus) {}

const canary = "canary-secret-4711"

// ended is a run of a plan in which svc-web failed, with messages that try to be markup and one that holds a secret.
func ended(p *planner.Plan) page.Ended {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &executor.Report{Started: started, Duration: 90 * time.Second}
	rec := page.NewRecorder(nobody{})
	for i, s := range p.Steps {
		res := &executor.StepResult{Step: s, Outcome: executor.OutcomeDone, Started: started.Add(time.Duration(i) * 4 * time.Second), Duration: time.Duration(i+1) * 700 * time.Millisecond}
		if s.Kind == planner.KindBuild {
			res.Duration *= 3
		}
		switch s.Kind {
		case planner.KindImport:
			if i%3 == 0 {
				res.Outcome, res.Err = executor.OutcomeMissing, errors.New("nothing there yet")
			}
		case planner.KindBuild:
			r.Targets = append(r.Targets, buildResult(s.Build.Target.Name, res, rec))
		case planner.KindMerge:
			r.Transfers = append(r.Transfers, &executor.TargetResult{Name: s.Merge.Transfer.Name, Outcome: executor.OutcomeDone, Duration: res.Duration})
		case planner.KindExport:
			res.BytesOut = 1 << 20
			res.Published = &executor.Published{Changed: i%2 == 0, Layers: 7, Bytes: 1 << 24, Root: ocispec.Descriptor{Digest: digest.FromString(string(s.ID))}}
		}
		r.Steps = append(r.Steps, res)
	}
	return page.Ended{Plan: p, Report: r, Builds: rec, Warnings: map[string][]string{"base": {"FromAsCasing: casing does not match (line 1)"}}}
}

func buildResult(name string, res *executor.StepResult, rec *page.Recorder) *executor.TargetResult {
	t := &executor.TargetResult{Name: name, Outcome: executor.OutcomeDone, Duration: res.Duration, Cached: 2, Total: 4, BytesIn: 3 << 20, BytesOut: 12345678}
	t.Destinations = []executor.DestinationResult{{Name: "registry registry.example.com/platform/build-caches/" + name + ":main", Outcome: executor.OutcomeDone, Digest: "sha256:ab", Layers: 7, Bytes: 1 << 24, Pushed: 1 << 20, Changed: true}}
	t.Sources = []executor.SourceResult{{Name: "registry registry.example.com/platform/build-caches/" + name + ":main", Outcome: executor.OutcomeDone, Digest: digest.FromString(name).String()}}
	for i := range 4 {
		start := res.Started.Add(time.Duration(i) * res.Duration / 5)
		end := start.Add(time.Duration(i+1) * res.Duration / 2)
		rec.BuildStatus(name, &client.SolveStatus{Vertexes: []*client.Vertex{{
			Digest: digest.FromString(fmt.Sprint(name, i)), Cached: i < 2, Started: &start, Completed: &end,
			Name: fmt.Sprintf("[build %d/4] RUN --mount=type=cache,target=/root/.cache make %s <script>window.pwned=true</script> %s", i+1, name, strings.Repeat("and-more", 9)),
		}}})
	}
	if name == "svc-web" {
		res.Outcome, t.Outcome, t.Destinations = executor.OutcomeFailed, executor.OutcomeFailed, nil
		res.Err = fmt.Errorf("process \"make\" did not complete: %s\x1b[2J\n<script>window.pwned=true</script>\n%s", canary, strings.Repeat("x", 500))
		t.Err = res.Err
	}
	return t
}

func options() page.Options {
	return page.Options{Version: "v1", Hide: func(s string) string { return strings.ReplaceAll(s, canary, "***") }}
}

func TestThePageOfARunRenders(t *testing.T) {
	p := plan(t, t.TempDir(), services)
	doc, err := page.Run(ended(p), options())
	if err != nil {
		t.Fatal(err)
	}
	checkLooks(t, doc, len(p.Steps), map[string][]string{
		"tiles":    {"steps cached", "50 %", "10 of 20", "5 of 6", "1 failed"},
		"problems": {"build svc-web", "process \"make\"", "<script>", "***", "nothing usable yet", "FromAsCasing"},
		"slowest":  {"[build 4/4]", "svc-worker", "1m11s"},
		"timeline": {"build svc-api", "import registry", "22.5 s", "1m30s"},
		"targets":  {"svc-api", "mirror", "2 of 4 steps cached", "hit", "miss", "7 layers, 16MiB, 1MiB sent", "base as context base"},
		"shared":   {"read once for 4", "its result is taken by 3", "15MiB of 16MiB were there already"},
	})
}

// TestThePageOfManyTargetsShowsWhatWasDone holds that fifty targets with nothing to do do not bury the one that failed.
func TestThePageOfManyTargetsShowsWhatWasDone(t *testing.T) {
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("%q", fmt.Sprintf("s%02d", i)))
	}
	p := plan(t, t.TempDir(), `target "svc" {
  name   = n
  matrix = { n = [`+strings.Join(names, ", ")+`] }
  cache-to "registry" { ref = "registry.example.com/caches/${n}:main" }
}
`)
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &executor.Report{Started: started, Duration: 90 * time.Second}
	for _, s := range p.Steps {
		res := &executor.StepResult{Step: s, Outcome: executor.OutcomeUpToDate, Started: started}
		if s.Build != nil && s.Build.Target.Name == "s49" {
			res.Outcome, res.Err, res.Duration = executor.OutcomeFailed, errors.New("no rule"), time.Minute
		}
		r.Steps = append(r.Steps, res)
		if s.Build != nil {
			r.Targets = append(r.Targets, &executor.TargetResult{Name: s.Build.Target.Name, Outcome: res.Outcome, Err: res.Err})
		}
	}
	doc, err := page.Run(page.Ended{Plan: p, Report: r}, options())
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	if n := strings.Count(text, `class="row line"`); n != 1 {
		t.Errorf("the timeline has %d steps, want the one that did something", n)
	}
	if !strings.Contains(text, "99 steps with nothing to do: left out.") {
		t.Error("the page does not say what it leaves out")
	}
	graph, targets, _ := strings.Cut(text[strings.Index(text, `id="graph"`):], `id="targets"`)
	if strings.Contains(graph, "s00") || !strings.Contains(graph, "s49") {
		t.Error("the picture shows what had nothing to do, or not what failed")
	}
	if first, _, _ := strings.Cut(targets, "</h3>"); !strings.Contains(first, "s49") {
		t.Errorf("the first target is %s", first)
	}
}

func TestThePageOfAPlanRenders(t *testing.T) {
	p := plan(t, t.TempDir(), services)
	diags := hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Stages left out", Detail: "Use <b>mode=max</b>.", Subject: &hcl.Range{Filename: "cache.hcl", Start: hcl.Pos{Line: 7}}}}
	doc, err := page.Plan(p, diags, options())
	if err != nil {
		t.Fatal(err)
	}
	checkLooks(t, doc, len(p.Steps), map[string][]string{
		"tiles":    {"to build", "caches to publish"},
		"problems": {"Stages left out", "cache.hcl:7", "<b>mode=max</b>"},
		"targets":  {"svc-worker", "by BuildKit", "max, gzip", "waits for"},
		"shared":   {"read once for 4"},
	})
}

func TestPagesHoldNoSecretAndAreTheSameEveryTime(t *testing.T) {
	p := plan(t, t.TempDir(), services)
	e := ended(p)
	first, err := page.Run(e, options())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(first, []byte(canary)) {
		t.Error("the page shows a secret")
	}
	for range 20 {
		again, err := page.Run(e, options())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("the same run gives another page")
		}
	}
}

// TestABuildWhoseInstructionsAllHitIsAPieceOfItsOwn holds that the slowest are not looked for in instructions alone.
func TestABuildWhoseInstructionsAllHitIsAPieceOfItsOwn(t *testing.T) {
	p := plan(t, t.TempDir(), "target \"app\" {\n  context = \".\"\n}\n")
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rec := page.NewRecorder(nobody{})
	rec.BuildStatus("app", &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: digest.FromString("a"), Name: "[1/1] RUN make", Cached: true}}})
	report := &executor.Report{
		Started: started, Duration: 4 * time.Second,
		Steps:   []*executor.StepResult{{Step: p.Steps[0], Outcome: executor.OutcomeDone, Started: started, Duration: 3 * time.Second}},
		Targets: []*executor.TargetResult{{Name: "app", Outcome: executor.OutcomeDone, Cached: 1, Total: 1}},
	}
	doc, err := page.Run(page.Ended{Plan: p, Report: report, Builds: rec}, options())
	if err != nil {
		t.Fatal(err)
	}
	slowest, _, _ := strings.Cut(string(doc[bytes.Index(doc, []byte(`id="slowest"`)):]), "</section>")
	if !strings.Contains(slowest, "build app") || !strings.Contains(slowest, "3.0 s") || strings.Contains(slowest, "RUN make") {
		t.Errorf("the slowest are\n%s", slowest)
	}
}
