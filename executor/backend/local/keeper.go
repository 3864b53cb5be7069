package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store is the directory; see backend.Keeper.
func (l *Location) Store() string { return "local " + l.dir }

// Label is the tag.
func (l *Location) Label() string { return l.tag }

// Names lists the tags. A tag was last written when its manifest was.
func (l *Location) Names(ctx context.Context) ([]backend.Name, error) {
	idx, err := l.readIndex(ctx)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	root, err := l.store.root()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // read side
	var names []backend.Name
	for _, d := range idx.Manifests {
		tag := d.Annotations[ocispec.AnnotationRefName]
		if tag == "" || d.Digest.Validate() != nil || slices.ContainsFunc(names, func(n backend.Name) bool { return n.Name == tag }) {
			continue
		}
		n := backend.Name{Name: tag, Root: d.Digest}
		if st, err := root.Lstat(blobPath(d.Digest)); err == nil {
			n.Modified = st.ModTime()
		}
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b backend.Name) int { return strings.Compare(a.Name, b.Name) })
	return names, nil
}

// Entry is another tag of the directory.
func (l *Location) Entry(name string) config.Cache {
	c := l.entry
	c.Attrs = map[string]string{}
	maps.Copy(c.Attrs, l.entry.Attrs)
	delete(c.Attrs, "src")
	delete(c.Attrs, "digest")
	c.Attrs["dest"], c.Attrs["tag"] = l.dir, name
	return c
}

// Remove takes a tag out of the index. What only it needed is left to the next sweep.
func (l *Location) Remove(ctx context.Context, name string, at digest.Digest) error {
	root, err := l.store.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what matters was synced
	unlock, err := l.store.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	idx, err := l.parseIndex()
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := []ocispec.Descriptor{}
	for _, d := range idx.Manifests {
		if d.Annotations[ocispec.AnnotationRefName] != name {
			kept = append(kept, d)
			continue
		}
		if d.Digest != at {
			return backend.ErrConflict
		}
	}
	if len(kept) == len(idx.Manifests) {
		return nil
	}
	idx.Manifests = kept
	raw, err := json.Marshal(idx)
	if err != nil {
		return err
	}
	return place(root, ocispec.ImageIndexFile, bytes.NewReader(raw))
}
