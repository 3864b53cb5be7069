package blob

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Copy brings a blob from src to dst in the cheapest way: not at all when dst has it, by a mount when dst can take it over, else by a push.
// It returns how many bytes were sent.
func Copy(ctx context.Context, desc ocispec.Descriptor, src Fetcher, dst Pusher) (moved int64, err error) {
	has, err := dst.Has(ctx, desc)
	if err != nil || has {
		return 0, err
	}
	if m, ok := dst.(Mounter); ok {
		if mounted, err := m.MountFrom(ctx, desc, src); err != nil || mounted {
			return 0, err
		}
	}
	err = dst.Push(ctx, desc, func(ctx context.Context) (io.ReadCloser, error) { return src.Fetch(ctx, desc) })
	if err != nil {
		return 0, err
	}
	return desc.Size, nil
}
