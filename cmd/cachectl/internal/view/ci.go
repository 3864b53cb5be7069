package view

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/executor"
)

// CI tells GitHub Actions, if that is where it runs, about failures beside the lines they come from, and adds a table to the job's summary.
func CI(w io.Writer, r *executor.Report, lookupEnv func(string) (string, bool)) error {
	if on, _ := lookupEnv("GITHUB_ACTIONS"); on != "true" {
		return nil
	}
	for _, f := range FailuresOf(r) {
		_, _ = fmt.Fprintf(w, "::error%s::%s\n", f.annotated(), commandText(f.sentence()))
	}
	path, ok := lookupEnv("GITHUB_STEP_SUMMARY")
	if !ok || path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write job summary: %w", err)
	}
	_, err = f.WriteString(markdown(r))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// annotated is the line that a failure is shown beside: that of the Dockerfile, else that of the declaration.
func (f *Failure) annotated() string {
	rng := f.steps[0].Step.Range
	switch {
	case f.file != "":
		return fmt.Sprintf(" file=%s,line=%d", commandValue(f.file), f.line)
	case rng.Filename != "":
		return fmt.Sprintf(" file=%s,line=%d", commandValue(rng.Filename), rng.Start.Line)
	}
	return ""
}

// sentence is the failure without the place it is shown beside. GitHub shows few annotations of a job, so steps with one reason share one.
func (f *Failure) sentence() string {
	var names []string
	for _, s := range f.steps {
		names = append(names, string(s.Step.ID))
	}
	return few(names) + ": " + f.why
}

// markdown is the final table for a page.
func markdown(r *executor.Report) string {
	var b strings.Builder
	b.WriteString("### cachectl\n\n| target | outcome | steps cached | in | out | time | cache |\n|---|---|---|---|---|---|---|\n")
	for _, t := range slices.Concat(r.Targets, r.Transfers) {
		var to []string
		for _, d := range t.Destinations {
			to = append(to, whereTo(d, Style{}))
		}
		fmt.Fprintf(&b, "| %s | %s | %d/%d | %s | %s | %s | %s |\n", t.Name, t.Outcome, t.Cached, t.Total, size(t.BytesIn), size(t.BytesOut), duration(t.Duration),
			strings.ReplaceAll(strings.Join(to, "<br>"), "|", "\\|"))
	}
	return b.String() + "\n"
}
