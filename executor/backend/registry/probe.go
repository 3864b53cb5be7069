package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// scratchTag is the tag that is moved for a probe. Where it can be deleted again it gets a random end, so that two probes do not meet.
	scratchTag = "cachectl-doctor"
	// cleanTime is how long putting things away may take after an interrupt.
	cleanTime = 10 * time.Second
)

// probe tries out one registry. It remembers what it has written.
type probe struct {
	repo      *repository
	tell      func(backend.Finding)
	seed, tag string
	manifests []digest.Digest
	blobs     []ocispec.Descriptor
	tagged    bool
	// deletes tells what the registry deletes.
	deletesManifests, deletesBlobs bool
	limits                         []string
}

// Probe tries the registry out in the location's repository, with blobs, manifests and a tag of its own; see backend.Prober. Nothing is retried, so
// that what is told is the registry's first answer.
func (l *Location) Probe(ctx context.Context, tell func(backend.Finding)) error {
	challenge, err := l.repo.host.connect(ctx)
	if err != nil {
		return err
	}
	login := "no login"
	if challenge.Scheme != "" {
		login = "login: " + wire.Printable(challenge.Scheme)
	}
	scheme := "with TLS"
	if challenge.Insecure {
		scheme = "without TLS"
	}
	tell(backend.Finding{Feature: "reach", Answer: backend.Yes, Seen: scheme + ", " + login, Means: "credentials are those that docker login keeps"})
	p := &probe{repo: l.repo, tell: tell, seed: scratchTag, tag: scratchTag}
	err = p.run(withoutRetry(ctx), l.ref.Identifier())
	clean, cancel := context.WithTimeout(withoutRetry(context.WithoutCancel(ctx)), cleanTime)
	defer cancel()
	p.clean(clean)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// run tries one thing after another. It ends early when there is no use in going on.
func (p *probe) run(ctx context.Context, given string) error {
	if p.tag == given {
		p.tag += "-2"
	}
	if !p.upload(ctx) {
		return nil
	}
	p.deletion(ctx)
	if p.deletesManifests && p.deletesBlobs {
		suffix := "-" + strings.ToLower(rand.Text()[:8])
		p.seed, p.tag = p.seed+suffix, p.tag+suffix
	}
	for _, try := range []func(context.Context){p.chunks, p.ranges, p.mount, p.forms, p.tags, p.conditions, p.referrers, p.limited} {
		try(ctx)
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// reply is what a registry said to one request.
type reply struct {
	status int
	header http.Header
	at     *url.URL
	err    error
}

func (a reply) is(statuses ...int) bool { return a.err == nil && slices.Contains(statuses, a.status) }

// String is the answer for people.
func (a reply) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)))
}

// verdict is yes for one of the statuses, unknown where the registry did not let us try, else no.
func (a reply) verdict(yes ...int) backend.Answer {
	var refused *StatusError
	switch {
	case a.is(yes...):
		return backend.Yes
	case a.err != nil && !errors.As(a.err, &refused), errors.Is(a.err, blob.ErrDenied), refused != nil && (refused.RateLimited || temporary(refused.Status)):
		return backend.Unknown
	}
	return backend.No
}

// ask sends a request and notes what the answer says of limits. A refusal is an error with the registry's words.
func (p *probe) ask(req *http.Request, err error) reply {
	if err != nil {
		return reply{err: err}
	}
	resp, err := p.repo.do(req, actionPush)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	for name := range resp.Header {
		if lower := strings.ToLower(name); strings.Contains(lower, "ratelimit") || lower == "retry-after" {
			if seen := name + ": " + wire.Printable(resp.Header.Get(name)); len(p.limits) < 4 && !slices.Contains(p.limits, seen) {
				p.limits = append(p.limits, seen)
			}
		}
	}
	a := reply{status: resp.StatusCode, header: resp.Header}
	if a.status >= http.StatusBadRequest {
		a.err = check(resp)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, errorBodyLimit)
	if a.status == http.StatusAccepted || a.status == http.StatusCreated {
		a.at, _ = location(resp)
	}
	return a
}

// blob is a small blob of this probe's own.
func (p *probe) blob(name string) ([]byte, ocispec.Descriptor) {
	raw := []byte("cachectl doctor: " + p.seed + " " + name + "\n")
	return raw, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
}

// push uploads a blob in one request and remembers it.
func (p *probe) push(ctx context.Context, raw []byte, desc ocispec.Descriptor) reply {
	started := p.ask(p.repo.request(ctx, http.MethodPost, nil, "blobs", "uploads/"))
	if started.at == nil {
		return started
	}
	done := p.put(ctx, started.at, raw, desc)
	if done.is(http.StatusCreated) {
		p.note(desc)
	}
	return done
}

// note remembers a blob that was written.
func (p *probe) note(desc ocispec.Descriptor) {
	if !slices.ContainsFunc(p.blobs, func(b ocispec.Descriptor) bool { return b.Digest == desc.Digest }) {
		p.blobs = append(p.blobs, desc)
	}
}

// put ends an upload with a body.
func (p *probe) put(ctx context.Context, at *url.URL, raw []byte, desc ocispec.Descriptor) reply {
	q := at.Query()
	q.Set("digest", desc.Digest.String())
	at.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, at.String(), bytes.NewReader(raw))
	if err == nil {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	return p.ask(req, err)
}

// manifest puts a manifest under a tag or its digest and remembers it.
func (p *probe) manifest(ctx context.Context, ref string, enc *cache.Encoded, header ...string) reply {
	req, err := p.repo.request(ctx, http.MethodPut, bytes.NewReader(enc.Manifest), "manifests", ref)
	if err == nil {
		req.Header.Set("Content-Type", enc.ManifestDesc.MediaType)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
	}
	a := p.ask(req, err)
	if a.is(http.StatusCreated, http.StatusOK, http.StatusAccepted) {
		if !slices.Contains(p.manifests, enc.ManifestDesc.Digest) {
			p.manifests = append(p.manifests, enc.ManifestDesc.Digest)
		}
		p.tagged = p.tagged || ref == p.tag
	}
	return a
}

// remove deletes a manifest, tag or blob.
func (p *probe) remove(ctx context.Context, elem ...string) reply {
	return p.ask(p.repo.request(ctx, http.MethodDelete, nil, elem...))
}

// clean removes what was written, and says what could not be.
func (p *probe) clean(ctx context.Context) {
	left := 0
	if p.tagged {
		p.remove(ctx, "manifests", p.tag) // where a tag goes with its manifest this is refused
	}
	for _, d := range slices.Backward(p.manifests) {
		if !p.remove(ctx, "manifests", d.String()).is(http.StatusAccepted, http.StatusOK, http.StatusNoContent) {
			left++
		}
	}
	for _, desc := range p.blobs {
		if !p.remove(ctx, "blobs", desc.Digest.String()).is(http.StatusAccepted, http.StatusOK, http.StatusNoContent) {
			left++
		}
	}
	f := backend.Finding{Feature: "clean-up", Answer: backend.Yes, Seen: "nothing is left behind"}
	if left > 0 {
		f.Answer, f.Seen = backend.No, fmt.Sprintf("%d small blobs and manifests stay, under the tag %s; the next probe uses them again", left, p.tag)
		f.Means = "delete the tag by hand, or leave it"
	}
	p.tell(f)
}
