package executor

import (
	"fmt"

	"github.com/cachectl/cachectl/planner"
)

// StepError is why a step failed.
type StepError struct {
	Step *planner.Step
	// Op is what was being done ("read", "solve", "push layer", "publish").
	Op string
	// Where is the location's name or the target.
	Where string
	Err   error
}

func (e *StepError) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Where, e.Err) }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }
