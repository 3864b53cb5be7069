package planner

import (
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner/dag"
	"github.com/hashicorp/hcl/v2"
)

// Kind says what a step does.
type Kind string

// The kinds of steps.
const (
	// KindImport resolves and verifies one cache source. The same source named by many targets is one step.
	KindImport Kind = "import"
	// KindBuild solves one target with BuildKit.
	KindBuild Kind = "build"
	// KindMerge joins the imported sources of a transfer.
	KindMerge Kind = "merge"
	// KindExport publishes the cache of one build or merge step to one destination.
	KindExport Kind = "export"
)

// StepID names a step in a plan: its kind and what it acts on, for instance "build api" or
// "export api registry localhost:5000/cache/api:main". IDs are unique, stable across runs and safe to print.
type StepID string

// Step is one node of the plan. Exactly one of Import, Build, Merge and Export is set, as Kind says.
type Step struct {
	ID   StepID
	Kind Kind
	// Needs are the steps that must have ended before this one starts, sorted.
	Needs []StepID
	// Optional are those of Needs whose failure does not skip this step: a missing cache source never fails a build.
	Optional []StepID
	// Reason says why the step is in the plan, in one clause.
	Reason string
	// Range is where the step comes from in the configuration.
	Range hcl.Range

	Import *ImportStep
	Build  *BuildStep
	Merge  *MergeStep
	Export *ExportStep
}

// ImportStep reads one cache source.
type ImportStep struct {
	Source config.Cache
	// For lists the targets and transfers that read the source, sorted.
	For []string
	// After is the target or transfer of this run whose publication is waited for, "" when what is there before the run is read.
	After string
}

// BuildStep builds one target.
type BuildStep struct {
	Target *config.Target
	// Sources are the import steps of the target's cache-from, in the order declared, then those of the targets in Links and of what they
	// link to in turn.
	Sources []StepID
	// Fallbacks are those of Sources that are used only if none of certain others is usable, with these.
	Fallbacks map[StepID][]StepID
	// Exports are the export steps fed by this build, in the order declared.
	Exports []StepID
	// Native are the destinations that BuildKit writes itself: inline, which lives in the image, and backends that only it speaks to.
	Native []config.Cache
	// Links are the targets whose results are named contexts of this one, by context name. They are evaluated as part of this build, with
	// its cache sources; they need no step of their own.
	Links map[string]*config.Target
}

// MergeStep joins the sources of a transfer.
type MergeStep struct {
	Transfer *config.Transfer
	Sources  []StepID
	// Fallbacks are as those of a BuildStep.
	Fallbacks map[StepID][]StepID
	Exports   []StepID
}

// ExportStep publishes to one destination.
type ExportStep struct {
	// From is the build or merge step whose cache is published.
	From StepID
	// Owner is the target or transfer that declares the destination, Index its position among the owner's cache-to entries.
	Owner       string
	Index       int
	Destination config.Cache
}

// Plan is a validated DAG of steps in a topological order that is the same in every run.
type Plan struct {
	Steps []*Step
	// Targets are the targets that take part, sorted by name, Transfers likewise.
	Targets   []*config.Target
	Transfers []*config.Transfer

	graph       *dag.Graph[StepID]
	assessments map[StepID]*Assessment
}

// Graph is the plan as a graph of step IDs. The caller must not change it.
func (p *Plan) Graph() *dag.Graph[StepID] { return p.graph }
