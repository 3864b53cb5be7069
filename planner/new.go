package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner/dag"
	"github.com/hashicorp/hcl/v2"
)

// Options is what a plan depends on besides the configuration.
type Options struct {
	// Dir is what relative paths are resolved against.
	Dir string
}

// builder of a plan: what the passes share.
type draft struct {
	res   *config.Resolution
	opt   Options
	steps map[StepID]*Step
	graph *dag.Graph[StepID]
	// readers and writers are by location.
	readers map[string][]reading
	writers map[string][]*Step
	diags   hcl.Diagnostics
}

// reading is one cache-from of one build or merge step.
type reading struct {
	step   *Step
	owner  string
	source config.Cache
	slot   int // position among the step's sources
}

// New plans a run. The Plan is nil when there are errors; all of them are reported, sorted by place.
func New(res *config.Resolution, opt Options) (*Plan, hcl.Diagnostics) {
	d := &draft{
		res: res, opt: opt, steps: map[StepID]*Step{}, graph: dag.New[StepID](),
		readers: map[string][]reading{}, writers: map[string][]*Step{},
	}
	for _, pass := range []func(*draft){
		(*draft).builds,    // a step for each target that has something to do
		(*draft).transfers, // a merge step for each transfer
		(*draft).checkWriters,
		(*draft).checkTags,
		(*draft).imports, // shared by all that read the same place; after the exports, to know who waits for whom
	} {
		pass(d)
	}
	if d.diags.HasErrors() {
		return nil, sortDiagnostics(d.diags)
	}
	order, cycle := d.graph.Order()
	if cycle != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cycle", Detail: "The steps wait for each other: " + joinIDs(cycle, " -> ") + ". This is a bug in cachectl."}}
	}
	plan := &Plan{Targets: res.Targets, Transfers: res.Transfers, graph: d.graph}
	for _, id := range order {
		s := d.steps[id]
		s.Needs = d.graph.Needs(id)
		slices.Sort(s.Optional)
		plan.Steps = append(plan.Steps, s)
	}
	return plan, sortDiagnostics(d.diags)
}

func (d *draft) add(s *Step) *Step {
	d.steps[s.ID] = s
	d.graph.Add(s.ID)
	return s
}

// builds adds a step for each target that was asked for, and for each linked one with a cache of its own to publish.
func (d *draft) builds() {
	byName := map[string]*config.Target{}
	for _, t := range d.res.Targets {
		byName[t.Name] = t
	}
	for _, t := range d.res.Targets {
		reason := "asked for"
		if !t.Asked {
			if len(t.CacheTo) == 0 {
				continue // evaluated inside the builds that link to it
			}
			reason = "linked to, and has a cache to publish"
		}
		b := &BuildStep{Target: t, Links: map[string]*config.Target{}}
		for _, name := range slices.Sorted(maps.Keys(t.Contexts)) {
			if to, ok := strings.CutPrefix(t.Contexts[name], "target:"); ok {
				b.Links[name] = byName[to]
			}
		}
		s := d.add(&Step{ID: StepID("build " + t.Name), Kind: KindBuild, Reason: reason, Range: t.Range, Build: b})
		b.Sources = d.read(s, t.Name, t.CacheFrom)
		for i, to := range t.CacheTo {
			if isNative(to) {
				b.Native = append(b.Native, to)
				if to.Type != "inline" {
					key := location(to, d.opt.Dir)
					d.writers[key] = append(d.writers[key], &Step{ID: s.ID, Export: &ExportStep{Owner: t.Name, Destination: to}})
				}
				continue
			}
			b.Exports = append(b.Exports, d.export(s, t.Name, i, to))
		}
	}
}

// read notes the sources of a step; the steps that read them are made when all writers are known.
func (d *draft) read(s *Step, owner string, sources []config.Cache) []StepID {
	for i, src := range sources {
		key := location(src, d.opt.Dir)
		d.readers[key] = append(d.readers[key], reading{step: s, owner: owner, source: src, slot: i})
	}
	return make([]StepID, len(sources))
}

func (d *draft) export(from *Step, owner string, index int, to config.Cache) StepID {
	key := location(to, d.opt.Dir)
	id := StepID("export " + owner + " to " + to.Name())
	if d.steps[id] != nil {
		id += StepID(fmt.Sprintf(" (%d)", index+1))
	}
	s := d.add(&Step{
		ID: id, Kind: KindExport, Reason: "declared by " + owner, Range: to.Range,
		Export: &ExportStep{From: from.ID, Owner: owner, Index: index, Destination: to},
	})
	d.graph.Connect(s.ID, from.ID)
	d.writers[key] = append(d.writers[key], s)
	return s.ID
}

func (d *draft) transfers() {
	for _, t := range d.res.Transfers {
		if len(t.CacheFrom) == 0 || len(t.CacheTo) == 0 {
			d.fail(t.Range, "Incomplete transfer", "Transfer %q needs at least one cache-from and one cache-to.", t.Name)
			continue
		}
		m := &MergeStep{Transfer: t}
		s := d.add(&Step{ID: StepID("merge " + t.Name), Kind: KindMerge, Reason: "asked for", Range: t.Range, Merge: m})
		m.Sources = d.read(s, t.Name, t.CacheFrom)
		for _, c := range append(slices.Clone(t.CacheFrom), t.CacheTo...) {
			if isNative(c) {
				d.fail(c.Range, "Cache cannot be transferred", "A transfer moves caches between registries and directories; a cache of type %q is read and written by builds only.", c.Type)
			}
		}
		for i, to := range t.CacheTo {
			m.Exports = append(m.Exports, d.export(s, t.Name, i, to))
		}
	}
}

// checkWriters refuses two steps that write one location.
func (d *draft) checkWriters() {
	for _, key := range slices.Sorted(maps.Keys(d.writers)) {
		w := d.writers[key]
		for _, other := range w[1:] {
			first := w[0].Export
			d.fail(other.Export.Destination.Range, "Cache written twice", "%s and %s both write %s (%s and %s). One would overwrite the other: give each a location of its own, for instance with the target's name in it.",
				first.Owner, other.Export.Owner, key, place(first.Destination.Range), place(other.Export.Destination.Range))
		}
	}
}

// checkTags refuses a cache ref that an image of the run is pushed to: the cache would replace the image, or the image the cache.
func (d *draft) checkTags() {
	for _, t := range d.res.Targets {
		for ref := range pushed(t) {
			for _, w := range d.writers["registry "+normalRef(ref)] {
				d.fail(w.Export.Destination.Range, "Cache in place of an image", "%s publishes its cache as %s, which target %s pushes its image to (%s). Give the cache a reference of its own, or use cache-to \"inline\".",
					w.Export.Owner, ref, t.Name, place(t.Range))
			}
		}
	}
}

// pushed returns the references a target's image is pushed to.
func pushed(t *config.Target) map[string]bool {
	refs := map[string]bool{}
	for _, o := range t.Outputs {
		if o.Type != "registry" && (o.Type != "image" || o.Attrs["push"] != "true") {
			continue
		}
		for _, tag := range t.Tags {
			refs[tag] = true
		}
		for name := range strings.SplitSeq(o.Attrs["name"], ",") {
			if name != "" {
				refs[name] = true
			}
		}
	}
	return refs
}

// imports adds the steps that read sources. All readers of a place share one step. A reader of what another target writes in this run waits for that
// export and shares a second step, unless the writer itself depends on the reader: then it reads what was there before.
func (d *draft) imports() {
	for _, key := range slices.Sorted(maps.Keys(d.readers)) {
		for _, r := range d.readers[key] {
			var after *Step
			for _, w := range d.writers[key] {
				if w.Kind == KindExport && w.Export.Owner != r.owner && !d.graph.Reaches(w.ID, r.step.ID) {
					after = w
				}
			}
			d.connectImport(key, r, after)
		}
	}
}

func (d *draft) connectImport(key string, r reading, after *Step) {
	name := r.source.Name()
	if r.source.Type == "registry" {
		name = key // spelled out, so that x and x:latest are one
	}
	id := StepID("import " + name)
	imp := &ImportStep{Source: r.source}
	if after != nil {
		imp.After = after.Export.Owner
		id += StepID(" after " + imp.After)
	}
	s := d.steps[id]
	if s == nil {
		s = d.add(&Step{ID: id, Kind: KindImport, Range: r.source.Range, Import: imp})
		if after != nil {
			d.graph.Connect(id, after.ID)
			s.Optional = append(s.Optional, after.ID)
		}
	}
	if !slices.Contains(s.Import.For, r.owner) {
		s.Import.For = append(s.Import.For, r.owner)
		slices.Sort(s.Import.For)
	}
	s.Reason = "read by " + strings.Join(s.Import.For, ", ")
	if r.step.Build != nil {
		r.step.Build.Sources[r.slot] = id
	} else {
		r.step.Merge.Sources[r.slot] = id
	}
	d.graph.Connect(r.step.ID, id)
	if !slices.Contains(r.step.Optional, id) {
		r.step.Optional = append(r.step.Optional, id)
	}
}

func (d *draft) fail(at hcl.Range, summary, detail string, args ...any) {
	diag := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if at.Filename != "" {
		diag.Subject = &at
	}
	d.diags = append(d.diags, diag)
}

func place(r hcl.Range) string {
	if r.Filename == "" {
		return "--set"
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}

func sortDiagnostics(diags hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		pa, pb := hcl.Range{}, hcl.Range{}
		if a.Subject != nil {
			pa = *a.Subject
		}
		if b.Subject != nil {
			pb = *b.Subject
		}
		if c := strings.Compare(pa.Filename, pb.Filename); c != 0 {
			return c
		}
		return pa.Start.Byte - pb.Start.Byte
	})
	return diags
}

func joinIDs(ids []StepID, sep string) string {
	var list []string
	for _, id := range ids {
		list = append(list, string(id))
	}
	return strings.Join(list, sep)
}
