package view

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
	digest "github.com/opencontainers/go-digest"
)

// report is a run of three targets: one published to two places, one failed with a message that tries to harm the terminal, one skipped; and a
// transfer that left its destination as it was.
func report() *executor.Report {
	at := func(line int) hcl.Range {
		return hcl.Range{Filename: "cache.hcl", Start: hcl.Pos{Line: line, Column: 3}, End: hcl.Pos{Line: line, Column: 9}}
	}
	source := config.Cache{Type: "registry", Attrs: map[string]string{"ref": "localhost:5000/base:main"}}
	imp := &planner.Step{ID: "import registry localhost:5000/base:main", Kind: planner.KindImport, Range: at(4), Import: &planner.ImportStep{Source: source}}
	web := &planner.Step{ID: "build web", Kind: planner.KindBuild, Range: at(12), Build: &planner.BuildStep{Target: &config.Target{Name: "web"}}}
	broken := &executor.StepError{Step: web, Op: "build", Where: "web", Err: errors.New("process \"make\" did not complete successfully: exit code: 2\x1b[2J\nsee above")}
	d := digest.FromString("published").String()
	return &executor.Report{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Duration: 75 * time.Second,
		Steps: []*executor.StepResult{
			{Step: imp, Outcome: executor.OutcomeMissing, Err: errors.New("nothing there yet")},
			{Step: &planner.Step{ID: "build api", Kind: planner.KindBuild, Range: at(8)}, Outcome: executor.OutcomeDone, Warnings: []string{"a layer was gone"}},
			{Step: web, Outcome: executor.OutcomeFailed, Err: broken},
			{Step: &planner.Step{ID: "build worker", Kind: planner.KindBuild, Range: at(20)}, Outcome: executor.OutcomeSkipped, Err: errors.New("web failed")},
		},
		Targets: []*executor.TargetResult{
			{
				Name: "api", Outcome: executor.OutcomeDone, Duration: 61 * time.Second, Cached: 9, Total: 12, BytesIn: 3 << 20, BytesOut: 12345678,
				Sources:  []executor.SourceResult{{Name: "registry localhost:5000/base:main", Outcome: executor.OutcomeMissing, Err: errors.New("nothing there yet")}},
				Metadata: map[string]string{"containerimage.digest": d, "containerimage.descriptor": "eyJzaXplIjo1fQ=="},
				Destinations: []executor.DestinationResult{
					{Name: "registry localhost:5000/api:main", Outcome: executor.OutcomeDone, Digest: d, Layers: 7, Bytes: 1 << 24, Pushed: 12345678, Changed: true},
					{Name: "local out:latest", Outcome: executor.OutcomeIgnored, Err: errors.New("disk full")},
				},
			},
			{Name: "web", Outcome: executor.OutcomeFailed, Err: broken, Duration: 2 * time.Second},
			{Name: "worker", Outcome: executor.OutcomeSkipped},
		},
		Transfers: []*executor.TargetResult{{
			Name: "promote", Outcome: executor.OutcomeDone, Duration: time.Second,
			Sources:      []executor.SourceResult{{Name: "registry localhost:5000/api:main", Outcome: executor.OutcomeDone, Digest: d}},
			Destinations: []executor.DestinationResult{{Name: "registry localhost:5000/api:stable", Outcome: executor.OutcomeDone, Digest: d, Layers: 7, Bytes: 1 << 24}},
		}},
	}
}

func TestFinalTable(t *testing.T) {
	var buf bytes.Buffer
	Report(&buf, report(), map[string][]string{"api": {"FromAsCasing: casing does not match (line 1)"}}, Style{})
	golden(t, "report.txt", buf.String())
}

func TestFinalTableInColorHasTheSameText(t *testing.T) {
	var plain, colored bytes.Buffer
	Report(&plain, report(), nil, Style{})
	Report(&colored, report(), nil, Style{Color: true})
	if !strings.Contains(colored.String(), "\x1b[31m") {
		t.Error("a failure is not red")
	}
	if got := sgr.ReplaceAllString(colored.String(), ""); got != plain.String() {
		t.Errorf("text differs:\n%s\nwithout color:\n%s", got, plain.String())
	}
}

func TestReportForPrograms(t *testing.T) {
	var buf bytes.Buffer
	if err := ReportJSON(&buf, report()); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", buf.String())
}

func TestMetadataHasTheFormOfBake(t *testing.T) {
	doc, err := Metadata(report())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "metadata.json", string(doc))
}

func TestManyMissingSourcesAreOneLine(t *testing.T) {
	r := &executor.Report{}
	for i := range 50 {
		source := config.Cache{Type: "registry", Attrs: map[string]string{"ref": fmt.Sprintf("localhost:5000/t%02d:main", i)}}
		r.Steps = append(r.Steps, &executor.StepResult{Step: &planner.Step{Import: &planner.ImportStep{Source: source}}, Outcome: executor.OutcomeMissing})
	}
	var buf bytes.Buffer
	warnings(&buf, r, nil, Style{})
	if n := strings.Count(buf.String(), "\n"); n != 1 || !strings.Contains(buf.String(), "50 cache sources") || !strings.Contains(buf.String(), "46 more") {
		t.Errorf("%d lines:\n%s", n, buf.String())
	}
}

func TestGitHubGetsAnnotationsAndASummary(t *testing.T) {
	summary := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(summary, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}
	var buf bytes.Buffer
	if err := CI(&buf, report(), func(k string) (string, bool) { v, ok := env[k]; return v, ok }); err != nil {
		t.Fatal(err)
	}
	want := "::error file=cache.hcl,line=12::build web: process \"make\" did not complete successfully: exit code: 2\\x1b[2J%0Asee above\n"
	if buf.String() != want {
		t.Errorf("annotations:\n%s\nwant:\n%s", buf.String(), want)
	}
	page, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.md", string(page))

	buf.Reset()
	if err := CI(&buf, report(), func(string) (string, bool) { return "", false }); err != nil || buf.Len() > 0 {
		t.Errorf("outside of GitHub Actions: %v, %q", err, buf.String())
	}
}
