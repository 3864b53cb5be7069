package view

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// run is a synthetic run of n targets that share an import and export to a registry each.
type run struct {
	plan *planner.Plan
	at   time.Time
}

func newRun(n int) *run {
	r := &run{plan: &planner.Plan{}, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	source := config.Cache{Type: "registry", Attrs: map[string]string{"ref": "localhost:5000/base:main"}}
	imp := &planner.Step{ID: "import registry localhost:5000/base:main", Kind: planner.KindImport, Import: &planner.ImportStep{Source: source}}
	r.plan.Steps = append(r.plan.Steps, imp)
	for i := range n {
		name := fmt.Sprintf("t%02d", i)
		to := config.Cache{Type: "registry", Attrs: map[string]string{"ref": "localhost:5000/" + name + ":main"}}
		at := hcl.Range{Filename: "cache.hcl", Start: hcl.Pos{Line: 10 + i, Column: 3}, End: hcl.Pos{Line: 10 + i, Column: 9}}
		build := &planner.Step{ID: planner.StepID("build " + name), Kind: planner.KindBuild, Range: at, Needs: []planner.StepID{imp.ID}, Build: &planner.BuildStep{
			Target: &config.Target{Name: name}, Sources: []planner.StepID{imp.ID},
		}}
		export := &planner.Step{ID: planner.StepID("export " + name + " to " + to.Name()), Kind: planner.KindExport, Range: at, Needs: []planner.StepID{build.ID}, Export: &planner.ExportStep{
			From: build.ID, Owner: name, Destination: to,
		}}
		build.Build.Exports = []planner.StepID{export.ID}
		r.plan.Steps = append(r.plan.Steps, build, export)
	}
	return r
}

func (r *run) step(id string) *planner.Step {
	for _, s := range r.plan.Steps {
		if string(s.ID) == id {
			return s
		}
	}
	panic("no step " + id)
}

// vertex is a vertex of a build that has run for a time.
func (r *run) vertex(name string, cached bool) *client.Vertex {
	start, end := r.at, r.at.Add(1200*time.Millisecond)
	if cached {
		end = start
	}
	return &client.Vertex{Digest: digest.FromString(name), Name: name, Started: &start, Completed: &end, Cached: cached}
}

// running is a vertex that has not ended.
func (r *run) running(name string) *client.Vertex {
	v := r.vertex(name, false)
	v.Completed = nil
	return v
}

// log is output of a vertex.
func (r *run) log(name, text string) *client.VertexLog {
	return &client.VertexLog{Vertex: digest.FromString(name), Stream: 1, Data: []byte(text), Timestamp: r.at.Add(100 * time.Millisecond)}
}

// fed is what a shaper makes of a synthetic feed: each target loads its Dockerfile, has a cached step, and runs one that writes a line in two pieces
// between which another target writes.
func (r *run) feed(s shaper, names []string) *client.SolveStatus {
	out := &client.SolveStatus{}
	add := func(st *client.SolveStatus) {
		if st != nil {
			out.Vertexes, out.Statuses = append(out.Vertexes, st.Vertexes...), append(out.Statuses, st.Statuses...)
			out.Logs, out.Warnings = append(out.Logs, st.Logs...), append(out.Warnings, st.Warnings...)
		}
	}
	imp := r.plan.Steps[0]
	add(s.started(imp, r.at))
	add(s.ended(&executor.StepResult{Step: imp, Outcome: executor.OutcomeDone}, r.at))
	const load, cached, ran = "[internal] load build definition from Dockerfile", "[base 1/2] COPY a /a", "[base 2/2] RUN make"
	for _, n := range names {
		add(s.started(r.step("build "+n), r.at))
		add(s.build(n, &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex(load, false), r.vertex(cached, true), r.running(ran)}}))
		add(s.build(n, &client.SolveStatus{Logs: []*client.VertexLog{r.log(ran, "compiling "+n)}}))
	}
	for _, n := range names {
		add(s.build(n, &client.SolveStatus{Logs: []*client.VertexLog{r.log(ran, " … done\n\x1b[31mred\x1b[0m \x1b]0;title\x07\x9b")}}))
		add(s.build(n, &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex(ran, false)}}))
		add(s.ended(&executor.StepResult{Step: r.step("build " + n), Outcome: executor.OutcomeDone}, r.at.Add(2*time.Second)))
		export := r.step("export " + n + " to registry localhost:5000/" + n + ":main")
		add(s.started(export, r.at))
		add(s.moved(export.ID, "push sha256:0123", 1000, 2000, r.at))
		add(s.moved(export.ID, "push sha256:0123", 2000, 2000, r.at.Add(time.Second)))
		add(s.ended(&executor.StepResult{Step: export, Outcome: executor.OutcomeDone, Published: &executor.Published{Changed: true}}, r.at.Add(time.Second)))
	}
	return out
}

// names are the vertices of a message in the order they first come.
func vertexNames(st *client.SolveStatus) []string {
	var list []string
	seen := map[digest.Digest]bool{}
	for _, v := range st.Vertexes {
		if !seen[v.Digest] {
			seen[v.Digest] = true
			list = append(list, v.Name)
		}
	}
	return list
}

func TestSameVertexOfTwoTargetsIsShownForEach(t *testing.T) {
	r := newRun(2)
	out := r.feed(newFull(false), []string{"t00", "t01"})
	for _, want := range []string{"[t00] [base 2/2] RUN make", "[t01] [base 2/2] RUN make", "[t00] [base 1/2] COPY a /a", "[t01] [base 1/2] COPY a /a"} {
		found := 0
		for _, n := range vertexNames(out) {
			if n == want {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s is shown as %d vertices, want 1; all: %q", want, found, vertexNames(out))
		}
	}
}

func TestInputsOfVerticesStayWithinTheirTarget(t *testing.T) {
	r := newRun(1)
	child := r.vertex("child", false)
	child.Inputs = []digest.Digest{digest.FromString("parent")}
	out := newFull(false).build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex("parent", false), child}})
	if got, want := out.Vertexes[1].Inputs[0], out.Vertexes[0].Digest; got != want {
		t.Errorf("input %s, want the parent's digest %s", got, want)
	}
}

func TestLogLinesComeWholeAndHarmless(t *testing.T) {
	r := newRun(2)
	out := r.feed(newFull(false), []string{"t00", "t01"})
	var lines []string
	for _, l := range out.Logs {
		lines = append(lines, string(l.Data))
	}
	want := []string{"compiling t00 … done\n", "red \\x9b\n", "compiling t01 … done\n", "red \\x9b\n"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestProgressBarKeepsItsLastState(t *testing.T) {
	got := string(cleanLines([]byte("10%\r50%\r100%\nnext\r\n")))
	if want := "100%\nnext\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLineWithoutEndIsNotKeptForEver(t *testing.T) {
	var b lineBuffer
	l := &client.VertexLog{Vertex: "v", Data: bytes.Repeat([]byte("x"), longestLine+1)}
	if got := b.add(l); got == nil || len(b.open) != 0 {
		t.Errorf("a line of %d bytes is kept back", len(l.Data))
	}
}

func TestFoldShowsOnlyWhatDidWork(t *testing.T) {
	r := newRun(2)
	out := r.feed(newFull(true), []string{"t00", "t01"})
	want := []string{"[t00] [base 2/2] RUN make", "[t00] 1 of 2 steps cached", "[t01] [base 2/2] RUN make", "[t01] 1 of 2 steps cached"}
	if diff := cmp.Diff(want, vertexNames(out)); diff != "" {
		t.Errorf("vertices (-want +got):\n%s", diff)
	}
}

func TestFoldLeavesWhatIsUpToDateToTheSummary(t *testing.T) {
	r := newRun(8)
	res := &executor.StepResult{Step: r.step("build t00"), Outcome: executor.OutcomeUpToDate}
	if got := newFull(true).ended(res, time.Now()); got != nil {
		t.Errorf("a log of many targets has %v", got.Vertexes)
	}
	if got := newFull(false).ended(res, time.Now()); got == nil {
		t.Error("a log of few targets does not have what is up to date")
	}
}

func TestPulledStepStaysCached(t *testing.T) {
	const name = "[base 2/2] RUN make"
	for _, folded := range []bool{true, false} {
		r, f := newRun(8), newFull(folded)
		f.build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex(name, true)}})
		pulled := f.build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.running(name)}, Statuses: []*client.VertexStatus{{ID: "extracting sha256:ab", Vertex: r.running(name).Digest}}})
		done := f.build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex(name, false)}})
		if folded && len(pulled.Statuses)+len(done.Vertexes) > 0 {
			t.Errorf("a log of many targets has %v %v", pulled.Statuses, done.Vertexes)
		}
		if !folded && !done.Vertexes[0].Cached {
			t.Error("a step that was pulled is shown as executed")
		}
	}
	o := tally{}
	r := newRun(1)
	for _, v := range []*client.Vertex{r.vertex(name, true), r.running(name), r.vertex(name, false)} {
		o.take(name, v)
	}
	if ended, cached := o.count(); ended != 1 || cached != 1 {
		t.Errorf("%d of %d are cached", cached, ended)
	}
}

func TestFoldShowsFailuresOfHousekeeping(t *testing.T) {
	r := newRun(1)
	v := r.vertex("[internal] load build definition from Dockerfile", false)
	v.Error = "no such file"
	out := newFull(true).build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{v}})
	if len(out.Vertexes) != 1 || out.Vertexes[0].Error == "" {
		t.Errorf("the failure is not shown: %+v", out.Vertexes)
	}
}

func TestFoldShowsWhatRunsInSilence(t *testing.T) {
	r := newRun(1)
	f := newFull(true)
	st := &client.SolveStatus{Vertexes: []*client.Vertex{r.running("[1/2] RUN sleep 60"), r.running("[internal] load build context")}}
	if out := f.build("t00", st); len(out.Vertexes) != 0 {
		t.Errorf("shown at once: %q", vertexNames(out))
	}
	if got := vertexNames(f.tick(r.at.Add(silentTime / 2))); len(got) != 0 {
		t.Errorf("shown too early: %q", got)
	}
	if diff := cmp.Diff([]string{"[t00] [1/2] RUN sleep 60"}, vertexNames(f.tick(r.at.Add(silentTime)))); diff != "" {
		t.Errorf("after a second (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"[t00] [internal] load build context"}, vertexNames(f.tick(r.at.Add(housekeepingTime)))); diff != "" {
		t.Errorf("after five (-want +got):\n%s", diff)
	}
}

func TestLayersThatABuilderHandsOverAreForProgramsOnly(t *testing.T) {
	r := newRun(1)
	v := r.vertex("exporting cache to client directory", false)
	st := &client.SolveStatus{Vertexes: []*client.Vertex{v}, Statuses: []*client.VertexStatus{{ID: "writing layer sha256:0123", Vertex: v.Digest}}}
	for _, mode := range []string{"plain", "tty", "rawjson"} {
		out := newShaper(mode, r.plan).build("t00", st)
		if got, want := len(out.Statuses) > 0, mode == "rawjson"; got != want {
			t.Errorf("%s shows them: %v, want %v", mode, got, want)
		}
	}
}

func TestBriefHasOneLineForEachTargetAndOneForImports(t *testing.T) {
	r := newRun(3)
	b := newBrief(r.plan)
	out := r.feed(b, []string{"t00", "t01"})
	seen := map[digest.Digest]string{}
	for _, v := range out.Vertexes {
		seen[v.Digest] = v.Name
	}
	if lines := vertexNames(out); len(lines) != 4 {
		t.Fatalf("%d lines, want one for each of three targets and one for imports: %q", len(lines), lines)
	}
	if got, want := seen[b.owners["t00"].vertex.Digest], "[t00] 2/2 steps, 1 cached, sent 1.953KiB of 1.953KiB"; got != want {
		t.Errorf("line of a target that is done: %q, want %q", got, want)
	}
	running := b.build("t02", &client.SolveStatus{})
	if len(running.Vertexes) != 0 {
		t.Errorf("a target that has not started is shown: %q", vertexNames(running))
	}
}

func TestBriefEndsALineWhenAllItsStepsHave(t *testing.T) {
	r := newRun(1)
	b := newBrief(r.plan)
	build := r.step("build t00")
	b.started(build, r.at)
	mid := b.ended(&executor.StepResult{Step: build, Outcome: executor.OutcomeDone}, r.at)
	if mid.Vertexes[0].Completed != nil {
		t.Error("the line ends before the export has")
	}
	export := r.plan.Steps[2]
	b.started(export, r.at)
	end := b.ended(&executor.StepResult{Step: export, Outcome: executor.OutcomeFailed, Err: errors.New("disk full\nmore")}, r.at)
	if diff := cmp.Diff([]string{"[t00] export to registry localhost:5000/t00:main", "[t00] failed"}, vertexNames(end)); diff != "" {
		t.Fatalf("lines (-want +got):\n%s", diff)
	}
	if v := end.Vertexes[0]; v.Error != "disk full" {
		t.Errorf("the failure is %q, want one line", v.Error)
	}
	if end.Vertexes[1].Completed == nil {
		t.Error("the target's line does not end")
	}
}

func TestBriefShowsAFailedStepWithItsLastLinesOnly(t *testing.T) {
	r := newRun(1)
	b := newBrief(r.plan)
	b.started(r.step("build t00"), r.at)
	const other, fails = "[1/2] RUN prepare", "[2/2] RUN make"
	b.build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.running(other), r.running(fails)}, Logs: []*client.VertexLog{r.log(other, "of no interest\n")}})
	for i := range tailLines + 5 {
		b.build("t00", &client.SolveStatus{Logs: []*client.VertexLog{r.log(fails, fmt.Sprintf("line %d\n", i))}})
	}
	v := r.vertex(fails, false)
	v.Error = "exit code: 2"
	out := b.build("t00", &client.SolveStatus{Vertexes: []*client.Vertex{v}})
	if got, want := out.Vertexes[0].Name, "[t00] [2/2] RUN make"; got != want {
		t.Fatalf("the failed step is shown as %q, want %q", got, want)
	}
	var lines []string
	for _, l := range out.Logs {
		if l.Vertex == out.Vertexes[0].Digest {
			lines = append(lines, string(l.Data))
		}
	}
	if len(lines) != tailLines || lines[0] != "line 5\n" {
		t.Errorf("%d lines from %q, want the last %d", len(lines), lines[0], tailLines)
	}
	end := b.ended(&executor.StepResult{Step: r.step("build t00"), Outcome: executor.OutcomeFailed, Err: errors.New("solve: exit code: 2")}, r.at)
	if got := vertexNames(end); len(got) != 1 {
		t.Errorf("the failure is shown again: %q", got)
	}
}

func TestFramesReachTheTerminalWholeAndWithoutColorIfAsked(t *testing.T) {
	out, read := pipe(t)
	term := &terminal{Output: NewOutput(out, &Secrets{})}
	_, _ = term.Write([]byte("\x1b[?25l"))
	_, _ = term.Write([]byte("\x1b[34m => line\x1b[0m\n"))
	if got := read(); got != "" {
		t.Errorf("a piece of a frame is written: %q", got)
	}
	_, _ = term.Write(showCursor)
	if got, want := read(), "\x1b[?25l => line\n\x1b[?25h"; got != want {
		t.Errorf("frame %q, want %q", got, want)
	}
}

// numbers are what differs from run to run in the plain display.
var numbers = regexp.MustCompile(`\d+\.\d+s`)

func TestPlainLogOfManyTargets(t *testing.T) {
	r := newRun(8)
	out, read := pipe(t)
	p, err := NewProgress(t.Context(), NewOutput(out, &Secrets{}), ProgressOptions{Mode: "plain", Plan: r.plan})
	if err != nil {
		t.Fatal(err)
	}
	const ran = "[base 2/2] RUN make"
	p.StepStarted(r.plan.Steps[0])
	p.StepEnded(&executor.StepResult{Step: r.plan.Steps[0], Outcome: executor.OutcomeMissing, Err: errors.New("nothing there yet")})
	for i, name := range []string{"t00", "t01"} {
		build := r.step("build " + name)
		p.StepStarted(build)
		p.BuildStatus(name, &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex("[internal] load .dockerignore", false), r.vertex("[base 1/2] COPY a /a", true)}})
		failed := r.vertex(ran, false)
		if i == 1 {
			failed.Error = "process \"make\" did not complete successfully: exit code: 2"
		}
		p.BuildStatus(name, &client.SolveStatus{Vertexes: []*client.Vertex{r.running(ran)}, Logs: []*client.VertexLog{r.log(ran, "hello from "+name)}})
		p.BuildStatus(name, &client.SolveStatus{Vertexes: []*client.Vertex{failed}})
		p.StepEnded(&executor.StepResult{Step: build, Outcome: []executor.Outcome{executor.OutcomeDone, executor.OutcomeFailed}[i]})
	}
	p.StepWarning("build t00", "cache source went away")
	p.Close()
	golden(t, "plain.txt", numbers.ReplaceAllString(read(), "N.Ns"))
}

func TestARunThatLooksForLongSaysSo(t *testing.T) {
	for _, early := range []bool{true, false} {
		r := newRun(1)
		out, read := pipe(t)
		p, err := NewProgress(t.Context(), NewOutput(out, &Secrets{}), ProgressOptions{Mode: "plain", Plan: r.plan})
		if err != nil {
			t.Fatal(err)
		}
		if early {
			p.StepStarted(r.plan.Steps[0])
		}
		p.look()
		p.StepStarted(r.step("export t00 to registry localhost:5000/t00:main"))
		p.look()
		p.Close()
		if got := strings.Count(read(), "look what is up to date"); (got == 0) != early {
			t.Errorf("with a step before it: %t: %q", early, read())
		}
	}
}

func TestQuietShowsNothing(t *testing.T) {
	r := newRun(2)
	out, read := pipe(t)
	p, err := NewProgress(t.Context(), NewOutput(out, &Secrets{}), ProgressOptions{Mode: "quiet", Plan: r.plan})
	if err != nil {
		t.Fatal(err)
	}
	p.BuildStatus("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex("[1/1] RUN make", false)}})
	p.Close()
	if got := read(); got != "" {
		t.Errorf("quiet prints %q", got)
	}
}

func TestQuietShowsTheLastLinesOfWhatFails(t *testing.T) {
	r := newRun(1)
	out, read := pipe(t)
	p, err := NewProgress(t.Context(), NewOutput(out, &Secrets{}), ProgressOptions{Mode: "quiet", Plan: r.plan})
	if err != nil {
		t.Fatal(err)
	}
	const ran = "[1/1] RUN make"
	for i := range tailLines + 1 {
		p.BuildStatus("t00", &client.SolveStatus{Logs: []*client.VertexLog{r.log(ran, fmt.Sprintf("line %d\n", i))}})
	}
	p.BuildStatus("t00", &client.SolveStatus{Logs: []*client.VertexLog{r.log(ran, "no rule")}})
	failed := r.vertex(ran, false)
	failed.Error = "exit code: 2"
	p.BuildStatus("t00", &client.SolveStatus{Vertexes: []*client.Vertex{failed}})
	p.Close()
	got := read()
	if !strings.HasPrefix(got, "------\n > [t00] [1/1] RUN make:\nline 2\n") || !strings.HasSuffix(got, fmt.Sprintf("line %d\nno rule\n------\n", tailLines)) {
		t.Errorf("quiet prints %q", got)
	}
}

func TestSecretsAreHiddenInProgress(t *testing.T) {
	r := newRun(2)
	secrets := &Secrets{}
	secrets.Add("canary-value")
	for _, mode := range []string{"plain", "rawjson"} {
		out, read := pipe(t)
		p, err := NewProgress(t.Context(), NewOutput(out, secrets), ProgressOptions{Mode: mode, Plan: r.plan})
		if err != nil {
			t.Fatal(err)
		}
		const ran = "[1/1] RUN echo canary-value"
		p.BuildStatus("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.running(ran)}})
		p.BuildStatus("t00", &client.SolveStatus{Logs: []*client.VertexLog{r.log(ran, "canary-"), r.log(ran, "value\n")}})
		p.BuildStatus("t00", &client.SolveStatus{Vertexes: []*client.Vertex{r.vertex(ran, false)}})
		p.Close()
		got := read()
		for encoded := range strings.SplitSeq(got, `"`) {
			if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				got += string(raw)
			}
		}
		if strings.Contains(got, "canary-value") || !strings.Contains(got, "***") {
			t.Errorf("%s prints %q", mode, got)
		}
	}
}

func TestWarningsOfBuildKitAreKeptOnce(t *testing.T) {
	r := newRun(1)
	out, _ := pipe(t)
	p, err := NewProgress(t.Context(), NewOutput(out, &Secrets{}), ProgressOptions{Mode: "quiet", Plan: r.plan})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.BuildStatus("t00", &client.SolveStatus{Warnings: []*client.VertexWarning{{Short: []byte("old\x1b[2J syntax")}}})
	}
	p.Close()
	if diff := cmp.Diff(map[string][]string{"t00": {`old\x1b[2J syntax`}}, p.BuildWarnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// pipe is a file to print to and what was printed.
func pipe(t *testing.T) (*os.File, func() string) {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, func() string {
		raw, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
}
