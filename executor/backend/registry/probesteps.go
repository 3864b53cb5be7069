package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// upload tells whether a cache can be published at all.
func (p *probe) upload(ctx context.Context) bool {
	raw, desc := p.blob("upload")
	a := p.push(ctx, raw, desc)
	f := backend.Finding{Feature: "upload", Answer: a.verdict(http.StatusCreated), Seen: a.String(), Means: "each layer goes in one request, several at once"}
	if f.Answer != backend.Yes {
		f.Means, f.Err = "caches cannot be published here", fmt.Errorf("a blob cannot be uploaded: %w", a.failure())
	}
	p.tell(f)
	return f.Answer == backend.Yes
}

// failure is the answer as an error.
func (a reply) failure() error {
	if a.err != nil {
		return a.err
	}
	return &StatusError{Status: a.status}
}

// deletion tells whether manifests and blobs can be deleted, on some that are there for nothing else. The registry's own words for what was not
// deleted do not matter then: nobody refers to it.
func (p *probe) deletion(ctx context.Context) {
	enc, err := p.scratch(ctx, "deletion", ocispec.MediaTypeImageLayerGzip, cache.Format{OCI: true, ImageManifest: true})
	if err == nil {
		a := p.manifest(ctx, enc.ManifestDesc.Digest.String(), enc)
		err = a.err
	}
	if err != nil {
		p.tell(backend.Finding{Feature: "delete-manifest", Answer: backend.Unknown, Seen: err.Error()})
		return
	}
	removed := []int{http.StatusAccepted, http.StatusOK, http.StatusNoContent}
	a := p.remove(ctx, "manifests", enc.ManifestDesc.Digest.String())
	if p.deletesManifests = a.is(removed...); p.deletesManifests {
		p.manifests = nil
	}
	p.tell(backend.Finding{Feature: "delete-manifest", Answer: a.verdict(removed...), Seen: a.String(), Means: deletes(p.deletesManifests, "caches")})
	last := p.blobs[len(p.blobs)-1]
	a = p.remove(ctx, "blobs", last.Digest.String())
	if p.deletesBlobs = a.is(removed...); p.deletesBlobs {
		p.blobs = p.blobs[:len(p.blobs)-1]
	}
	p.tell(backend.Finding{Feature: "delete-blob", Answer: a.verdict(removed...), Seen: a.String(), Means: deletes(p.deletesBlobs, "layers")})
}

func deletes(can bool, what string) string {
	if can {
		return what + " can be removed from here"
	}
	return what + " that nobody needs are left to the registry's own retention and garbage collection"
}

// scratch is a cache of one record with one layer, whose blobs are pushed.
func (p *probe) scratch(ctx context.Context, name, mediaType string, f cache.Format) (*cache.Encoded, error) {
	raw, desc := p.blob(name)
	desc.MediaType, desc.Annotations = mediaType, map[string]string{cache.AnnotationUncompressed: desc.Digest.String()}
	cfg, err := json.Marshal(types.CacheConfig{
		Layers:  []types.CacheLayer{{Blob: desc.Digest, ParentIndex: -1}},
		Records: []types.CacheRecord{{Digest: desc.Digest, Results: []types.CacheResult{{CreatedAt: time.Unix(0, 0).UTC()}}}},
	})
	if err != nil {
		return nil, err
	}
	c, err := cache.Decode(cfg, []ocispec.Descriptor{desc})
	if err != nil {
		return nil, err
	}
	enc, err := c.Encode(f)
	if err != nil {
		return nil, err
	}
	if a := p.push(ctx, raw, desc); a.err != nil {
		return nil, a.err
	}
	return enc, p.push(ctx, enc.Config, enc.ConfigDesc).err
}

// chunks uploads a blob in two pieces (distribution spec, "Pushing a blob in chunks").
func (p *probe) chunks(ctx context.Context) {
	raw, desc := p.blob("chunks")
	a := p.ask(p.repo.request(ctx, http.MethodPost, nil, "blobs", "uploads/"))
	half := len(raw) / 2
	for _, piece := range [][2]int{{0, half}, {half, len(raw)}} {
		if a.at == nil {
			break
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPatch, a.at.String(), bytes.NewReader(raw[piece[0]:piece[1]]))
		if err == nil {
			req.Header.Set("Content-Type", "application/octet-stream")
			req.Header.Set("Content-Range", fmt.Sprintf("%d-%d", piece[0], piece[1]-1))
		}
		if a = p.ask(req, err); !a.is(http.StatusAccepted) {
			a.at = nil
		}
	}
	if a.at != nil {
		if a = p.put(ctx, a.at, nil, desc); a.is(http.StatusCreated) {
			p.note(desc)
		}
	}
	p.tell(backend.Finding{
		Feature: "chunked-upload", Answer: a.verdict(http.StatusCreated), Seen: a.String(),
		Means: "not needed: a layer goes in one request, and is sent anew when that breaks off",
	})
}

// ranges reads the end of a blob.
func (p *probe) ranges(ctx context.Context) {
	raw, desc := p.blob("ranges")
	a := p.push(ctx, raw, desc)
	if a.err == nil {
		req, err := p.repo.request(ctx, http.MethodGet, nil, "blobs", desc.Digest.String())
		if err == nil {
			req.Header.Set("Range", "bytes=5-")
		}
		a = p.ask(req, err)
	}
	f := backend.Finding{Feature: "range", Answer: a.verdict(http.StatusPartialContent), Seen: a.String(), Means: "downloads that break off are carried on where they broke off"}
	if f.Answer != backend.Yes {
		f.Means = "downloads that break off begin anew"
	}
	p.tell(f)
}

// mount asks for a blob to be taken over. It is asked within the repository: another one would be left behind, empty, by many registries.
func (p *probe) mount(ctx context.Context) {
	raw, desc := p.blob("mount")
	a := p.push(ctx, raw, desc)
	if a.err == nil {
		req, err := p.repo.request(ctx, http.MethodPost, nil, "blobs", "uploads/")
		if err == nil {
			req.URL.RawQuery = url.Values{"mount": {desc.Digest.String()}, "from": {p.repo.name.RepositoryStr()}}.Encode()
		}
		if a = p.ask(req, err); a.is(http.StatusAccepted) && a.at != nil {
			p.repo.cancel(ctx, a.at)
		}
	}
	f := backend.Finding{
		Feature: "mount", Answer: a.verdict(http.StatusCreated), Seen: a.String() + " (asked within the repository)",
		Means: "layers that another repository here has are not sent, given the right to read it",
	}
	if f.Answer != backend.Yes {
		f.Means = "layers are sent to each repository"
	}
	p.tell(f)
}

// forms tries each way a cache can be written.
func (p *probe) forms(ctx context.Context) {
	for _, form := range []struct {
		feature, layer, yes, no string
		format                  cache.Format
	}{
		{"image-manifest", ocispec.MediaTypeImageLayerGzip, "the default form of a cache works", "caches need image-manifest=false", cache.Format{OCI: true, ImageManifest: true}},
		{"index", ocispec.MediaTypeImageLayerGzip, "image-manifest=false works", "image-manifest=false is refused: leave it out", cache.Format{OCI: true}},
		{"docker-media-types", ocispec.MediaTypeImageLayerGzip, "oci-mediatypes=false works", "oci-mediatypes=false is refused: leave it out", cache.Format{}},
		{"zstd", ocispec.MediaTypeImageLayerZstd, "compression=zstd works", "compression=zstd is refused: use gzip", cache.Format{OCI: true, ImageManifest: true}},
	} {
		enc, err := p.scratch(ctx, form.feature, form.layer, form.format)
		a := reply{err: err}
		if err == nil {
			a = p.manifest(ctx, enc.ManifestDesc.Digest.String(), enc)
		}
		f := backend.Finding{Feature: form.feature, Answer: a.verdict(http.StatusCreated, http.StatusOK, http.StatusAccepted), Seen: a.String(), Means: form.yes}
		if f.Answer == backend.No {
			f.Means = form.no
		}
		p.tell(f)
	}
}

// tags moves a tag from one manifest to another.
func (p *probe) tags(ctx context.Context) {
	f := backend.Finding{Feature: "tag-moves", Answer: backend.Unknown, Means: "a cache is published under the same tag again and again"}
	for _, name := range []string{"first", "second"} {
		enc, err := p.scratch(ctx, name, ocispec.MediaTypeImageLayerGzip, cache.Format{OCI: true, ImageManifest: true})
		if err != nil {
			f.Seen = err.Error()
			break
		}
		a := p.manifest(ctx, p.tag, enc)
		f.Answer, f.Seen = a.verdict(http.StatusCreated, http.StatusOK, http.StatusAccepted), a.String()
		if now, err := p.repo.head(ctx, p.tag); f.Answer == backend.Yes && (err != nil || now != enc.ManifestDesc.Digest) {
			f.Answer, f.Seen = backend.No, a.String()+", and the tag still points elsewhere"
		}
		if f.Answer != backend.Yes {
			break
		}
	}
	if f.Answer == backend.No {
		f.Means = "each publication needs a new tag: put a branch, a commit or a date into it"
	}
	p.tell(f)
}

// conditions tries whether a tag can be moved only from where it was seen (RFC 9110, 13.1.1).
func (p *probe) conditions(ctx context.Context) {
	f := backend.Finding{
		Feature: "conditional-tag", Answer: backend.Unknown, Seen: "no tag to try it on",
		Means: "the tag is looked at before and after it is moved, and caches of others found there are joined",
	}
	enc, err := p.scratch(ctx, "condition", ocispec.MediaTypeImageLayerGzip, cache.Format{OCI: true, ImageManifest: true})
	if err == nil && p.tagged {
		a := p.manifest(ctx, p.tag, enc, "If-Match", `"`+digest.FromString("no manifest").String()+`"`)
		f.Answer, f.Seen = backend.No, a.String()+" to an If-Match that does not match"
		if a.status == http.StatusPreconditionFailed {
			f.Answer = backend.Yes
		} else if a.err != nil {
			f.Answer = backend.Unknown
		}
	}
	p.tell(f)
}

// referrers asks who refers to a manifest (distribution spec, "Listing Referrers").
func (p *probe) referrers(ctx context.Context) {
	a := p.ask(p.repo.request(ctx, http.MethodGet, nil, "referrers", digest.FromString("no manifest").String()))
	f := backend.Finding{Feature: "referrers", Answer: a.verdict(http.StatusOK), Seen: a.String(), Means: "not needed"}
	if f.Answer == backend.Yes && !strings.HasPrefix(a.header.Get("Content-Type"), ocispec.MediaTypeImageIndex) {
		f.Answer, f.Seen = backend.No, f.Seen+" that is no index"
	}
	p.tell(f)
}

// limited tells what the registry has said about how much may be asked.
func (p *probe) limited(context.Context) {
	f := backend.Finding{Feature: "retry-after", Answer: backend.Unknown, Seen: "no answer spoke of limits", Means: "when asked to wait, all steps of a run wait together"}
	if len(p.limits) > 0 {
		f.Answer, f.Seen = backend.Yes, strings.Join(p.limits, ", ")
	}
	p.tell(f)
}
