package cache

import (
	"errors"
	"fmt"
)

// ErrInvalid says that a document is not a usable cache. What is wrong is in the text.
var ErrInvalid = errors.New("invalid cache")

// ErrNotCache says that a manifest is a plain image without a build cache of its own.
var ErrNotCache = errors.New("an image, not a build cache")

// ErrTooLarge says that a cache cannot be made small enough for BuildKit to import it.
var ErrTooLarge = errors.New("too large for BuildKit to import")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
