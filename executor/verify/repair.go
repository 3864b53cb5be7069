package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// repairRounds bounds how often a repair starts again because somebody else published meanwhile.
const repairRounds = 8

// ErrBeyondRepair says that a cache has nothing that is whole, or is in a form that is not ours to write. The text says what to do.
var ErrBeyondRepair = errors.New("cannot be repaired")

// Repaired is what a repair did.
type Repaired struct {
	// Restored are the layers whose blobs were put back, Bytes the bytes sent for them.
	Restored []ocispec.Descriptor
	Bytes    int64
	// Dropped are the results that were left out; their keys stay.
	Dropped int
	// Root is what the name points at now. Published is false when putting blobs back was all there was to do.
	Root      ocispec.Descriptor
	Published bool
}

// Repair makes what a location holds whole again: layers that one of the others has are put back, results that stay broken are dropped, and what
// is left is published under the name, unless somebody else published meanwhile: then it looks again. res is what Check found. A layer that could
// not be read is left as it is. The error wraps ErrBeyondRepair when nothing would be left.
func Repair(ctx context.Context, dest backend.Destination, res *Result, others []*backend.Current, opt Options) (*Repaired, error) {
	for round := 1; ; round++ {
		done, err := repair(ctx, dest, res, others)
		if !errors.Is(err, backend.ErrConflict) || round == repairRounds {
			return done, err
		}
		if res, err = Check(ctx, dest, opt); err != nil {
			return nil, err
		}
		if res.Whole() {
			return &Repaired{Root: res.Current.Root}, nil
		}
	}
}

func repair(ctx context.Context, dest backend.Destination, res *Result, others []*backend.Current) (*Repaired, error) {
	cur := res.Current
	switch {
	case cur == nil || cur.Cache == nil:
		return nil, fmt.Errorf("%w: nothing of it can be used; build and publish it again, or copy another cache over it", ErrBeyondRepair)
	case cur.Image:
		return nil, fmt.Errorf("%w: it is part of an image; build and push the image again", ErrBeyondRepair)
	}
	r := &repairing{dest: dest, others: others, done: &Repaired{Root: cur.Root}, replaced: map[digest.Digest]ocispec.Descriptor{}, lost: map[digest.Digest]bool{}}
	if err := r.restore(ctx, res); err != nil {
		return nil, err
	}
	return r.publish(ctx, res)
}

// repairing is one attempt at a repair.
type repairing struct {
	dest   backend.Destination
	others []*backend.Current
	done   *Repaired
	// replaced are blobs that another form of the layer stands in for, lost those that nobody has.
	replaced map[digest.Digest]ocispec.Descriptor
	lost     map[digest.Digest]bool
}

// restore puts broken layers back where one of the others has them.
func (r *repairing) restore(ctx context.Context, res *Result) error {
	for _, f := range res.Findings {
		if f.Layer == nil || f.Kind == Unread || r.lost[f.blob()] {
			continue
		}
		// What is there under a digest it does not have would pass for the layer when that is pushed again.
		if d, ok := r.dest.(backend.Discarder); ok && f.Kind == Damaged {
			if err := d.Discard(ctx, f.Layer.Descriptor); err != nil {
				return fmt.Errorf("drop damaged layer %s: %w", f.blob(), err)
			}
		}
		desc, err := r.putBack(ctx, *f.Layer, f.Kind)
		if err != nil {
			return err
		}
		if desc == nil {
			r.lost[f.blob()] = true
			continue
		}
		r.done.Restored = append(r.done.Restored, *desc)
		if desc.Digest != f.blob() {
			r.replaced[f.blob()] = *desc
		}
	}
	return nil
}

// putBack pushes a layer from the first of the others that has it whole: the same blob, else the layer in another compression. It returns nil when
// none has. A blob whose own bytes were the trouble is not taken over under its digest.
func (r *repairing) putBack(ctx context.Context, l cache.Layer, kind Kind) (*ocispec.Descriptor, error) {
	same := func(o cache.Layer) bool { return o.Descriptor.Digest == l.Descriptor.Digest }
	tar := func(o cache.Layer) bool { return o.Tar() == l.Tar() && !same(o) }
	ways := []func(cache.Layer) bool{same, tar}
	if kind == DiffID || kind == Compression {
		ways = ways[1:]
	}
	for _, fits := range ways {
		for _, other := range r.others {
			for _, o := range other.Cache.Layers() {
				if !fits(o) {
					continue
				}
				ok, err := r.push(ctx, o, other.Blobs)
				if err != nil {
					return nil, err
				}
				if ok {
					desc := withAnnotations(o.Descriptor, l.Descriptor)
					return &desc, nil
				}
				break
			}
		}
	}
	return nil, nil
}

// withAnnotations is desc with what was noted about the layer it replaces and it does not say itself.
func withAnnotations(desc, replaces ocispec.Descriptor) ocispec.Descriptor {
	if desc.Digest == replaces.Digest {
		return replaces
	}
	merged := maps.Clone(desc.Annotations)
	if v, ok := replaces.Annotations[cache.AnnotationCreatedAt]; ok && merged[cache.AnnotationCreatedAt] == "" {
		merged[cache.AnnotationCreatedAt] = v
	}
	desc.Annotations = merged
	return desc
}

// push copies a layer and reads it back; false means that it did not arrive whole. A source that cannot be read does not end the repair.
func (r *repairing) push(ctx context.Context, l cache.Layer, from blob.Fetcher) (bool, error) {
	sent := int64(0)
	err := r.dest.Blobs().Push(ctx, l.Descriptor, func(ctx context.Context) (io.ReadCloser, error) {
		sent = l.Descriptor.Size
		return from.Fetch(ctx, l.Descriptor)
	})
	if context.Cause(ctx) != nil {
		return false, context.Cause(ctx)
	}
	if unusable(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("push layer %s: %w", l.Descriptor.Digest, err)
	}
	r.done.Bytes += sent
	here, ok := r.dest.Blobs().(blob.Fetcher)
	if !ok {
		return true, nil
	}
	_, f := readLayer(ctx, here, l)
	return f == nil, nil
}

// publish writes what is whole now, unless that is what is there.
func (r *repairing) publish(ctx context.Context, res *Result) (*Repaired, error) {
	cur := res.Current
	rest, dropped := cur.Cache.Without(r.lost)
	r.done.Dropped = dropped.Results + cur.Cache.Unlisted()
	if rest.Stats().Results == 0 && res.Results > 0 {
		return nil, fmt.Errorf("%w: no result has all its layers; build and publish it again", ErrBeyondRepair)
	}
	if r.done.Dropped == 0 && len(r.replaced) == 0 {
		return r.done, nil
	}
	rest, err := rest.Rewrite(func(l cache.Layer) (ocispec.Descriptor, error) {
		if desc, ok := r.replaced[l.Descriptor.Digest]; ok {
			return desc, nil
		}
		return l.Descriptor, nil
	})
	if err != nil {
		return nil, err
	}
	if rest, _, err = rest.Fit(cache.ImportLimit, r.dest.Format()); err != nil {
		return nil, err
	}
	root, err := r.dest.Publish(ctx, rest, cur.Root)
	if err != nil {
		return nil, err
	}
	r.done.Root, r.done.Published = root, true
	return r.done, nil
}

// Others reads the caches that layers are put back from. One that cannot be read is an error: it was asked for.
func Others(ctx context.Context, sources []backend.Source) ([]*backend.Current, error) {
	out := make([]*backend.Current, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	for i, src := range sources {
		group.Go(func() error {
			cur, err := src.Read(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", src.Name(), err)
			}
			out[i] = cur
			return nil
		})
	}
	return out, group.Wait()
}
