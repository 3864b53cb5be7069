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
		targetTable(w, r.Targets, style)
	}
	if len(r.Transfers) > 0 {
		if len(r.Targets) > 0 {
			_, _ = fmt.Fprintln(w)
		}
		transferTable(w, r.Transfers, style)
	}
	warnings(w, r, builds, style)
	Failures(w, r, style)
	_, _ = fmt.Fprintln(w, "\n"+summary(r, style))
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
