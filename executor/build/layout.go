package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layout is an OCI layout directory as a content store to read from. Unlike containerd's own store it writes nothing, so a cache can be imported
// from a directory that is read-only.
type layout struct {
	content.Store // nil: the methods that an import does not call
	dir           string
}

// NewLayout returns the directory as a store for local cache imports.
func NewLayout(dir string) content.Store { return &layout{dir: dir} }

func (l *layout) path(dgst digest.Digest) (string, error) {
	if err := dgst.Validate(); err != nil {
		return "", fmt.Errorf("digest %q: %w", dgst, errdefs.ErrInvalidArgument)
	}
	return filepath.Join(l.dir, ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded()), nil
}

// Info tells a blob's size.
func (l *layout) Info(_ context.Context, dgst digest.Digest) (content.Info, error) {
	path, err := l.path(dgst)
	if err != nil {
		return content.Info{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return content.Info{}, fmt.Errorf("blob %s: %w", dgst, errdefs.ErrNotFound)
	}
	return content.Info{Digest: dgst, Size: st.Size(), CreatedAt: st.ModTime(), UpdatedAt: st.ModTime()}, nil
}

// ReaderAt opens a blob; the caller closes it.
func (l *layout) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	info, err := l.Info(ctx, desc.Digest)
	if err != nil {
		return nil, err
	}
	path, err := l.path(desc.Digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return sizedFile{f, info.Size}, nil
}

// Walk is how labels are looked for; a directory has none.
func (l *layout) Walk(context.Context, content.WalkFunc, ...string) error { return nil }

// Update accepts labels and keeps none.
func (l *layout) Update(_ context.Context, info content.Info, _ ...string) (content.Info, error) {
	return info, nil
}

type sizedFile struct {
	*os.File
	size int64
}

func (f sizedFile) Size() int64 { return f.size }
