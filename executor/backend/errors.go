package backend

import "errors"

// ErrConflict says that somebody else published to the location since it was read.
var ErrConflict = errors.New("somebody else published to this location meanwhile")

// ErrElsewhere says that a location is to be had in certain surroundings only, such as a job of a CI service, and that these are not here. That is how it
// is meant to be, and no reason to fail.
var ErrElsewhere = errors.New("this is not where that cache is to be had")
