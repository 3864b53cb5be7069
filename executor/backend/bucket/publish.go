package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// settle is how long a name is left alone before it is read back, where the service heeds no conditions: longer than others take from reading
// it to writing it, so that what they overwrite is noticed.
var settle = time.Second

// Publish writes the config under the name; see backend.Destination. The write is bound to what the caller has seen, where the service heeds
// conditions, and the name is read back in any case: one that heeds none lets others write over it.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	enc, err := c.Encode(l.Format())
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	release, err := l.store.turn(ctx, l.key)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer release()
	conditional, err := l.store.heedsConditions(ctx)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("ask for conditional writes: %w", err)
	}
	if conditional {
		err = l.swap(ctx, enc, replaces.Digest)
	} else {
		err = l.overwrite(ctx, enc, replaces.Digest)
	}
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	switch now, _, err := l.holds(ctx); {
	case err != nil:
		return ocispec.Descriptor{}, fmt.Errorf("read back: %w", err)
	case now != enc.ConfigDesc.Digest:
		return ocispec.Descriptor{}, backend.ErrConflict
	}
	return enc.ConfigDesc, nil
}

// swap writes the config if the name still holds what the caller has seen.
func (l *Location) swap(ctx context.Context, enc *cache.Encoded, replaces digest.Digest) error {
	l.mu.Lock()
	obj, seen := l.seen[replaces]
	l.mu.Unlock()
	if replaces == "" || seen {
		err := l.put(ctx, enc, &Condition{Tag: obj.Tag})
		if !errors.Is(err, ErrCondition) {
			return err
		}
	}
	// Not what was seen here, or the same bytes written again: then its tag is another.
	now, obj, err := l.holds(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look at %s: %w", l.key, err)
	case now != replaces:
		return backend.ErrConflict
	}
	if err := l.put(ctx, enc, &Condition{Tag: obj.Tag}); !errors.Is(err, ErrCondition) {
		return err
	}
	return backend.ErrConflict
}

// overwrite writes the config immediately after having looked, and waits for what others have under way.
func (l *Location) overwrite(ctx context.Context, enc *cache.Encoded, replaces digest.Digest) error {
	now, _, err := l.holds(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look at %s: %w", l.key, err)
	case now != replaces:
		return backend.ErrConflict
	}
	if err := l.put(ctx, enc, nil); err != nil {
		return err
	}
	return pause(ctx, settle)
}

func (l *Location) put(ctx context.Context, enc *cache.Encoded, cond *Condition) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return l.store.service.Put(ctx, l.key, enc.Config, map[string]string{digestName: enc.ConfigDesc.Digest.String()}, cond)
}

// holds is what the name holds now, "" for nothing.
func (l *Location) holds(ctx context.Context) (digest.Digest, Object, error) {
	raw, obj, err := l.document(ctx)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return "", Object{}, nil
	case err != nil && !errors.Is(err, cache.ErrTooLarge):
		return "", Object{}, err
	}
	return l.note(raw, obj).Digest, obj, nil
}
