package blob

import (
	"context"
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

var (
	// ErrNotFound says that the store does not hold what was asked for.
	ErrNotFound = errors.New("not found")
	// ErrDenied says that the store refused the operation for lack of credentials or rights.
	ErrDenied = errors.New("denied")
	// ErrIntegrity says that bytes do not match the size or digest of their descriptor.
	ErrIntegrity = errors.New("content does not match its descriptor")
)

// Fetcher reads blobs.
type Fetcher interface {
	// Fetch opens the blob of desc. The caller closes the reader. The reader returns an error wrapping ErrIntegrity instead of
	// io.EOF when the bytes do not match desc's size and digest; it never returns more than desc.Size bytes.
	// A missing blob is an error wrapping ErrNotFound, from Fetch or from the first Read.
	Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error)
}

// Opener opens a blob's bytes from the start; it can be called again after a failed push. The callee closes what it opened.
type Opener func(ctx context.Context) (io.ReadCloser, error)

// Pusher writes blobs.
type Pusher interface {
	// Has tells whether the store holds the blob of desc with desc's size.
	Has(ctx context.Context, desc ocispec.Descriptor) (bool, error)
	// Push stores the blob of desc, reading it with open. The store verifies size and digest before the blob becomes visible.
	// Pushing a blob the store already holds succeeds, and open may then not be called at all.
	Push(ctx context.Context, desc ocispec.Descriptor, open Opener) error
}

// Mounter is implemented by stores that can take a blob over from a sibling without moving bytes, as registries can between
// repositories of one host (distribution spec, "Mounting a blob from another repository").
type Mounter interface {
	// MountFrom tries to take desc from src and tells whether it did. false with a nil error means: push it.
	MountFrom(ctx context.Context, desc ocispec.Descriptor, src Fetcher) (bool, error)
}
