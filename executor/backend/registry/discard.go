package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/cachectl/cachectl/executor/blob"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Discard asks the registry to drop a blob from the repository (distribution spec, "Deleting blobs"); see backend.Discarder. Most registries
// do not delete blobs, or not for everybody. That is no error: whether the blob is whole after it was pushed again is for the caller to see.
func (l *Location) Discard(ctx context.Context, desc ocispec.Descriptor) error {
	req, err := l.repo.request(ctx, http.MethodDelete, nil, "blobs", desc.Digest.String())
	if err != nil {
		return err
	}
	l.repo.forget()
	resp, err := l.repo.do(req, actionDelete)
	if err != nil {
		if errors.Is(err, blob.ErrDenied) {
			return nil
		}
		return err
	}
	return resp.Body.Close()
}
