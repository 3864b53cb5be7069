package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/cachectl/cachectl/planner"
)

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
		switch s.Kind {
		case planner.KindBuild:
			fmt.Fprintf(&b, "%s %s  %s\n", style.green("build"), style.bold(s.Build.Target.Name), style.faint(place(s)))
			sources(&b, s.Build.Sources, byID, style)
			for _, n := range s.Build.Native {
				fmt.Fprintf(&b, "  to    %s %s\n", n.Name(), style.faint("by BuildKit"))
			}
			destinations(&b, s.Build.Exports, byID)
			for name, t := range sortedLinks(s.Build.Links) {
				fmt.Fprintf(&b, "  links %s %s\n", t, style.faint("as context "+name))
			}
		case planner.KindMerge:
			fmt.Fprintf(&b, "%s %s  %s\n", style.green("transfer"), style.bold(s.Merge.Transfer.Name), style.faint(place(s)))
			sources(&b, s.Merge.Sources, byID, style)
			destinations(&b, s.Merge.Exports, byID)
		}
	}
	fmt.Fprintf(&b, "\n%d to build, %d to transfer, %d sources to read, %d caches to publish.\n",
		counts[planner.KindBuild], counts[planner.KindMerge], counts[planner.KindImport], counts[planner.KindExport])
	return Text(w, b.String())
}

func sources(b *strings.Builder, ids []planner.StepID, byID map[planner.StepID]*planner.Step, style Style) {
	for _, id := range ids {
		imp := byID[id].Import
		note := ""
		if imp.After != "" {
			note = style.faint(" waits for " + imp.After)
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
