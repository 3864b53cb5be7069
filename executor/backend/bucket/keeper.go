package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const (
	// hiddenPrefix starts the names of what is ours and no cache; marksName is that of the marks.
	hiddenPrefix = ".cachectl-"
	marksName    = hiddenPrefix + "marks"
	marksLimit   = 64 << 20
	// leastGrace is longer than an export takes from finding or writing a layer to writing the name.
	leastGrace = time.Hour
	// maxNames is how many names a store may have.
	maxNames = 100_000
)

// Store is the bucket and where in it names are; see backend.Keeper.
func (l *Location) Store() string { return l.opt.Type + " " + l.opt.Host + "/" + l.store.namePrefix() }

// Label is the name.
func (l *Location) Label() string { return l.opt.Name }

// Entry is another name in the bucket.
func (l *Location) Entry(name string) config.Cache { return l.opt.Entry.Named(name) }

// sibling is another name in the bucket.
func (l *Location) sibling(name string) *Location {
	opt := l.opt
	opt.Name = name
	return Open(l.store, opt)
}

// namePrefix is what the keys of all names start with, blobPrefix what those of all layers do.
func (s *Store) namePrefix() string { return strings.TrimSuffix(s.service.ManifestKey("x"), "x") }

func (s *Store) blobPrefix() string {
	d := digest.FromString("")
	return strings.TrimSuffix(s.service.BlobKey(d), d.String())
}

// Names lists the names. What they hold is not told by a listing.
func (l *Location) Names(ctx context.Context) ([]backend.Name, error) {
	prefix, blobs := l.store.namePrefix(), l.store.blobPrefix()
	var names []backend.Name
	err := l.store.service.List(ctx, prefix, func(key string, obj Object) error {
		name := strings.TrimPrefix(key, prefix)
		if name == "" || strings.HasPrefix(name, hiddenPrefix) || isBlob(key, blobs) {
			return nil
		}
		if len(names) == maxNames {
			return fmt.Errorf("more than %d names", maxNames)
		}
		names = append(names, backend.Name{Name: name, Modified: obj.Modified})
		return nil
	})
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	slices.SortFunc(names, func(a, b backend.Name) int { return strings.Compare(a.Name, b.Name) })
	return names, err
}

func isBlob(key, prefix string) bool {
	d, ok := strings.CutPrefix(key, prefix)
	return ok && digest.Digest(d).Validate() == nil
}

// Remove deletes a name's object if it still holds root.
func (l *Location) Remove(ctx context.Context, name string, root digest.Digest) error {
	at := l.sibling(name)
	release, err := l.store.turn(ctx, at.key)
	if err != nil {
		return err
	}
	defer release()
	now, obj, err := at.holds(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look at %s: %w", at.key, err)
	case now == "":
		return nil
	case now != root:
		return backend.ErrConflict
	}
	err = l.store.service.Delete(ctx, at.key, obj)
	switch {
	case errors.Is(err, ErrCondition):
		return backend.ErrConflict
	case errors.Is(err, blob.ErrNotFound):
		return nil
	}
	return cannotDelete(err)
}

// cannotDelete says of a refusal what it keeps us from.
func cannotDelete(err error) error {
	if errors.Is(err, blob.ErrDenied) {
		return fmt.Errorf("%w: %w", backend.ErrCannotDelete, err)
	}
	return err
}

// LeastGrace is what takes the place of a lock; see backend.Sweeper.
func (l *Location) LeastGrace() time.Duration { return leastGrace }

// Objects calls fn for every layer; see backend.Sweeper. Services tell times to the second in some answers, so they all are.
func (l *Location) Objects(ctx context.Context, fn func(backend.Object) error) error {
	prefix := l.store.blobPrefix()
	err := l.store.service.List(ctx, prefix, func(key string, obj Object) error {
		if !isBlob(key, prefix) {
			return nil
		}
		return fn(backend.Object{Digest: digest.Digest(strings.TrimPrefix(key, prefix)), Size: obj.Size, Modified: obj.Modified.Truncate(time.Second)})
	})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

// Needed is the layers of all names. A bucket can have other names, elsewhere, that need the same layers; where something else stands under the same
// prefix, what is needed is not known.
func (l *Location) Needed(ctx context.Context) (map[digest.Digest]bool, error) {
	if err := l.alone(ctx, l.store.service.Prefix()); err != nil {
		return nil, err
	}
	names, err := l.Names(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	needed := map[digest.Digest]bool{}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for _, n := range names {
		group.Go(func() error {
			layers, err := l.sibling(n.Name).layers(gctx)
			if err != nil {
				return fmt.Errorf("what %s needs is not known: %w; repair or remove it first", n.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range layers {
				needed[d] = true
			}
			return nil
		})
	}
	return needed, group.Wait()
}

// alone fails if something stands below a beginning of keys that is neither a layer nor a name.
func (l *Location) alone(ctx context.Context, below string) error {
	known := []string{l.store.blobPrefix(), l.store.namePrefix()}
	var deeper []string
	err := l.store.service.Below(ctx, below, func(key string) error {
		for _, k := range known {
			if strings.HasPrefix(key, k) {
				return nil
			}
			if strings.HasSuffix(key, "/") && strings.HasPrefix(k, key) {
				deeper = append(deeper, key)
				return nil
			}
		}
		return fmt.Errorf("%s is there besides, which may need the same layers; give the caches a prefix of their own", key)
	})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	for _, d := range slices.Compact(deeper) {
		err = errors.Join(err, l.alone(ctx, d))
	}
	return err
}

// layers are all that the name's config mentions, used or not; none if the name is gone.
func (l *Location) layers(ctx context.Context) ([]digest.Digest, error) {
	raw, _, err := l.document(ctx)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := cache.Decode(raw, nil); err != nil {
		return nil, err
	}
	var doc struct {
		Layers []struct {
			Blob digest.Digest `json:"blob"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", cache.ErrInvalid, err)
	}
	var out []digest.Digest
	for _, layer := range doc.Layers {
		out = append(out, layer.Blob)
	}
	return out, nil
}

// Marks reads what SetMarks wrote.
func (l *Location) Marks(ctx context.Context) ([]byte, error) {
	body, _, err := l.store.get(ctx, l.store.service.ManifestKey(marksName), 0, "")
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close() //nolint:errcheck // read side
	return io.ReadAll(io.LimitReader(body, marksLimit))
}

// SetMarks writes the marks beside the names.
func (l *Location) SetMarks(ctx context.Context, marks []byte) error {
	key := l.store.service.ManifestKey(marksName)
	if marks != nil {
		return l.store.service.Put(ctx, key, marks, nil, nil)
	}
	obj, err := l.store.service.Stat(ctx, key)
	if err == nil {
		err = l.store.service.Delete(ctx, key, obj)
	}
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return cannotDelete(err)
}

// Delete deletes layers; see backend.Sweeper. A bucket has no lock: an export of ours uploads a layer that is marked once more, and BuildKit's renews in
// S3 what is older than touch_refresh, so that neither is what it was listed as.
func (l *Location) Delete(ctx context.Context, objects []backend.Object) ([]backend.Object, error) {
	needed, err := l.Needed(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var deleted []backend.Object
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for _, o := range objects {
		if needed[o.Digest] {
			continue
		}
		group.Go(func() error {
			done, err := l.deleteLayer(gctx, o)
			if done {
				mu.Lock()
				deleted = append(deleted, o)
				mu.Unlock()
			}
			return err
		})
	}
	err = group.Wait()
	return deleted, err
}

// deleteLayer deletes a layer if it is what it was listed as.
func (l *Location) deleteLayer(ctx context.Context, o backend.Object) (bool, error) {
	key := l.store.service.BlobKey(o.Digest)
	obj, err := l.store.service.Stat(ctx, key)
	if err == nil && (obj.Size != o.Size || !obj.Modified.Truncate(time.Second).Equal(o.Modified)) {
		return false, nil
	}
	if err == nil {
		err = l.store.service.Delete(ctx, key, obj)
	}
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, ErrCondition) {
		return false, nil
	}
	if err == nil {
		l.store.drop(o.Digest)
	}
	return err == nil, cannotDelete(err)
}

// marked tells whether a layer is marked as needed by nothing, so that it may be deleted while an export relies on it. Marks are made at least
// LeastGrace before anything is deleted, so that reading them once in a run is enough.
func (s *Store) marked(ctx context.Context, d digest.Digest) (bool, error) {
	s.marking.Lock()
	defer s.marking.Unlock()
	if s.marks == nil {
		body, _, err := s.get(ctx, s.service.ManifestKey(marksName), 0, "")
		if err != nil && !errors.Is(err, blob.ErrNotFound) {
			return false, fmt.Errorf("read marks: %w", err)
		}
		s.marks = map[digest.Digest]bool{}
		if err == nil {
			defer body.Close() //nolint:errcheck // read side
			raw, err := io.ReadAll(io.LimitReader(body, marksLimit))
			if err != nil {
				s.marks = nil
				return false, fmt.Errorf("read marks: %w", err)
			}
			for _, m := range backend.DecodeMarks(raw) {
				s.marks[m.Digest] = true
			}
		}
	}
	return s.marks[d], nil
}

// drop forgets that a layer was found.
func (s *Store) drop(d digest.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, d)
}

// Discard makes the next push write a layer anew; see backend.Discarder.
func (l *Location) Discard(_ context.Context, desc ocispec.Descriptor) error {
	l.store.noteWrong(desc.Digest)
	return nil
}
