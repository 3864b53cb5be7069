package view

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend"
)

// Report prints the final table, then warnings and failures.
func Report(w io.Writer, r *executor.Report, builds map[string][]string, style Style) {
	_, _ = fmt.Fprintln(w)
	if len(r.Targets) > 0 {
		rows := [][]string{{style.bold("TARGET"), style.bold("STEPS"), style.bold("IN"), style.bold("OUT"), style.bold("TIME"), style.bold("CACHE")}}
		for _, t := range r.Targets {
			steps := "-"
			if t.Outcome == executor.OutcomeUpToDate {
				steps = "up to date"
			} else if t.Total > 0 {
				steps = fmt.Sprintf("%d/%d cached", t.Cached, t.Total)
			}
			rows = append(rows, targetRows(t, steps, style)...)
		}
		table(w, rows)
	}
	if len(r.Transfers) > 0 {
		if len(r.Targets) > 0 {
			_, _ = fmt.Fprintln(w)
		}
		rows := [][]string{{style.bold("TRANSFER"), style.bold("SOURCES"), style.bold("IN"), style.bold("OUT"), style.bold("TIME"), style.bold("CACHE")}}
		for _, t := range r.Transfers {
			used := 0
			for _, s := range t.Sources {
				if s.Outcome == executor.OutcomeDone {
					used++
				}
			}
			rows = append(rows, targetRows(t, fmt.Sprintf("%d of %d", used, len(t.Sources)), style)...)
		}
		table(w, rows)
	}
	warnings(w, r, builds, style)
	Failures(w, r, style)
	_, _ = fmt.Fprintln(w, "\n"+summary(r, style))
}

// targetRows is a row for the target and one for each further destination.
func targetRows(t *executor.TargetResult, steps string, style Style) [][]string {
	name := t.Name
	switch t.Outcome {
	case executor.OutcomeDone, executor.OutcomeUpToDate:
		name = style.green("✓ ") + name
	case executor.OutcomeSkipped, executor.OutcomeCanceled:
		name = style.yellow("- ") + name
	default:
		name = style.red("✗ ") + name
	}
	head := []string{name, steps, size(t.BytesIn), size(t.BytesOut), duration(t.Duration)}
	if len(t.Destinations) == 0 {
		return [][]string{append(head, style.faint("none declared"))}
	}
	var rows [][]string
	for i, d := range t.Destinations {
		if i > 0 {
			head = []string{"", "", "", "", ""}
		}
		rows = append(rows, append(head, whereTo(d, style)))
	}
	return rows
}

// whereTo says where a cache went, or why not.
func whereTo(d executor.DestinationResult, style Style) string {
	switch {
	case d.Outcome == executor.OutcomeDone && d.ByBuilder:
		return d.Name + style.faint(" by BuildKit")
	case d.Outcome == executor.OutcomeDone && d.DryRun && d.Changed:
		return fmt.Sprintf("%s %s", d.Name, style.faint(fmt.Sprintf("would hold %s, %s", count(d.Layers, "layer"), size(d.Bytes))))
	case d.Outcome == executor.OutcomeDone && d.Digest == "":
		return d.Name + style.faint(" nothing to cache")
	case d.Outcome == executor.OutcomeDone && d.Changed:
		return fmt.Sprintf("%s %s", d.Name, style.faint("@"+shortDigest(d.Digest)))
	case d.Outcome == executor.OutcomeDone:
		return fmt.Sprintf("%s %s", d.Name, style.faint("unchanged"))
	}
	if d.Outcome == executor.OutcomeUpToDate {
		return d.Name + style.faint(" up to date")
	}
	return d.Name + " " + style.red(string(d.Outcome))
}

// ignored is a failed export that the run went on in spite of, and why.
func ignored(err error) string {
	if errors.Is(err, backend.ErrElsewhere) {
		return firstLine(err) + "; nothing was published there"
	}
	return firstLine(err) + " (ignored, as ignore-error says)"
}

// warnings prints what went on in spite of something, each once: the run's own warnings and BuildKit's, by target.
func warnings(w io.Writer, r *executor.Report, builds map[string][]string, style Style) {
	seen := map[string]bool{}
	if missing := missingSources(r); len(missing) > 0 {
		_, _ = fmt.Fprintf(w, "%s nothing usable yet in %s: %s\n", style.yellow("warning:"), count(len(missing), "cache source"), few(missing))
	}
	for _, s := range r.Steps {
		list := s.Warnings
		if s.Outcome == executor.OutcomeIgnored {
			list = append(list, ignored(s.Err))
		}
		for _, text := range list {
			if !seen[text] {
				seen[text] = true
				_, _ = fmt.Fprintf(w, "%s %s\n", style.yellow("warning:"), printable(text))
			}
		}
	}
	for _, target := range slices.Sorted(maps.Keys(builds)) {
		for _, text := range builds[target] {
			_, _ = fmt.Fprintf(w, "%s [%s] %s\n", style.yellow("warning:"), target, text)
		}
	}
}

// missingSources are the cache sources with nothing in them that nobody has warned of.
func missingSources(r *executor.Report) []string {
	var list []string
	for _, s := range r.Steps {
		if s.Outcome == executor.OutcomeMissing && len(s.Warnings) == 0 && s.Step.Import != nil {
			list = append(list, oneLine(s.Step.Import.Source.Name()))
		}
	}
	return list
}

// fewNames is how many names are listed before the rest is counted.
const fewNames = 4

// few lists names, the first few of many.
func few(names []string) string {
	if len(names) <= fewNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:fewNames], ", "), len(names)-fewNames)
}

// Failures prints one line for each failed step: what, where it is declared, and why. Further lines of the reason follow, indented.
func Failures(w io.Writer, r *executor.Report, style Style) {
	for _, s := range r.Steps {
		if s.Outcome != executor.OutcomeFailed {
			continue
		}
		at := ""
		if rng := s.Step.Range; rng.Filename != "" {
			at = fmt.Sprintf(" (%s:%d,%d)", oneLine(rng.Filename), rng.Start.Line, rng.Start.Column)
		}
		why := strings.ReplaceAll(strings.TrimSpace(reason(s)), "\n", "\n  ")
		_, _ = fmt.Fprintf(w, "%s %s%s: %s\n", style.red("error:"), oneLine(string(s.Step.ID)), at, why)
	}
}

// reason is why a step failed, without what its name says already.
func reason(s *executor.StepResult) string {
	err := s.Err
	var step *executor.StepError
	if errors.As(err, &step) && (step.Op == "build" || step.Op == "publish" || step.Op == "merge") {
		err = step.Err
	}
	return text(err)
}

// summary is one line about the whole run.
func summary(r *executor.Report, style Style) string {
	ended := map[executor.Outcome]int{}
	cached, total := 0, 0
	var in, out int64
	for _, t := range slices.Concat(r.Targets, r.Transfers) {
		ended[t.Outcome]++
		cached, total = cached+t.Cached, total+t.Total
		in, out = in+t.BytesIn, out+t.BytesOut
	}
	parts := []string{fmt.Sprintf("%d done", ended[executor.OutcomeDone])}
	if n := ended[executor.OutcomeUpToDate]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d up to date", n))
	}
	for _, o := range []struct {
		outcome executor.Outcome
		paint   func(string) string
	}{{executor.OutcomeFailed, style.red}, {executor.OutcomeSkipped, style.yellow}, {executor.OutcomeCanceled, style.yellow}} {
		if n := ended[o.outcome]; n > 0 {
			parts = append(parts, o.paint(fmt.Sprintf("%d %s", n, o.outcome)))
		}
	}
	if total > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d steps cached (%d %%)", cached, total, 100*cached/total))
	}
	if dryRun(r) {
		return strings.Join(append(parts, size(out)+" would be sent", duration(r.Duration)), ", ") + "; nothing was written"
	}
	return strings.Join(append(parts, size(in)+" in", size(out)+" out", duration(r.Duration)), ", ")
}

// dryRun tells whether a run only looked.
func dryRun(r *executor.Report) bool {
	for _, s := range r.Steps {
		if s.Published != nil && s.Published.DryRun {
			return true
		}
	}
	return false
}
