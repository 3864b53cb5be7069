package backend

import "context"

// Answer is whether a place does something.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
	// Unknown is for what could not be tried, for instance for lack of rights.
	Unknown Answer = "unknown"
)

// Finding is what a place was found to do about one feature.
type Finding struct {
	// Feature is a short name that stays the same, for instance "index".
	Feature string
	Answer  Answer
	// Seen is what the place answered, Means what cachectl does about it.
	Seen, Means string
	// Err is set when a place cannot hold caches for want of the feature.
	Err error
}

// Prober is implemented by destinations that can be tried out.
type Prober interface {
	// Probe tries what the place can do, under scratch names beside the location and never under its own, and removes what it has written. tell is
	// called for each finding in turn. The error is for a place that cannot be reached, and for a ctx that ended; what was written is removed then too.
	Probe(ctx context.Context, tell func(Finding)) error
}
