package backend

import (
	"context"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Settler is implemented by destinations that have no compare-and-swap, so that two publications can pass each other unseen.
type Settler interface {
	// Settle waits until publications that were under way when Publish returned root have ended as far as can be told, and returns ErrConflict if the
	// name points elsewhere then.
	Settle(ctx context.Context, root ocispec.Descriptor) error
}
