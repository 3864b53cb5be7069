package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	errorBodyLimit = 64 << 10
	// uploads is how often an upload is started anew.
	uploads = 4
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

	mu    sync.Mutex
	known map[digest.Digest]bool // blobs seen here in this run
}

// do sends a request for the actions ("pull", "pull,push") on this repository and others.
func (r *repository) do(req *http.Request, actions string, others ...string) (*http.Response, error) {
	scopes := []string{r.name.Scope(actions)}
	scopes = append(scopes, others...)
	rt, err := r.host.authorized(req.Context(), r.name.Registry, scopes)
	if err != nil {
		return nil, classify(err)
	}
	client := &http.Client{Transport: rt, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return errors.New("more than 5 redirects")
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", req.Method, r.name.Name(), unwrapURL(err))
	}
	return resp, nil
}

// unwrapURL drops the URL from a client's error: it can carry a signature.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (r *repository) url(kind, rest string) string {
	u := url.URL{Scheme: r.name.Registry.Scheme(), Host: r.name.RegistryStr(), Path: "/v2/" + r.name.RepositoryStr() + "/" + kind + "/" + rest}
	return u.String()
}

// manifest reads what a tag or digest points at. The content matches the digest that is returned; a tag's answer is checked against the
// digest the registry claims, if it claims one.
func (r *repository) manifest(ctx context.Context, ref string) ([]byte, ocispec.Descriptor, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("manifests", ref), nil)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	req.Header.Set("Accept", manifestTypes)
	resp, err := r.do(req, "pull")
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	if err := check(resp, http.StatusOK); err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, cache.ManifestLimit+1))
	if err != nil {
		return nil, ocispec.Descriptor{}, fmt.Errorf("read manifest: %w", err)
	}
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if len(raw) > cache.ManifestLimit {
		return nil, ocispec.Descriptor{}, fmt.Errorf("manifest is larger than %d bytes: %w", cache.ManifestLimit, cache.ErrInvalid)
	}
	if strings.HasPrefix(mediaType, "text/html") {
		return nil, ocispec.Descriptor{}, fmt.Errorf("%s answers with a web page: this is not a registry", r.name.RegistryStr())
	}
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	for _, claimed := range []string{resp.Header.Get("Docker-Content-Digest"), ref} {
		if strings.HasPrefix(claimed, "sha256:") && claimed != desc.Digest.String() {
			return nil, ocispec.Descriptor{}, fmt.Errorf("manifest %s arrived as %s: %w", claimed, desc.Digest, blob.ErrIntegrity)
		}
	}
	return raw, desc, nil
}

// head returns the digest a tag points at, "" for nothing.
func (r *repository) head(ctx context.Context, ref string) (digest.Digest, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, r.url("manifests", ref), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", manifestTypes)
	resp, err := r.do(req, "pull")
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.url("manifests", ref), bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := r.do(req, "pull,push")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return check(resp, http.StatusCreated, http.StatusOK, http.StatusAccepted)
}

// Fetch opens a blob; see blob.Fetcher.
func (r *repository) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("blobs", desc.Digest.String()), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.do(req, "pull")
	if err != nil {
		return nil, err
	}
	if err := check(resp, http.StatusOK); err != nil {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, err)
	}
	return blob.Verify(resp.Body, desc), nil
}

// Has tells whether the repository holds a blob; see blob.Pusher. The answer is remembered for the run if it is yes.
func (r *repository) Has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	if r.seen(desc.Digest) {
		return true, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, r.url("blobs", desc.Digest.String()), nil)
	if err != nil {
		return false, err
	}
	resp, err := r.do(req, "pull")
	if err != nil {
		return false, err
	}
	_ = resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return false, nil
	case resp.StatusCode != http.StatusOK:
		return false, &StatusError{Status: resp.StatusCode}
	case resp.ContentLength >= 0 && desc.Size > 0 && resp.ContentLength != desc.Size:
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

// MountFrom takes a blob over from another repository of the same host (distribution spec, "Mounting a blob from another repository").
func (r *repository) MountFrom(ctx context.Context, desc ocispec.Descriptor, src blob.Fetcher) (bool, error) {
	from, ok := src.(*repository)
	if !ok || from.host != r.host || from.name.RepositoryStr() == r.name.RepositoryStr() {
		return false, nil
	}
	q := url.Values{"mount": {desc.Digest.String()}, "from": {from.name.RepositoryStr()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url("blobs", "uploads/")+"?"+q.Encode(), nil)
	if err != nil {
		return false, err
	}
	resp, err := r.do(req, "pull,push", from.name.Scope("pull"))
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	switch resp.StatusCode {
	case http.StatusCreated:
		r.note(desc.Digest)
		return true, nil
	case http.StatusAccepted:
		// An upload was started instead: the registry does not mount. It is not used.
		r.cancel(ctx, req.URL, resp)
	}
	return false, nil
}

// cancel ends an upload that is not wanted.
func (r *repository) cancel(ctx context.Context, base *url.URL, resp *http.Response) {
	loc, err := base.Parse(resp.Header.Get("Location"))
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, loc.String(), nil)
	if err != nil {
		return
	}
	if resp, err := r.do(req, "pull,push"); err == nil {
		_ = resp.Body.Close()
	}
}

// Push uploads a blob in one request; see blob.Pusher. After a failure it looks whether the blob has arrived all the same, and starts anew if not.
func (r *repository) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	for attempt := 1; ; attempt++ {
		err := r.upload(ctx, desc, open)
		if err == nil {
			r.note(desc.Digest)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if has, herr := r.Has(ctx, desc); herr == nil && has {
			return nil
		}
		if attempt == uploads || !uploadMayPass(err) {
			return fmt.Errorf("upload: %w (%d attempts)", err, attempt)
		}
		if err := r.host.retry.sleep(ctx, r.host.retry.backoff(attempt)); err != nil {
			return err
		}
	}
}

// uploadMayPass tells whether a new upload can succeed where one has failed. A session that the server has lost or closed counts.
func uploadMayPass(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusRequestedRangeNotSatisfiable:
			return true
		}
		return temporary(status.Status)
	}
	return temporaryError(err)
}

// start opens an upload session and returns where its bytes go.
func (r *repository) start(ctx context.Context) (*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url("blobs", "uploads/"), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.do(req, "pull,push")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	if err := check(resp, http.StatusAccepted); err != nil {
		return nil, err
	}
	return req.URL.Parse(resp.Header.Get("Location"))
}

// upload makes one attempt: POST, then PUT of the whole blob.
func (r *repository) upload(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	loc, err := r.start(ctx)
	if err != nil {
		return err
	}
	q := loc.Query()
	q.Set("digest", desc.Digest.String())
	loc.RawQuery = q.Encode()
	ctx = withoutRetry(ctx)
	body := func() (io.ReadCloser, error) { return &lazyBody{ctx: ctx, open: open}, nil }
	first, _ := body()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, loc.String(), first)
	if err != nil {
		return err
	}
	req.GetBody = body // for a token that has run out meanwhile
	req.ContentLength = desc.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := r.do(req, "pull,push")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return check(resp, http.StatusCreated)
}

// lazyBody opens a blob at its first read, when the request has got its slot, so that no source waits open for one.
type lazyBody struct {
	ctx  context.Context
	open blob.Opener
	rc   io.ReadCloser
}

func (b *lazyBody) Read(p []byte) (int, error) {
	if b.rc == nil {
		rc, err := b.open(b.ctx)
		if err != nil {
			return 0, err
		}
		b.rc = rc
	}
	return b.rc.Read(p)
}

func (b *lazyBody) Close() error {
	if b.rc == nil {
		return nil
	}
	return b.rc.Close()
}

// StatusError is a registry's refusal.
type StatusError struct {
	Status int
	// Code and Message are the registry's own words, bounded and without control characters.
	Code, Message string
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("registry answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Is makes errors.Is find what other packages ask for.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound:
		return target == blob.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return target == blob.ErrDenied
	}
	return false
}

// check returns a StatusError unless the status is one of those.
func check(resp *http.Response, ok ...int) error {
	for _, s := range ok {
		if resp.StatusCode == s {
			return nil
		}
	}
	e := &StatusError{Status: resp.StatusCode}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	var body struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Detail  any    `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &body) == nil && len(body.Errors) > 0 {
		e.Code, e.Message = printable(body.Errors[0].Code), printable(body.Errors[0].Message)
	}
	return e
}

// printable bounds text from outside and drops what could move a terminal's cursor.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, s)
	return s[:min(len(s), 300)]
}

// classify finds the refusals inside go-containerregistry's errors.
func classify(err error) error {
	if code := transportStatus(err); code != 0 {
		return fmt.Errorf("%w: %w", &StatusError{Status: code}, err)
	}
	return err
}
