package page

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
)

// Plan is the page of a plan: what would be done, and what waits for what. diags are what was said about it.
func Plan(p *planner.Plan, diags hcl.Diagnostics, opt Options) ([]byte, error) {
	counts := map[planner.Kind]int{}
	for _, s := range p.Steps {
		counts[s.Kind]++
	}
	d := &document{
		Title: "Plan", Verdict: "nothing has been done yet", About: opt.text("cachectl " + opt.Version),
		Tiles: []tile{
			{Label: "to build", Value: fmt.Sprint(counts[planner.KindBuild])},
			{Label: "to transfer", Value: fmt.Sprint(counts[planner.KindMerge])},
			{Label: "sources to read", Value: fmt.Sprint(counts[planner.KindImport])},
			{Label: "caches to publish", Value: fmt.Sprint(counts[planner.KindExport])},
		},
		Picture: template.HTML(opt.hide(p.SVG(nil))), // the picture escapes what it shows
		Shared:  sharedOf(p, opt),
	}
	byID := stepsByID(p)
	for _, s := range p.Steps {
		switch s.Kind {
		case planner.KindBuild:
			o := newOwner(s, s.Build.Target.Name, "target", opt)
			o.From, o.To = sources(s.Build.Sources, byID, opt), destinations(s.Build.Exports, byID, opt)
			for _, native := range s.Build.Native {
				o.To = append(o.To, place{Name: opt.text(native.Name()), Note: "by BuildKit"})
			}
			d.Owners = append(d.Owners, o)
		case planner.KindMerge:
			o := newOwner(s, s.Merge.Transfer.Name, "transfer", opt)
			o.From, o.To = sources(s.Merge.Sources, byID, opt), destinations(s.Merge.Exports, byID, opt)
			d.Owners = append(d.Owners, o)
		}
	}
	for _, diag := range diags {
		p := problem{Level: "warning", Where: opt.text(diag.Summary), Text: opt.text(diag.Detail)}
		if diag.Severity == hcl.DiagError {
			p.Level = "error"
		}
		if diag.Subject != nil {
			p.At = opt.text(fmt.Sprintf("%s:%d", diag.Subject.Filename, diag.Subject.Start.Line))
		}
		d.Problems = append(d.Problems, p)
	}
	return d.render(opt)
}

func (o Options) hide(s string) string {
	if o.Hide == nil {
		return s
	}
	return o.Hide(s)
}

func stepsByID(p *planner.Plan) map[planner.StepID]*planner.Step {
	byID := map[planner.StepID]*planner.Step{}
	for _, s := range p.Steps {
		byID[s.ID] = s
	}
	return byID
}

func newOwner(s *planner.Step, name, kind string, opt Options) owner {
	o := owner{Name: opt.text(name), Kind: kind, Reason: opt.text(s.Reason), Share: -1}
	if s.Range.Filename != "" {
		o.At = opt.text(fmt.Sprintf("%s:%d", s.Range.Filename, s.Range.Start.Line))
	}
	if s.Build != nil {
		for _, context := range slices.Sorted(maps.Keys(s.Build.Links)) {
			o.Links = append(o.Links, opt.text(s.Build.Links[context].Name+" as context "+context))
		}
	}
	return o
}

func sources(ids []planner.StepID, byID map[planner.StepID]*planner.Step, opt Options) []place {
	var list []place
	for _, id := range ids {
		imp := byID[id].Import
		p := place{Name: opt.text(imp.Source.Name())}
		if imp.After != "" {
			p.Note = opt.text("waits for " + imp.After)
		}
		list = append(list, p)
	}
	return list
}

func destinations(ids []planner.StepID, byID map[planner.StepID]*planner.Step, opt Options) []place {
	var list []place
	for _, id := range ids {
		to := byID[id].Export.Destination
		list = append(list, place{Name: opt.text(to.Name()), Note: opt.text(to.String("mode") + ", " + to.String("compression"))})
	}
	return list
}

// sharedOf are the sources that are read once for several, and the targets whose results several take.
func sharedOf(p *planner.Plan, opt Options) []shared {
	var list []shared
	linked := map[string][]string{}
	for _, s := range p.Steps {
		switch {
		case s.Kind == planner.KindImport && len(s.Import.For) > 1:
			list = append(list, shared{
				What: opt.text(s.Import.Source.Name()), How: fmt.Sprintf("read once for %d", len(s.Import.For)), For: opt.text(strings.Join(s.Import.For, ", ")),
			})
		case s.Kind == planner.KindBuild:
			for _, t := range s.Build.Links {
				if !slices.Contains(linked[t.Name], s.Build.Target.Name) {
					linked[t.Name] = append(linked[t.Name], s.Build.Target.Name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(linked)) {
		if users := linked[name]; len(users) > 1 {
			slices.Sort(users)
			list = append(list, shared{What: opt.text("target " + name), How: fmt.Sprintf("its result is taken by %d", len(users)), For: opt.text(strings.Join(users, ", "))})
		}
	}
	return list
}
