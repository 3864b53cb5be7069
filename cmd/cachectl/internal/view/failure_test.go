package view

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
)

const brokenDockerfile = "FROM base\nRUN make \\\n  all\nCOPY . /\n"

// failedBuild is a target whose instruction in lines 2 and 3 of brokenDockerfile failed.
func failedBuild(name, dir string) *executor.StepResult {
	dockerfile := "../Dockerfile"
	step := &planner.Step{
		ID: planner.StepID("build " + name), Kind: planner.KindBuild, Range: hcl.Range{Filename: "cache.hcl", Start: hcl.Pos{Line: 7, Column: 1}},
		Build: &planner.BuildStep{Target: &config.Target{Name: name, Context: &dir, Dockerfile: &dockerfile}},
	}
	cause := errors.New(`process "/bin/sh -c make   all" did not complete successfully: exit code: 2`)
	at := &errdefs.Source{
		Info:   &pb.SourceInfo{Filename: "Dockerfile", Data: []byte(brokenDockerfile)},
		Ranges: []*pb.Range{{Start: &pb.Position{Line: 2}, End: &pb.Position{Line: 3}}},
	}
	err := fmt.Errorf("solve: %w", errdefs.WithSource(cause, at))
	return &executor.StepResult{Step: step, Outcome: executor.OutcomeFailed, Err: &executor.StepError{Step: step, Op: "build", Where: name, Err: err}}
}

func TestFailedInstructionIsShownWithItsLines(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("services/api", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("services/Dockerfile", []byte(brokenDockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "error: build api (cache.hcl:7,1): services/Dockerfile:2: exit code: 2\n     2 | RUN make \\\n     3 |   all\n"
	report := &executor.Report{Steps: []*executor.StepResult{failedBuild("api", "services/api")}}
	var buf bytes.Buffer
	Failures(&buf, report, Style{})
	if buf.String() != want {
		t.Errorf("got\n%s\nwant\n%s", buf.String(), want)
	}

	// A Dockerfile with another text is not the one that failed.
	if err := os.WriteFile("services/Dockerfile", []byte("FROM other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	buf.Reset()
	Failures(&buf, report, Style{})
	if got := buf.String(); !strings.Contains(got, "): Dockerfile:2: exit code: 2\n") {
		t.Errorf("a Dockerfile that has changed is named:\n%s", got)
	}
}

func TestFailuresWithOneReasonAreToldOnce(t *testing.T) {
	r := &executor.Report{}
	for i := range 14 {
		name := fmt.Sprintf("t%02d", i)
		step := &planner.Step{ID: planner.StepID("build " + name), Kind: planner.KindBuild, Range: hcl.Range{Filename: "cache.hcl", Start: hcl.Pos{Line: 3, Column: 1}}}
		down := &executor.StepError{Step: step, Op: "read", Where: "registry r.example.com/" + name, Err: errors.New("connection refused")}
		r.Steps = append(r.Steps, &executor.StepResult{Step: step, Outcome: executor.OutcomeFailed, Err: errors.Join(down)})
	}
	other := r.Steps[3]
	other.Err = errors.Join(other.Err, &executor.StepError{Step: other.Step, Op: "read", Where: "local cache", Err: errors.New("permission denied")})
	var buf bytes.Buffer
	Failures(&buf, r, Style{})
	golden(t, "failures.txt", buf.String())
}

func TestGitHubShowsAFailedInstructionInItsDockerfile(t *testing.T) {
	var list []*executor.StepResult
	for i := range 6 {
		list = append(list, failedBuild(fmt.Sprintf("t%d", i), "nowhere"))
	}
	var buf bytes.Buffer
	env := func(name string) (string, bool) { return "true", name == "GITHUB_ACTIONS" }
	if err := CI(&buf, &executor.Report{Steps: list}, env); err != nil {
		t.Fatal(err)
	}
	want := "::error file=Dockerfile,line=2::build t0, build t1, build t2, build t3 and 2 more: exit code: 2\n"
	if buf.String() != want {
		t.Errorf("got %q, want %q", buf.String(), want)
	}
}

func TestManyThatAreUpToDateAreCounted(t *testing.T) {
	r := &executor.Report{}
	for i := range 20 {
		place := executor.DestinationResult{Name: fmt.Sprintf("registry r.example.com/t%02d:main", i), Outcome: executor.OutcomeUpToDate}
		r.Targets = append(r.Targets, &executor.TargetResult{Name: fmt.Sprintf("t%02d", i), Outcome: executor.OutcomeUpToDate, Destinations: []executor.DestinationResult{place}})
	}
	var buf bytes.Buffer
	Report(&buf, r, nil, Style{})
	all := buf.String()
	built := r.Targets[7]
	built.Outcome, built.Cached, built.Total = executor.OutcomeDone, 3, 4
	built.Destinations = append(built.Destinations, executor.DestinationResult{Name: "local out/t07", Outcome: executor.OutcomeDone})
	buf.Reset()
	Report(&buf, r, nil, Style{})
	golden(t, "many.txt", all+"\nand with one built:\n"+buf.String())
}

func TestDestinationsStandBelowOnANarrowTerminal(t *testing.T) {
	var buf bytes.Buffer
	Report(&buf, report(), nil, Style{Width: 80})
	golden(t, "narrow.txt", buf.String())
	table, _, _ := strings.Cut(buf.String(), "warning:")
	for line := range strings.SplitSeq(table, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("%q does not fit", line)
		}
	}
}
