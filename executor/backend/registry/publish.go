package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// moves is how often the request that moves a tag is sent when its answer gets lost.
const moves = 4

// Publish writes config and manifest by digest, reads them back and moves the tag; see backend.Destination. A registry has no
// compare-and-swap: steps of one run and processes of one machine take turns, and against others the tag is looked at immediately before it is moved,
// and read back after. Settle finds those who passed unseen.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	if err := l.publishable(); err != nil {
		return ocispec.Descriptor{}, err
	}
	enc, err := c.Encode(l.format)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := l.pushConfig(ctx, enc); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("push cache config: %w", err)
	}
	if err := l.repo.putManifest(ctx, enc.ManifestDesc.Digest.String(), enc.ManifestDesc.MediaType, enc.Manifest); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("push manifest: %w", l.explain(err))
	}
	if _, _, err := l.repo.manifest(ctx, enc.ManifestDesc.Digest.String()); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("read manifest back: %w", err)
	}
	release, err := l.repo.hold(ctx, l.ref.Identifier())
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer release()
	defer l.turn(ctx)()
	if err := l.moveTag(ctx, enc, replaces.Digest); err != nil {
		return ocispec.Descriptor{}, err
	}
	return enc.ManifestDesc, nil
}

// moveTag makes the tag point at the manifest if it points at replaces, "" for nothing. The request is not simply repeated when its answer
// gets lost: it may have been done, and somebody may have published after it.
func (l *Location) moveTag(ctx context.Context, enc *cache.Encoded, replaces digest.Digest) error {
	tag, want := l.ref.Identifier(), enc.ManifestDesc.Digest
	looked := time.Now()
	now, err := l.repo.head(ctx, tag)
	if err != nil {
		return fmt.Errorf("look at tag: %w", err)
	}
	for attempt := 1; ; attempt++ {
		if now != replaces {
			return backend.ErrConflict
		}
		put := l.repo.putManifest(withoutRetry(ctx), tag, enc.ManifestDesc.MediaType, enc.Manifest)
		l.moved.Store(int64(time.Since(looked)))
		looked = time.Now()
		if now, err = l.repo.head(ctx, tag); err != nil {
			return fmt.Errorf("read tag back: %w", err)
		}
		if now == want {
			return nil
		}
		if put == nil {
			return backend.ErrConflict
		}
		if attempt == moves || !l.mayPass(put) {
			return fmt.Errorf("move tag: %w", l.explain(put))
		}
		if err := l.repo.host.retry.sleep(ctx, wire.Backoff(attempt)); err != nil {
			return err
		}
	}
}

func (l *Location) mayPass(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return temporary(status.Status) || status.RateLimited
	}
	return l.repo.host.retry.passes(err)
}

// pushConfig pushes the config and reads it back. A registry that says it has it and gives something else is sent it again.
func (l *Location) pushConfig(ctx context.Context, enc *cache.Encoded) error {
	moved, err := blob.Copy(ctx, enc.ConfigDesc, memory(enc.Config), l.repo)
	if err != nil {
		return err
	}
	err = l.readBack(ctx, enc.ConfigDesc)
	if moved == 0 && (errors.Is(err, blob.ErrIntegrity) || errors.Is(err, blob.ErrNotFound)) {
		if err := l.repo.Push(ctx, enc.ConfigDesc, memory(enc.Config).open); err != nil {
			return err
		}
		err = l.readBack(ctx, enc.ConfigDesc)
	}
	if err != nil {
		return fmt.Errorf("read it back: %w", err)
	}
	return nil
}

// readBack reads a blob from the registry itself.
func (l *Location) readBack(ctx context.Context, desc ocispec.Descriptor) error {
	rc, err := l.repo.fetch(ctx, desc, func() { l.repo.noteWrong(desc.Digest) })
	if err != nil {
		return err
	}
	defer rc.Close() //nolint:errcheck // read side
	_, err = io.Copy(io.Discard, rc)
	return err
}

// memory is a blob in memory.
type memory []byte

// Fetch opens it.
func (m memory) Fetch(ctx context.Context, _ ocispec.Descriptor) (io.ReadCloser, error) {
	return m.open(ctx)
}

func (m memory) open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m)), nil
}

// explain adds what to do about a refusal of a manifest that has a known reason.
func (l *Location) explain(err error) error {
	var status *StatusError
	if !errors.As(err, &status) {
		return err
	}
	refused := status.Status == http.StatusBadRequest || status.Status == http.StatusNotFound || status.Status == http.StatusUnsupportedMediaType
	switch {
	case refused && !l.format.ImageManifest:
		return fmt.Errorf("%w; this registry does not take the index form of a cache: leave out image-manifest=false and oci-mediatypes=false, "+
			"or let the registry accept indexes of blobs (for distribution 3: validation.manifests.indexes.platforms: none)", err)
	case status.Code == "MANIFEST_BLOB_UNKNOWN":
		l.repo.forget()
		return fmt.Errorf("%w; the registry has lost a layer since it was pushed, as a garbage collection under way does: run again", err)
	case status.Code == "TAG_INVALID" || status.Status == http.StatusConflict:
		return fmt.Errorf("%w; where tags cannot be moved, a cache needs a new tag each time", err)
	}
	return err
}
