package executor

import (
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/planner"
)

// BuildStatus is one message of BuildKit's progress.
type BuildStatus = build.Status

// Events is told what happens while a plan runs. Its methods are called from many goroutines and must not block for long.
type Events interface {
	// StepStarted and StepEnded frame each step that ran; a step that is skipped or up to date only ends.
	StepStarted(step *planner.Step)
	StepEnded(res *StepResult)
	// StepProgress tells how far one piece of work inside a step is: what names it ("push sha256:ab…"), current and total
	// are bytes; total is 0 when unknown; current == total ends it.
	StepProgress(id planner.StepID, what string, current, total int64)
	// StepWarning is something the user should know about a step that went on all the same.
	StepWarning(id planner.StepID, message string)
	// BuildStatus is BuildKit's own progress for a target's build step.
	BuildStatus(target string, status *BuildStatus)
}
