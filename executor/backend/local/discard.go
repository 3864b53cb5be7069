package local

import (
	"context"
	"errors"
	"io/fs"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Discard removes a blob's file; see backend.Discarder.
func (l *Location) Discard(_ context.Context, desc ocispec.Descriptor) error {
	root, err := l.store.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing to lose
	if err := root.Remove(blobPath(desc.Digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
