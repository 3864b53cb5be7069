package page

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
)

// Ended is a run that is over.
type Ended struct {
	Plan   *planner.Plan
	Report *executor.Report
	// Builds has the instructions of the builds; nil when nobody recorded them.
	Builds *Recorder
	// Warnings are BuildKit's, by target.
	Warnings map[string][]string
}

// run is a run's page in the making.
type run struct {
	Ended
	opt     Options
	results map[planner.StepID]*executor.StepResult
	byID    map[planner.StepID]*planner.Step
	targets map[string]*executor.TargetResult
}

// Run is the page of a run: how it went, where its time went, what hit and what missed, what moved.
func Run(e Ended, opt Options) ([]byte, error) {
	r := &run{Ended: e, opt: opt, results: map[planner.StepID]*executor.StepResult{}, byID: stepsByID(e.Plan), targets: map[string]*executor.TargetResult{}}
	for _, res := range e.Report.Steps {
		r.results[res.Step.ID] = res
	}
	for _, t := range e.Report.Targets {
		r.targets[t.Name] = t
	}
	d := &document{
		Run: true, Title: "Run", Verdict: "everything was done", Class: "done",
		About:   opt.text(fmt.Sprintf("%s, cachectl %s", e.Report.Started.UTC().Format("2006-01-02 15:04:05 UTC"), opt.Version)),
		Tiles:   r.tiles(),
		Picture: template.HTML(opt.hide(e.Plan.SVG(r.mark))), // the picture escapes what it shows
		Left:    r.left(), Bars: r.bars(), Owners: r.owners(), Slowest: r.slowest(), Shared: append(sharedOf(e.Plan, opt), r.kept()...), Problems: r.problems(),
	}
	if e.Report.Failed() {
		d.Verdict, d.Class = "some steps failed", "failed"
	}
	const ticks = 4
	for i := range ticks + 1 {
		d.Ticks = append(d.Ticks, duration(e.Report.Duration*time.Duration(i)/ticks))
	}
	return d.render(opt)
}

func (r *run) tiles() []tile {
	ended := map[executor.Outcome]int{}
	cached, total := 0, 0
	var in, out int64
	all := slices.Concat(r.Report.Targets, r.Report.Transfers)
	for _, t := range all {
		ended[t.Outcome]++
		cached, total = cached+t.Cached, total+t.Total
		in, out = in+t.BytesIn, out+t.BytesOut
	}
	well := len(all) - ended[executor.OutcomeFailed] - ended[executor.OutcomeSkipped] - ended[executor.OutcomeCanceled]
	done := tile{Label: "targets and transfers done", Value: fmt.Sprintf("%d of %d", well, len(all)), Class: "done"}
	if r.Report.Failed() {
		done.Class = "failed"
	}
	for _, o := range slices.Sorted(maps.Keys(ended)) {
		if o != executor.OutcomeDone {
			done.Note = strings.TrimPrefix(done.Note+fmt.Sprintf(", %d %s", ended[o], o), ", ")
		}
	}
	hits := tile{Label: "steps cached", Value: "none", Note: "nothing was built"}
	if total > 0 {
		hits.Value, hits.Note = fmt.Sprintf("%d %%", 100*cached/total), fmt.Sprintf("%d of %d", cached, total)
	}
	return []tile{done, hits, {Label: "time", Value: duration(r.Report.Duration)}, {Label: "read", Value: size(in)}, {Label: "sent", Value: size(out)}}
}

// mark colors a step of the picture by how it ended.
func (r *run) mark(s *planner.Step) planner.Mark {
	res := r.results[s.ID]
	if res == nil {
		return planner.Mark{}
	}
	m := planner.Mark{Class: class(res.Outcome), Note: string(res.Outcome), Left: r.leavesOut(res)}
	if res.Outcome != executor.OutcomeDone {
		return m
	}
	switch s.Kind {
	case planner.KindBuild:
		if t := r.targets[s.Build.Target.Name]; t != nil && t.Total > 0 {
			m.Note = fmt.Sprintf("%d/%d cached", t.Cached, t.Total)
			if t.Cached == t.Total {
				m.Class = "cached"
			}
		}
	case planner.KindExport:
		if res.Published != nil && !res.Published.Changed {
			m.Note = "unchanged"
		} else {
			m.Note = size(res.BytesOut) + " sent"
		}
	case planner.KindImport:
		m.Note = "used"
		if len(s.Import.For) > 1 {
			m.Note = fmt.Sprintf("used by %d", len(s.Import.For))
		}
	}
	m.Note += ", " + duration(res.Duration)
	return m
}

// manySteps is from how many steps on those that had nothing to do are left out of the picture and the timeline.
const manySteps = 40

func (r *run) leavesOut(res *executor.StepResult) bool {
	return len(r.Report.Steps) >= manySteps && res.Outcome == executor.OutcomeUpToDate
}

// left says how many steps are left out, "" if none is.
func (r *run) left() string {
	n := 0
	for _, res := range r.Report.Steps {
		if r.leavesOut(res) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return count(n, "step") + " with nothing to do: left out."
}

// class is the CSS class of an outcome: letters and dashes.
func class(o executor.Outcome) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(string(o)))
}

// bars are the steps that ran, in the order they started.
func (r *run) bars() []bar {
	list := slices.DeleteFunc(slices.Clone(r.Report.Steps), func(s *executor.StepResult) bool { return s.Started.IsZero() || r.leavesOut(s) })
	slices.SortStableFunc(list, func(a, b *executor.StepResult) int { return a.Started.Compare(b.Started) })
	var bars []bar
	for _, res := range list {
		b := bar{Name: r.opt.text(string(res.Step.ID)), Kind: string(res.Step.Kind), Class: class(res.Outcome), Note: string(res.Outcome)}
		r.span(&b, res.Started, res.Duration)
		if res.Step.Build != nil {
			for _, s := range r.Builds.steps(res.Step.Build.Target.Name) {
				part := bar{Name: r.opt.text(s.name), Kind: "miss", Note: "executed"}
				if s.hit() {
					part.Kind, part.Note = "hit", "cached"
				}
				r.span(&part, s.start, s.took())
				b.Parts = append(b.Parts, part)
			}
		}
		bars = append(bars, b)
	}
	return bars
}

// narrowest is the width in percent of what took no time that can be seen.
const narrowest = 0.3

// span places a bar on the timeline. A builder's clock can be another one: what would lie outside is moved in.
func (r *run) span(b *bar, start time.Time, took time.Duration) {
	whole := max(r.Report.Duration, time.Millisecond).Seconds()
	percent := func(d time.Duration) float64 { return 100 * min(1, max(0, d.Seconds()/whole)) }
	b.Left = min(percent(start.Sub(r.Report.Started)), 100-narrowest)
	b.Width = max(narrowest, min(percent(took), 100-b.Left))
	b.Took = duration(took)
}

func (r *run) owners() []owner {
	var list []owner
	for _, s := range r.Plan.Steps {
		var t *executor.TargetResult
		switch s.Kind {
		case planner.KindBuild:
			t = r.targets[s.Build.Target.Name]
		case planner.KindMerge:
			if at := slices.IndexFunc(r.Report.Transfers, func(t *executor.TargetResult) bool { return t.Name == s.Merge.Transfer.Name }); at >= 0 {
				t = r.Report.Transfers[at]
			}
		}
		if t != nil {
			list = append(list, r.owner(s, t))
		}
	}
	// What failed is what the page is opened for; what had nothing to do is looked at last.
	order := map[string]int{class(executor.OutcomeFailed): -1, class(executor.OutcomeUpToDate): 1}
	slices.SortStableFunc(list, func(a, b owner) int { return order[a.Class] - order[b.Class] })
	return list
}

func (r *run) owner(s *planner.Step, t *executor.TargetResult) owner {
	kind := "target"
	if s.Kind == planner.KindMerge {
		kind = "transfer"
	}
	o := newOwner(s, t.Name, kind, r.opt)
	o.Outcome, o.Class = string(t.Outcome), class(t.Outcome)
	o.Cached, o.Total = t.Cached, t.Total
	if t.Total > 0 {
		o.Share = 100 * t.Cached / t.Total
	}
	o.In, o.Out, o.Took = size(t.BytesIn), size(t.BytesOut), duration(t.Duration)
	for _, source := range t.Sources {
		o.From = append(o.From, place{Name: r.opt.text(source.Name), Outcome: string(source.Outcome), Class: class(source.Outcome), Note: digestNote(source.Digest)})
	}
	for _, to := range t.Destinations {
		o.To = append(o.To, r.destination(to))
	}
	for _, step := range r.Builds.steps(t.Name) {
		o.Steps = append(o.Steps, instruction{Name: r.opt.text(step.name), Took: duration(step.took()), Hit: step.hit()})
	}
	return o
}

func (r *run) destination(d executor.DestinationResult) place {
	p := place{Name: r.opt.text(d.Name), Outcome: string(d.Outcome), Class: class(d.Outcome)}
	switch {
	case d.Outcome != executor.OutcomeDone:
	case d.ByBuilder:
		p.Note = "by BuildKit"
	case d.Digest == "":
		p.Note = "nothing to cache"
	case d.Changed:
		p.Note = fmt.Sprintf("%s, %s, %s sent", count(d.Layers, "layer"), size(d.Bytes), size(d.Pushed))
	default:
		p.Note = fmt.Sprintf("unchanged, %s, %s", count(d.Layers, "layer"), size(d.Bytes))
	}
	return p
}

// digestNote is the start of a digest, enough to tell two apart.
func digestNote(d string) string {
	const short = len("sha256:") + 12
	return d[:min(len(d), short)]
}

// kept are the layers that needed no sending, by destination.
func (r *run) kept() []shared {
	var list []shared
	for _, t := range slices.Concat(r.Report.Targets, r.Report.Transfers) {
		for _, d := range t.Destinations {
			if there := d.Bytes - d.Pushed; d.Outcome == executor.OutcomeDone && there > 0 {
				list = append(list, shared{What: r.opt.text(d.Name), How: fmt.Sprintf("%s of %s were there already", size(there), size(d.Bytes)), For: r.opt.text(t.Name)})
			}
		}
	}
	return list
}

// slowestCount is how many are named.
const slowestCount = 5

// slowest are the pieces of work that took longest: instructions that were executed, and steps: builds only where
// no instruction was executed, or nobody recorded any.
func (r *run) slowest() []slow {
	type piece struct {
		what, owner string
		took        time.Duration
	}
	var list []piece
	for _, res := range r.Report.Steps {
		if res.Step.Build == nil {
			list = append(list, piece{string(res.Step.ID), ownerOf(res.Step), res.Duration})
			continue
		}
		name := res.Step.Build.Target.Name
		misses := slices.DeleteFunc(r.Builds.steps(name), (*step).hit)
		if len(misses) == 0 {
			list = append(list, piece{string(res.Step.ID), name, res.Duration})
		}
		for _, s := range misses {
			list = append(list, piece{s.name, name, s.took()})
		}
	}
	list = slices.DeleteFunc(list, func(p piece) bool { return p.took <= 0 })
	slices.SortStableFunc(list, func(a, b piece) int {
		return cmp.Or(cmp.Compare(b.took, a.took), cmp.Compare(a.owner, b.owner), cmp.Compare(a.what, b.what))
	})
	var out []slow
	for _, p := range list[:min(len(list), slowestCount)] {
		out = append(out, slow{r.opt.text(p.what), r.opt.text(p.owner), duration(p.took), 100 * p.took.Seconds() / list[0].took.Seconds()})
	}
	return out
}

func ownerOf(s *planner.Step) string {
	switch {
	case s.Export != nil:
		return s.Export.Owner
	case s.Merge != nil:
		return s.Merge.Transfer.Name
	case s.Import != nil:
		return strings.Join(s.Import.For, ", ")
	}
	return ""
}

// problems are the failures, then the warnings, each once.
func (r *run) problems() []problem {
	var failures, warnings []problem
	for _, f := range view.FailuresOf(r.Report) {
		failures = append(failures, problem{Level: "error", Where: r.opt.text(f.Headline()), Text: r.opt.text(f.Text())})
	}
	var missing []string // sources with nothing in them that nobody has warned of
	seen := map[string]bool{}
	warn := func(where, text string) {
		if !seen[where+"\x00"+text] {
			seen[where+"\x00"+text] = true
			warnings = append(warnings, problem{Level: "warning", Where: r.opt.text(where), Text: r.opt.text(text)})
		}
	}
	for _, res := range r.Report.Steps {
		switch {
		case res.Err == nil:
		case res.Outcome == executor.OutcomeIgnored:
			warn(string(res.Step.ID), res.Err.Error()+" (ignored, as ignore-error says)")
		case res.Outcome == executor.OutcomeMissing && len(res.Warnings) == 0 && res.Step.Import != nil:
			missing = append(missing, res.Step.Import.Source.Name())
		}
		for _, text := range res.Warnings {
			warn(string(res.Step.ID), text)
		}
	}
	if len(missing) > 0 {
		warn("nothing usable yet in "+count(len(missing), "cache source"), strings.Join(missing, "\n"))
	}
	for _, target := range slices.Sorted(maps.Keys(r.Warnings)) {
		for _, text := range r.Warnings[target] {
			warn("build "+target, text)
		}
	}
	return append(failures, warnings...)
}
