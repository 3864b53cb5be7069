package backend

import "errors"

// ErrConflict says that somebody else published to the location since it was read.
var ErrConflict = errors.New("somebody else published to this location meanwhile")
