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
	for _, s := range r.Steps {
		if s.Outcome != executor.OutcomeFailed {
			continue
		}
		where := ""
		if rng := s.Step.Range; rng.Filename != "" {
			where = fmt.Sprintf(" file=%s,line=%d", commandValue(rng.Filename), rng.Start.Line)
		}
		_, _ = fmt.Fprintf(w, "::error%s::%s: %s\n", where, commandText(string(s.Step.ID)), commandText(reason(s)))
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
