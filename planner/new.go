package planner

import (
	"cmp"
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
	// Stages are those of the Dockerfiles by the target's name, as far as the caller has them (package planner/dockerfile). They are looked at for
	// advice only.
	Stages map[string][]Stage
	// Bake says that all files are Bake's: two targets that write one cache are then told of, as Bake lets them, and not refused.
	Bake bool
	// Sources are the files of the configuration by name, for advice that depends on how a value is written.
	Sources map[string]*hcl.File
}

// draft is a plan in the making: what the passes share.
type draft struct {
	res     *config.Resolution
	dir     string
	bake    bool
	stages  map[string][]Stage
	targets map[string]*config.Target
	steps   map[StepID]*Step
	graph   *dag.Graph[StepID]
	// readings are in the order of the plan's input; writers and images are by location.
	readings []*reading
	writers  map[string][]*writer
	images   map[string][]*image
	refs     refs
	// written finds how values were written, advised is what has been told.
	written *expressions
	advised map[advised]bool
	diags   hcl.Diagnostics
}

// New plans a run. The Plan is nil when there are errors; all of them are reported, sorted by place, and warnings with them.
func New(res *config.Resolution, opt Options) (*Plan, hcl.Diagnostics) {
	d := newDraft(res, opt)
	for _, pass := range []func(*draft){
		(*draft).builds,            // a step for each target that has something to do, and for each of its destinations
		(*draft).transfers,         // a merge step for each transfer, and for each of its destinations
		(*draft).checkWriters,      // no location is written twice
		(*draft).checkImages,       // no cache takes an image's place
		(*draft).checkPlatforms,    // links have what is asked of them
		(*draft).checkBuilders,     // builders can be reached at all
		(*draft).adviseMax,         // mode=min that leaves out most of a build
		(*draft).adviseTags,        // a cache that an image would replace if it were pushed
		(*draft).adviseImages,      // images that replace each other
		(*draft).adviseReach,       // sources that are never used
		(*draft).adviseBranches,    // branches that share a cache unawares
		(*draft).adviseCompression, // layers compressed again and again
		(*draft).waits,             // who reads what another writes in this run
		(*draft).imports,           // a step for each source, shared by all that read it
	} {
		pass(d)
	}
	if d.diags.HasErrors() {
		return nil, sortDiagnostics(d.diags)
	}
	return d.finish()
}

func newDraft(res *config.Resolution, opt Options) *draft {
	d := &draft{
		res: res, dir: opt.Dir, bake: opt.Bake, stages: opt.Stages, targets: map[string]*config.Target{}, steps: map[StepID]*Step{}, graph: dag.New[StepID](),
		writers: map[string][]*writer{}, images: map[string][]*image{}, refs: refs{},
		written: newExpressions(opt.Sources), advised: map[advised]bool{},
	}
	for _, t := range res.Targets {
		d.targets[t.Name] = t
	}
	return d
}

// finish puts the steps in order.
func (d *draft) finish() (*Plan, hcl.Diagnostics) {
	order, cycle := d.graph.Order()
	if cycle != nil {
		d.fail(hcl.Range{}, "Cycle", "The steps wait for each other: %s. This is a bug in cachectl.", joinIDs(cycle, " -> "))
		return nil, sortDiagnostics(d.diags)
	}
	plan := &Plan{
		Targets:   sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }),
		Transfers: sortedBy(d.res.Transfers, func(t *config.Transfer) string { return t.Name }),
		graph:     d.graph,
	}
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

// sortedBy is a sorted copy of a list.
func sortedBy[T any](list []T, key func(T) string) []T {
	return slices.SortedFunc(slices.Values(list), func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

func joinIDs(ids []StepID, sep string) string {
	var list []string
	for _, id := range ids {
		list = append(list, string(id))
	}
	return strings.Join(list, sep)
}
