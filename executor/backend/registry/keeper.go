package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/google/go-containerregistry/pkg/name"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

const (
	// tagsLimit is how large a page of tags may be, in bytes, maxTags how many tags a repository may have, tagsPage how many are asked for at once.
	tagsLimit = 16 << 20
	maxTags   = 100_000
	tagsPage  = 1000
)

// Store is the repository; see backend.Keeper.
func (l *Location) Store() string { return "registry " + l.repo.name.Name() }

// Label is the tag.
func (l *Location) Label() string { return l.ref.Identifier() }

// Entry is another tag of the repository.
func (l *Location) Entry(tag string) config.Cache {
	c := l.entry
	c.Attrs = map[string]string{}
	maps.Copy(c.Attrs, l.entry.Attrs)
	c.Attrs["ref"] = l.repo.name.Name() + ":" + tag
	return c
}

// Names lists the tags (distribution spec, "Listing Tags"). A registry does not tell when they were written, nor what they point at.
func (l *Location) Names(ctx context.Context) ([]backend.Name, error) {
	tags, err := l.repo.listTags(ctx)
	var names []backend.Name
	for _, t := range tags {
		names = append(names, backend.Name{Name: t})
	}
	return names, err
}

// listTags lists the tags of a repository, sorted. One that does not exist has none.
func (r *repository) listTags(ctx context.Context) ([]string, error) {
	var tags []string
	req, err := r.request(ctx, http.MethodGet, nil, "tags", "list")
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = fmt.Sprintf("n=%d", tagsPage)
	for {
		page, next, err := r.tagsPage(req)
		if errors.Is(err, blob.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		tags = append(tags, page...)
		if len(tags) > maxTags {
			return nil, fmt.Errorf("list tags: more than %d", maxTags)
		}
		if next == nil || len(page) == 0 {
			break
		}
		if req, err = http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil); err != nil {
			return nil, err
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// tagsPage reads one page and where the next is, nil for the last.
func (r *repository) tagsPage(req *http.Request) ([]string, *url.URL, error) {
	resp, err := r.do(req, actionPull)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	if err := check(resp, http.StatusOK); err != nil {
		return nil, nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, tagsLimit+1))
	if err != nil {
		return nil, nil, cut(err)
	}
	if len(raw) > tagsLimit {
		return nil, nil, fmt.Errorf("%w: a page of more than %d bytes", cache.ErrInvalid, tagsLimit)
	}
	var doc struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", cache.ErrInvalid, err)
	}
	for _, t := range doc.Tags {
		if _, err := name.NewTag(r.name.Name() + ":" + t); err != nil {
			return nil, nil, fmt.Errorf("%w: %q is no tag", cache.ErrInvalid, wire.Printable(t))
		}
	}
	next, err := nextPage(resp)
	return doc.Tags, next, err
}

// nextPage reads the Link header (RFC 5988) that says where the next page is. It must be at the same host.
func nextPage(resp *http.Response) (*url.URL, error) {
	target, params, ok := strings.Cut(resp.Header.Get("Link"), ">")
	if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(params, `rel="next"`) {
		return nil, nil
	}
	next, err := resp.Request.URL.Parse(target[1:])
	if err != nil {
		return nil, fmt.Errorf("%w: the next page of tags is at %q", cache.ErrInvalid, wire.Printable(target[1:]))
	}
	if next.Host != resp.Request.URL.Host || next.Scheme != resp.Request.URL.Scheme {
		return nil, fmt.Errorf("%w: the next page of tags is at another host, %s", cache.ErrInvalid, wire.Printable(next.Host))
	}
	return next, nil
}

// Remove deletes a tag and, unless another tag points at it too, its manifest. Its layers are left to the registry's garbage collection. Between the look
// at the other tags and the deletion somebody could give the same manifest another tag; a registry has nothing against that.
func (l *Location) Remove(ctx context.Context, tag string, root digest.Digest) error {
	now, err := l.repo.head(ctx, tag)
	switch {
	case err != nil:
		return fmt.Errorf("look at tag: %w", err)
	case now == "":
		return nil
	case now != root:
		return backend.ErrConflict
	}
	err = l.repo.remove(ctx, tag) // distribution spec 1.1; registries that do not know it want the digest
	if err != nil && !errors.Is(err, backend.ErrCannotDelete) {
		return fmt.Errorf("delete tag: %w", err)
	}
	untagged := err == nil
	others, err := l.repo.tagsOf(ctx, root, tag)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		if untagged {
			return nil
		}
		return fmt.Errorf("%w: tag %s points at the same manifest as %s, and the registry deletes manifests only", backend.ErrCannotDelete, tag, strings.Join(others, ", "))
	}
	if err := l.repo.remove(ctx, root.String()); err != nil && (!untagged || !errors.Is(err, backend.ErrCannotDelete)) {
		return fmt.Errorf("delete manifest: %w", err)
	}
	return nil
}

// DeleteRoot deletes a manifest that no tag points at any more; see backend.RootDeleter.
func (l *Location) DeleteRoot(ctx context.Context, root digest.Digest) error {
	others, err := l.repo.tagsOf(ctx, root, "")
	if err != nil || len(others) > 0 {
		return err
	}
	return l.repo.remove(ctx, root.String())
}

// tagsOf lists the tags but one that point at a manifest. What a tag points at is asked once in a run, and again before it counts.
func (r *repository) tagsOf(ctx context.Context, root digest.Digest, but string) ([]string, error) {
	tags, err := r.listTags(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var found []string
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(headsAtOnce)
	for _, t := range tags {
		if known, ok := r.root(t); t == but || (ok && known != root) {
			continue
		}
		group.Go(func() error {
			d, err := r.head(ctx, t)
			if err != nil {
				return fmt.Errorf("look at tag %s: %w", t, err)
			}
			mu.Lock()
			defer mu.Unlock()
			r.noteRoot(t, d)
			if d == root {
				found = append(found, t)
			}
			return nil
		})
	}
	err = group.Wait()
	slices.Sort(found)
	return found, err
}

func (r *repository) root(tag string) (digest.Digest, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.roots[tag]
	return d, ok
}

func (r *repository) noteRoot(tag string, d digest.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roots == nil {
		r.roots = map[string]digest.Digest{}
	}
	r.roots[tag] = d
}

// remove deletes a manifest by tag or digest (distribution spec, "Content Management"). One that is not there is no error.
func (r *repository) remove(ctx context.Context, ref string) error {
	req, err := r.request(ctx, http.MethodDelete, nil, "manifests", ref)
	if err != nil {
		return err
	}
	resp, err := r.do(req, actionDelete)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	switch resp.StatusCode {
	case http.StatusNotFound:
		return nil
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fmt.Errorf("%w: %w; let the registry delete manifests (for distribution: storage.delete.enabled), or remove it by the registry's own means", backend.ErrCannotDelete, check(resp))
	}
	return check(resp, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
}
