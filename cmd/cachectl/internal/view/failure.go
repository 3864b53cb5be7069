package view

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner/dockerfile"
	"github.com/moby/buildkit/solver/errdefs"
)

// Failure is one reason why steps failed, and the steps.
type Failure struct {
	steps []*executor.StepResult
	why   string
	// file and line are where in a Dockerfile it happened, "" when it was not there; source are the lines.
	file   string
	line   int
	source []string
}

// failuresShown is how many steps with one reason are named before the rest is counted.
const failuresShown = 10

// Failures prints each reason why steps failed once: what failed, where it is declared, and why; for a build the lines of its Dockerfile. Further
// lines of the reason follow, indented.
func Failures(w io.Writer, r *executor.Report, style Style) {
	for _, f := range FailuresOf(r) {
		_, _ = fmt.Fprintf(w, "%s %s: %s\n", style.red("error:"), f.Headline(), strings.ReplaceAll(f.Text(), "\n", "\n  "))
	}
}

// declared is a step and where it is declared.
func declared(s *executor.StepResult) string {
	name := oneLine(string(s.Step.ID))
	if rng := s.Step.Range; rng.Filename != "" {
		name += fmt.Sprintf(" (%s:%d,%d)", oneLine(rng.Filename), rng.Start.Line, rng.Start.Column)
	}
	return name
}

// Headline is what failed, and where that is declared.
func (f *Failure) Headline() string {
	if len(f.steps) == 1 {
		return declared(f.steps[0])
	}
	if f.file != "" {
		return count(len(f.steps), "step") + " failed at one line"
	}
	return count(len(f.steps), "step") + " failed for one reason"
}

// Text is why the steps failed, the lines of the Dockerfile if it happened there, and the steps if they are several.
func (f *Failure) Text() string {
	lines := append([]string{f.reason()}, f.source...)
	if len(f.steps) > 1 {
		for _, s := range f.steps[:min(len(f.steps), failuresShown)] {
			lines = append(lines, declared(s))
		}
	}
	if more := len(f.steps) - failuresShown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// reason is why the steps failed, without what their names say already.
func (f *Failure) reason() string {
	if f.file == "" {
		return f.why
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.why)
}

// FailuresOf are the failed steps of a run by their reasons, in the order of the first of each.
func FailuresOf(r *executor.Report) []*Failure {
	var list []*Failure
	known := map[string]*Failure{}
	for _, s := range r.Steps {
		if s.Outcome != executor.OutcomeFailed {
			continue
		}
		f := newFailure(s, r)
		key := f.reason()
		if f.file == "" {
			key = rootCause(s.Err)
		}
		if same := known[key]; same != nil {
			same.steps = append(same.steps, s)
			same.why = key // what is common to them
			if f.file != "" {
				same.why = f.why
			}
			continue
		}
		known[key] = f
		list = append(list, f)
	}
	return list
}

// rootCause is what the innermost step errors wrap: where several steps met the same thing it reads the same.
func rootCause(err error) string {
	switch e := err.(type) { //nolint:errorlint // the tree is walked level by level
	case *executor.StepError:
		return rootCause(e.Err)
	case interface{ Unwrap() []error }:
		var causes []string
		for _, part := range e.Unwrap() {
			if c := rootCause(part); !slices.Contains(causes, c) {
				causes = append(causes, c)
			}
		}
		return strings.Join(causes, "\n")
	}
	return strings.TrimSpace(text(err))
}

// failedProcess is how BuildKit begins to say that a command failed: the lines of the Dockerfile say which.
var failedProcess = regexp.MustCompile(`^process "(?s:.*)" did not complete successfully: `)

// sourceLines and sourceWidth bound how much of a Dockerfile is shown with a failure.
const (
	sourceLines = 8
	sourceWidth = 200
)

func newFailure(s *executor.StepResult, r *executor.Report) *Failure {
	f := &Failure{steps: []*executor.StepResult{s}, why: strings.TrimSpace(reason(s))}
	sources := errdefs.Sources(s.Err)
	if len(sources) == 0 || sources[0].Info == nil || len(sources[0].Ranges) == 0 || s.Step.Build == nil {
		return f
	}
	at := sources[0]
	f.file, f.line = dockerfileName(s, r, at.Info.Data, oneLine(at.Info.Filename)), int(at.Ranges[0].Start.Line)
	f.why = failedProcess.ReplaceAllString(f.why, "")
	lines := strings.Split(string(at.Info.Data), "\n")
	for _, rng := range at.Ranges {
		for n := rng.Start.Line; n <= max(rng.Start.Line, rng.End.Line) && n >= 1 && int(n) <= len(lines) && len(f.source) < sourceLines; n++ {
			line := []rune(strings.TrimRight(printable(lines[n-1]), " \t\r"))
			if len(line) > sourceWidth {
				line = append(line[:sourceWidth], '…')
			}
			f.source = append(f.source, fmt.Sprintf("%4d | %s", n, string(line)))
		}
	}
	return f
}

// dockerfileName is the path of the Dockerfile with this content: that of the failed target, or of one that is built beside it and that it links
// to. BuildKit knows no more than the base of its name, which is the answer when no file has the content.
func dockerfileName(s *executor.StepResult, r *executor.Report, content []byte, base string) string {
	own := []*config.Target{s.Step.Build.Target}
	if inline := own[0].DockerfileInline; inline != nil && *inline == string(content) {
		return "inline " + base
	}
	var others []*config.Target
	for _, other := range r.Steps {
		if other.Step.Build != nil {
			others = append(others, other.Step.Build.Target)
		}
	}
	for _, targets := range [][]*config.Target{own, others} {
		var found []string
		for path, have := range dockerfile.Files(targets, "") {
			if string(have) == string(content) {
				found = append(found, oneLine(path))
			}
		}
		if len(found) > 0 {
			return slices.Min(found)
		}
	}
	return base
}

// reason is why a step failed, without what its name says already.
func reason(s *executor.StepResult) string {
	err := s.Err
	var step *executor.StepError
	if errors.As(err, &step) && slices.Contains([]string{"build", "find builder for", "publish", "merge"}, step.Op) {
		err = step.Err
	}
	return strings.TrimPrefix(text(err), "solve: ")
}
