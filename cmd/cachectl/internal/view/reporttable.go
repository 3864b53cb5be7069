package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/executor"
)

// manyRows is from how many targets or transfers on those that are up to date are counted rather than listed.
const manyRows = 12

// targetTable is what became of the targets of a run.
func targetTable(w io.Writer, targets []*executor.TargetResult, style Style) {
	resultTable(w, targets, "TARGET", "STEPS", style, func(t *executor.TargetResult) string {
		switch {
		case t.Outcome == executor.OutcomeUpToDate:
			return "up to date"
		case t.Total > 0:
			return fmt.Sprintf("%d/%d cached", t.Cached, t.Total)
		}
		return "-"
	})
}

// transferTable is what became of the transfers of a run.
func transferTable(w io.Writer, transfers []*executor.TargetResult, style Style) {
	resultTable(w, transfers, "TRANSFER", "SOURCES", style, func(t *executor.TargetResult) string {
		used := 0
		for _, s := range t.Sources {
			if s.Outcome == executor.OutcomeDone {
				used++
			}
		}
		return fmt.Sprintf("%d of %d", used, len(t.Sources))
	})
}

// resultTable has a row for each target or transfer and its first destination, and one for each further destination. Where a terminal is too narrow
// for that the destinations follow below, a line each.
func resultTable(w io.Writer, list []*executor.TargetResult, what, steps string, style Style, stepsOf func(*executor.TargetResult) string) {
	idle := 0
	if len(list) >= manyRows {
		rest := slices.DeleteFunc(slices.Clone(list), func(t *executor.TargetResult) bool { return t.Outcome == executor.OutcomeUpToDate })
		idle = len(list) - len(rest)
		list = rest
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintf(w, "%s%d %ss, all up to date\n", mark(executor.OutcomeUpToDate, style), idle, strings.ToLower(what))
		return
	}
	rows := [][]string{{style.bold(what), style.bold(steps), style.bold("IN"), style.bold("OUT"), style.bold("TIME")}}
	places := [][]string{{style.bold("CACHE")}}
	none := style.faint("none declared")
	for _, t := range list {
		rows = append(rows, []string{mark(t.Outcome, style) + t.Name, stepsOf(t), size(t.BytesIn), size(t.BytesOut), duration(t.Duration)})
		to := []string{}
		for _, d := range t.Destinations {
			to = append(to, whereTo(d, style))
		}
		if len(to) == 0 {
			to = append(to, none)
		}
		places = append(places, to)
	}
	if idle > 0 {
		rows = append(rows, []string{fmt.Sprintf("%s%d more", mark(executor.OutcomeUpToDate, style), idle), "up to date"})
		places = append(places, nil)
	}
	table(w, beside(rows, places, style.Width))
}

// beside puts places into the last column, or below their rows where they would not fit into a line.
func beside(rows, places [][]string, width int) [][]string {
	wide := [][]string{}
	for i, row := range rows {
		for j := range max(1, len(places[i])) {
			line := make([]string, len(rows[0]))
			if j == 0 {
				copy(line, row)
			}
			if j < len(places[i]) {
				line = append(line, places[i][j])
			}
			wide = append(wide, line)
		}
	}
	if width == 0 || tableWidth(wide) <= width {
		return wide
	}
	narrow := [][]string{rows[0]}
	for i, row := range rows[1:] {
		narrow = append(narrow, row)
		for _, p := range places[i+1] {
			narrow = append(narrow, []string{spanning + "    " + p})
		}
	}
	return narrow
}

// mark begins the row of a target by how it ended.
func mark(o executor.Outcome, style Style) string {
	switch o {
	case executor.OutcomeDone, executor.OutcomeUpToDate:
		return style.green("✓ ")
	case executor.OutcomeSkipped, executor.OutcomeCanceled:
		return style.yellow("- ")
	}
	return style.red("✗ ")
}
