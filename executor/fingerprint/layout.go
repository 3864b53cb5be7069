package fingerprint

import (
	"context"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layoutLimit is the largest manifest or config of an OCI layout, in bytes, that is read.
const layoutLimit = 8 << 20

// pinLayout knows an image of an OCI layout by its digest, wherever the layout is.
func (w *work) pinLayout(name string) (string, error) {
	_, dgst, ok := strings.Cut(name, "@")
	if !ok {
		return "", unpin("an OCI layout is used without a digest")
	}
	w.addImage("of an OCI layout", dgst)
	return "oci-layout @" + dgst, nil
}

// layoutImage reads the config of an image in an OCI layout of this machine.
func (w *work) layoutImage(ctx context.Context, op *pb.SourceOp, platform ocispec.Platform, opt sourceresolver.Opt) (Image, error) {
	_, at, _ := strings.Cut(op.Identifier, "@")
	root := digest.Digest(at)
	if opt.OCILayoutOpt == nil || root.Validate() != nil {
		return Image{}, unpin("an OCI layout is used without a digest")
	}
	store := w.layout(opt.OCILayoutOpt.Store.StoreID)
	if store == nil {
		return Image{}, unpin("OCI layout %s is not one of the target's", opt.OCILayoutOpt.Store.StoreID)
	}
	read := func(d digest.Digest) ([]byte, error) { return readBlob(ctx, store, d) }
	config, err := configOf(root, platform, read, func(d ocispec.Descriptor) ([]byte, error) { return read(d.Digest) })
	if err != nil {
		return Image{}, unpin("image %s of an OCI layout: %v", root, err)
	}
	return Image{Digest: root, Config: config}, nil
}

// layout is an OCI layout of the target or of one that it links to.
func (w *work) layout(id string) content.Provider {
	for _, def := range w.close {
		if s := def.Layout(id); s != nil {
			return s
		}
	}
	return nil
}

// readBlob reads a small blob and checks it against its digest.
func readBlob(ctx context.Context, store content.Provider, d digest.Digest) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	at, err := store.ReaderAt(ctx, ocispec.Descriptor{Digest: d})
	if err != nil {
		return nil, err
	}
	defer at.Close() //nolint:errcheck // read side
	if at.Size() > layoutLimit {
		return nil, unpin("blob %s has more than %d bytes", d, layoutLimit)
	}
	raw := make([]byte, at.Size())
	if _, err := at.ReadAt(raw, 0); err != nil && len(raw) > 0 {
		return nil, err
	}
	if d.Algorithm().FromBytes(raw) != d {
		return nil, unpin("blob %s has another content", d)
	}
	return raw, nil
}
