package executor

import (
	"time"

	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
)

// Outcome is how a step, a target or a destination ended.
type Outcome string

// The outcomes.
const (
	OutcomeDone     Outcome = "done"
	OutcomeFailed   Outcome = "failed"
	OutcomeSkipped  Outcome = "skipped"  // something it needs failed
	OutcomeCanceled Outcome = "canceled" // the run was stopped first
	OutcomeMissing  Outcome = "missing"  // a cache source with nothing usable in it; the build went on
	OutcomeIgnored  Outcome = "ignored"  // failed, and ignore-error says to go on, or the destination is not to be had here
	// OutcomeUpToDate is a step with nothing to do: what it would make is where it belongs already, or nobody needs it in this run.
	OutcomeUpToDate Outcome = "up to date"
)

// Report is what happened in a run. Failures are data in here, not errors of Run.
type Report struct {
	Started  time.Time
	Duration time.Duration
	// Steps are in the plan's order, Targets and Transfers sorted by name.
	Steps     []*StepResult
	Targets   []*TargetResult
	Transfers []*TargetResult
}

// StepResult is how one step ended.
type StepResult struct {
	Step     *planner.Step
	Outcome  Outcome
	Err      error // a *StepError when Outcome is failed or ignored, the reason when it is missing or skipped
	Started  time.Time
	Duration time.Duration
	// BytesIn were read from sources or handed over by BuildKit, BytesOut were sent to destinations; wire bytes.
	BytesIn, BytesOut int64
	// Digest is the root of what was imported or published.
	Digest digest.Digest
	// Published tells what an export step left at its destination.
	Published *Published
	Warnings  []string
}

// TargetResult sums up one target or transfer.
type TargetResult struct {
	Name    string
	Outcome Outcome
	Err     error
	// Duration is the wall time from the first of the target's own steps to the end of its last.
	Duration time.Duration
	// Cached of Total build steps were taken from a cache; both 0 for a transfer.
	Cached, Total     int
	BytesIn, BytesOut int64
	Sources           []SourceResult
	Destinations      []DestinationResult
	// Metadata is BuildKit's exporter response ("containerimage.digest", …).
	Metadata map[string]string
	// Reasons say why the target was built, as far as that was looked at; empty when it was up to date.
	Reasons []string
}

// SourceResult is what became of one cache-from.
type SourceResult struct {
	Name    string
	Outcome Outcome
	Digest  string
	Err     error
}

// DestinationResult is where the cache went.
type DestinationResult struct {
	Name    string
	Outcome Outcome
	Digest  string
	Layers  int
	// Bytes is the size of the published cache, Pushed what had to be sent for it.
	Bytes, Pushed int64
	// Changed is false when the destination held exactly this already.
	Changed bool
	// DryRun says that nothing was written: this is what would be.
	DryRun bool
	// ByBuilder is set when BuildKit wrote it itself; then nothing more is known than that the build succeeded.
	ByBuilder bool
	Err       error
}

// Failed tells whether anything failed or was canceled that was not to be ignored.
func (r *Report) Failed() bool {
	for _, s := range r.Steps {
		switch s.Outcome {
		case OutcomeFailed, OutcomeSkipped, OutcomeCanceled:
			return true
		}
	}
	return false
}
