package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifestTypes are what is asked for.
var manifestTypes = strings.Join([]string{
	ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex,
	"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
}, ", ")

// repository is one repository of a registry: its blobs and manifests. It is a blob.Fetcher, Pusher and Mounter.
type repository struct {
	host *host
	name name.Repository
	// mirrors hold the same repository and are asked first for what has a digest.
	mirrors []*mirror
	// writable is set when something in the repository is a destination.
	writable atomic.Bool

	mu    sync.Mutex
	known map[digest.Digest]bool   // blobs seen here in this run
	wrong map[digest.Digest]bool   // blobs that arrived damaged
	roots map[string]digest.Digest // what tags were seen to point at, for deletions
	tags  map[string]chan struct{}
}

// mirror is a repository that is asked first, until it fails.
type mirror struct {
	*repository
	failed atomic.Bool
}

// fromMirrors tries read on each mirror, once: there is another place to ask. A mirror that fails in another way than not having what is
// asked for is not asked again.
func (r *repository) fromMirrors(ctx context.Context, read func(context.Context, *mirror) error) bool {
	for _, m := range r.mirrors {
		if m.failed.Load() {
			continue
		}
		err := read(withoutRetry(ctx), m)
		if err == nil {
			return true
		}
		if ctx.Err() == nil && !errors.Is(err, blob.ErrNotFound) {
			m.failed.Store(true)
		}
	}
	return false
}

// manifest reads what a tag or digest points at. The content matches the digest that is returned; a tag's answer is checked against the
// digest the registry claims, if it claims one. Content that is wrong is asked for a second time, past any cache on the way.
func (r *repository) manifest(ctx context.Context, ref string) (raw []byte, desc ocispec.Descriptor, err error) {
	raw, desc, err = r.getManifest(ctx, ref, false)
	if errors.Is(err, blob.ErrIntegrity) {
		raw, desc, err = r.getManifest(ctx, ref, true)
	}
	return raw, desc, err
}

func (r *repository) getManifest(ctx context.Context, ref string, uncached bool) ([]byte, ocispec.Descriptor, error) {
	req, err := r.request(ctx, http.MethodGet, nil, "manifests", ref)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	req.Header.Set("Accept", manifestTypes)
	if uncached {
		req.Header.Set("Cache-Control", "no-cache")
	}
	resp, err := r.do(req, actionPull)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	if err := check(resp, http.StatusOK); err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, cache.ManifestLimit+1))
	if err != nil {
		return nil, ocispec.Descriptor{}, fmt.Errorf("read manifest: %w", cut(err))
	}
	if len(raw) > cache.ManifestLimit {
		return nil, ocispec.Descriptor{}, fmt.Errorf("manifest is larger than %d bytes: %w", cache.ManifestLimit, cache.ErrInvalid)
	}
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	algorithm := digest.SHA256
	if d := digest.Digest(ref); d.Validate() == nil {
		algorithm = d.Algorithm()
	}
	desc := ocispec.Descriptor{MediaType: strings.TrimSpace(mediaType), Digest: algorithm.FromBytes(raw), Size: int64(len(raw))}
	for _, claimed := range []string{ref, resp.Header.Get("Docker-Content-Digest")} {
		d := digest.Digest(claimed)
		if d.Validate() == nil && d.Algorithm() == algorithm && d != desc.Digest {
			return nil, ocispec.Descriptor{}, fmt.Errorf("manifest %s arrived as %s: %w", claimed, desc.Digest, blob.ErrIntegrity)
		}
	}
	return raw, desc, nil
}

// cut says of a transfer that broke off that the content is not whole.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", err, blob.ErrIntegrity)
	}
	return err
}

// Manifest reads a manifest by its descriptor, from a mirror if one has it; see inline.Image.
func (r *repository) Manifest(ctx context.Context, want ocispec.Descriptor) (raw []byte, mediaType string, err error) {
	var desc ocispec.Descriptor
	read := func(ctx context.Context, from *repository) error {
		raw, desc, err = from.manifest(ctx, want.Digest.String())
		return err
	}
	if !r.fromMirrors(ctx, func(ctx context.Context, m *mirror) error { return read(ctx, m.repository) }) {
		_ = read(ctx, r)
	}
	return raw, desc.MediaType, err
}

// head returns the digest a tag points at, "" for nothing.
func (r *repository) head(ctx context.Context, ref string) (digest.Digest, error) {
	req, err := r.request(ctx, http.MethodHead, nil, "manifests", ref)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", manifestTypes)
	resp, err := r.do(req, actionPull)
	if err != nil {
		return "", err
	}
	_ = resp.Body.Close()
	switch d := digest.Digest(resp.Header.Get("Docker-Content-Digest")); {
	case resp.StatusCode == http.StatusNotFound:
		return "", nil
	case resp.StatusCode == http.StatusOK && d.Validate() == nil:
		return d, nil
	}
	_, desc, err := r.manifest(ctx, ref) // a registry without HEAD or without the header
	if errors.Is(err, blob.ErrNotFound) {
		return "", nil
	}
	return desc.Digest, err
}

// putManifest writes a manifest under a tag or its digest.
func (r *repository) putManifest(ctx context.Context, ref, mediaType string, raw []byte) error {
	req, err := r.request(ctx, http.MethodPut, bytes.NewReader(raw), "manifests", ref)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := r.do(req, actionPush)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return check(resp, http.StatusCreated, http.StatusOK, http.StatusAccepted)
}

// Fetch opens a blob, on a mirror if one has it; see blob.Fetcher. A transfer that breaks off is carried on where it broke off.
func (r *repository) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	var rc io.ReadCloser
	if r.fromMirrors(ctx, func(ctx context.Context, m *mirror) (err error) {
		rc, err = m.fetch(ctx, desc, func() { m.failed.Store(true) })
		return err
	}) {
		return rc, nil
	}
	return r.fetch(ctx, desc, func() { r.noteWrong(desc.Digest) })
}

// fetch opens a blob here. wrong is called when it arrives damaged.
func (r *repository) fetch(ctx context.Context, desc ocispec.Descriptor, wrong func()) (io.ReadCloser, error) {
	body, err := r.get(ctx, desc, 0)
	if err != nil {
		return nil, err
	}
	resumed := &resumable{ctx: ctx, repo: r, desc: desc, body: body}
	return &watched{ReadCloser: blob.Verify(resumed, desc), wrong: wrong}, nil
}

// get opens a blob's bytes from an offset.
func (r *repository) get(ctx context.Context, desc ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	req, err := r.request(ctx, http.MethodGet, nil, "blobs", desc.Digest.String())
	if err != nil {
		return nil, err
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	if r.arrivedWrong(desc.Digest) {
		req.Header.Set("Cache-Control", "no-cache")
	}
	resp, err := r.do(req, actionPull)
	if err != nil {
		return nil, err
	}
	if err := check(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, err)
	}
	if resp.StatusCode == http.StatusPartialContent {
		if strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
			return resp.Body, nil
		}
		_ = resp.Body.Close()
		return nil, fmt.Errorf("blob %s: asked for bytes from %d, got %q: %w", desc.Digest, offset, wire.Printable(resp.Header.Get("Content-Range")), blob.ErrIntegrity)
	}
	// The whole blob, though a part was asked for: a registry without ranges.
	if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, cut(err))
	}
	return resp.Body, nil
}

// Has tells whether the repository holds a blob; see blob.Pusher. The answer is remembered for the run if it is yes.
func (r *repository) Has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	if r.seen(desc.Digest) {
		return true, nil
	}
	return r.look(ctx, http.MethodHead, desc)
}

// look asks for a blob without reading it.
func (r *repository) look(ctx context.Context, method string, desc ocispec.Descriptor) (bool, error) {
	req, err := r.request(ctx, method, nil, "blobs", desc.Digest.String())
	if err != nil {
		return false, err
	}
	resp, err := r.do(req, actionPull)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return false, nil
	case resp.StatusCode == http.StatusMethodNotAllowed && method == http.MethodHead:
		return r.look(ctx, http.MethodGet, desc)
	case resp.StatusCode != http.StatusOK:
		return false, fmt.Errorf("blob %s: %w", desc.Digest, check(resp))
	case resp.ContentLength >= 0 && resp.ContentLength != desc.Size:
		return false, nil
	}
	r.note(desc.Digest)
	return true, nil
}

func (r *repository) seen(d digest.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[d]
}

func (r *repository) note(d digest.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[d] = true
}

// forget makes the next look at the repository a real one.
func (r *repository) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.known)
}

func (r *repository) arrivedWrong(d digest.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong[d]
}

func (r *repository) noteWrong(d digest.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong[d] = true
}

// hold waits until no other step of the run is publishing under the tag.
func (r *repository) hold(ctx context.Context, tag string) (release func(), err error) {
	r.mu.Lock()
	slot, ok := r.tags[tag]
	if !ok {
		slot = make(chan struct{}, 1)
		r.tags[tag] = slot
	}
	r.mu.Unlock()
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// MountFrom takes a blob over from another repository of the same host (distribution spec, "Mounting a blob from another repository").
func (r *repository) MountFrom(ctx context.Context, desc ocispec.Descriptor, src blob.Fetcher) (bool, error) {
	from, ok := src.(*repository)
	if !ok || from.host != r.host || from.name.RepositoryStr() == r.name.RepositoryStr() {
		return false, nil
	}
	req, err := r.request(ctx, http.MethodPost, nil, "blobs", "uploads/")
	if err != nil {
		return false, err
	}
	req.URL.RawQuery = url.Values{"mount": {desc.Digest.String()}, "from": {from.name.RepositoryStr()}}.Encode()
	resp, err := r.do(req, actionPush, from.name.Scope(actionPull))
	if err != nil {
		if errors.Is(err, blob.ErrDenied) {
			return false, nil // no token for both: an upload needs one for this repository alone
		}
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	switch resp.StatusCode {
	case http.StatusCreated:
		r.note(desc.Digest)
		return true, nil
	case http.StatusAccepted:
		// An upload was started instead: the registry does not mount. It is not used.
		if loc, err := location(resp); err == nil {
			r.cancel(ctx, loc)
		}
	}
	return false, nil
}
