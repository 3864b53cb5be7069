package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/cachectl/cachectl/planner"
)

// manySteps is from how many steps on a plan leaves out what is up to date.
const manySteps = 40

// Plan prints what a run would do, by target.
func Plan(w io.Writer, p *planner.Plan, style Style) error {
	byID := map[planner.StepID]*planner.Step{}
	counts := map[planner.Kind]int{}
	for _, s := range p.Steps {
		byID[s.ID] = s
		counts[s.Kind]++
	}
	var b strings.Builder
	for _, s := range p.Steps {
		if a := p.Assessment(s.ID); len(p.Steps) >= manySteps && a != nil && a.Action == planner.ActionUpToDate {
			continue // the last line counts them
		}
		switch s.Kind {
		case planner.KindBuild:
			fmt.Fprintf(&b, "%s %s  %s\n", action(p, s, planner.ActionBuild, style), style.bold(s.Build.Target.Name), style.faint(place(s)))
			why(&b, p, s)
			sources(&b, p, s.Build.Sources, byID, style)
			for _, n := range s.Build.Native {
				fmt.Fprintf(&b, "  to    %s %s\n", n.Name(), style.faint("by BuildKit"))
			}
			destinations(&b, s.Build.Exports, byID)
			for name, t := range sortedLinks(s.Build.Links) {
				fmt.Fprintf(&b, "  links %s %s\n", t, style.faint("as context "+name))
			}
		case planner.KindMerge:
			fmt.Fprintf(&b, "%s %s  %s\n", action(p, s, planner.ActionTransfer, style), style.bold(s.Merge.Transfer.Name), style.faint(place(s)))
			why(&b, p, s)
			sources(&b, p, s.Merge.Sources, byID, style)
			destinations(&b, s.Merge.Exports, byID)
		}
	}
	fmt.Fprintf(&b, "\n%s%d to build, %d to transfer, %s to read, %s to publish.\n", rested(p, counts),
		counts[planner.KindBuild], counts[planner.KindMerge], count(counts[planner.KindImport], "source"), count(counts[planner.KindExport], "cache"))
	return Text(w, b.String())
}

// action is what becomes of a build or merge step, as far as it is known.
func action(p *planner.Plan, s *planner.Step, planned planner.Action, style Style) string {
	a := p.Assessment(s.ID)
	switch {
	case a == nil:
		return style.green(string(planned))
	case a.Action == planner.ActionUpToDate:
		return style.faint(string(a.Action))
	case a.Action == planner.ActionBlocked:
		return style.red(string(a.Action))
	}
	return style.green(string(a.Action))
}

// why lists the reasons of a build or merge step.
func why(b *strings.Builder, p *planner.Plan, s *planner.Step) {
	if a := p.Assessment(s.ID); a != nil {
		for _, reason := range a.Why {
			fmt.Fprintf(b, "  why   %s\n", printable(reason))
		}
	}
}

// rested says how many targets are up to date or blocked, and takes what is not done off the counts.
func rested(p *planner.Plan, counts map[planner.Kind]int) string {
	upToDate, blocked := 0, 0
	for _, s := range p.Steps {
		a := p.Assessment(s.ID)
		if a == nil {
			continue
		}
		switch a.Action {
		case planner.ActionUpToDate:
			upToDate++
			counts[planner.KindExport] -= len(s.Build.Exports)
		case planner.ActionBlocked:
			blocked++
		case planner.ActionBuild, planner.ActionTransfer, planner.ActionRead:
			continue
		}
		counts[s.Kind]--
	}
	out := ""
	if upToDate > 0 {
		out = fmt.Sprintf("%d up to date, ", upToDate)
	}
	if blocked > 0 {
		out += fmt.Sprintf("%d blocked, ", blocked)
	}
	return out
}

func sources(b *strings.Builder, p *planner.Plan, ids []planner.StepID, byID map[planner.StepID]*planner.Step, style Style) {
	for _, id := range ids {
		imp := byID[id].Import
		note := ""
		if imp.After != "" {
			note = style.faint(" waits for " + imp.After)
		}
		if a := p.Assessment(id); a != nil && imp.After == "" {
			switch a.Action {
			case planner.ActionNotNeeded:
				note = style.faint(" not needed")
			case planner.ActionMissing:
				note = style.yellow(" " + printable(strings.Join(a.Why, "; ")))
			case planner.ActionRead:
				note = style.faint(strings.TrimRight(" "+printable(strings.Join(a.Why, "; ")), " "))
			}
		}
		fmt.Fprintf(b, "  from  %s%s\n", imp.Source.Name(), note)
	}
}

func destinations(b *strings.Builder, ids []planner.StepID, byID map[planner.StepID]*planner.Step) {
	for _, id := range ids {
		to := byID[id].Export.Destination
		fmt.Fprintf(b, "  to    %s (%s, %s)\n", to.Name(), to.String("mode"), to.String("compression"))
	}
}

func place(s *planner.Step) string {
	if s.Range.Filename == "" {
		return s.Reason
	}
	return fmt.Sprintf("%s:%d, %s", s.Range.Filename, s.Range.Start.Line, s.Reason)
}
