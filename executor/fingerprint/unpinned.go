package fingerprint

import (
	"errors"
	"fmt"
)

// unpinned is something that decides a result and has no digest.
type unpinned struct {
	reason string
	// err is what the frontend is to make of it, nil for nothing in particular.
	err error
}

func (u *unpinned) Error() string { return u.reason }

func (u *unpinned) Unwrap() error { return u.err }

func unpin(format string, args ...any) error { return &unpinned{reason: fmt.Sprintf(format, args...)} }

// whyUnpinned finds the reason in an error of the frontend; an error that is something else is the reason itself.
func whyUnpinned(err error) string {
	var u *unpinned
	if errors.As(err, &u) {
		return u.reason
	}
	return err.Error()
}
