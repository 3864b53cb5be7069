package gha

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// errUnlisted says that the service itself neither lists nor deletes anything.
var errUnlisted = fmt.Errorf("%w: entries are listed and deleted by GitHub's REST API; give the cache the attributes repository and ghtoken", backend.ErrCannotDelete)

// Store is the branch that is written, and the repository where that is known; see backend.Keeper. A location is no backend.Sweeper: layers of a branch are
// read by other branches, whose caches this token may not see, and GitHub removes by itself what nobody reads.
func (l *Location) Store() string {
	where := l.host()
	if l.repository != "" {
		where += " " + l.repository
	}
	return "gha " + where + " " + l.branches[0]
}

// Label is the scope.
func (l *Location) Label() string { return l.scope }

// Entry is another scope of the branch.
func (l *Location) Entry(name string) config.Cache {
	c := l.cache
	c.Attrs = maps.Clone(c.Attrs)
	if c.Attrs == nil {
		c.Attrs = map[string]string{}
	}
	c.Attrs["scope"] = name
	return c
}

// Names lists the scopes that the branch has caches of.
func (l *Location) Names(ctx context.Context) ([]backend.Name, error) {
	entries, err := l.entries(ctx, "index-")
	if err != nil {
		return nil, err
	}
	modified := map[string]time.Time{}
	for _, e := range entries {
		series, _, numbered := strings.Cut(e.Key, "#")
		scope, ours := strings.CutSuffix(strings.TrimPrefix(series, "index-"), indexKey("", l.branches[0])[len("index-"):])
		if !numbered || !ours || scope == "" {
			continue
		}
		if at, known := modified[scope]; !known || e.Created.After(at) {
			modified[scope] = e.Created
		}
	}
	var names []backend.Name
	for _, scope := range slices.Sorted(maps.Keys(modified)) {
		names = append(names, backend.Name{Name: scope, Modified: modified[scope]})
	}
	return names, nil
}

// Remove deletes the configs of a scope, the newest last. Layers stay: GitHub removes them when nobody reads them.
func (l *Location) Remove(ctx context.Context, name string, root digest.Digest) error {
	series := indexKey(name, l.branches[0])
	unlock, err := l.lock(ctx, series)
	if err != nil {
		return err
	}
	defer unlock()
	cur, err := l.readIndex(ctx, series)
	if err != nil || cur == nil {
		return err
	}
	if cur.root().Digest != root {
		return backend.ErrConflict
	}
	entries, err := l.entries(ctx, series+"#")
	if err != nil {
		return err
	}
	place := func(e listed) int {
		n, _ := number(series, e.Key)
		return n
	}
	slices.SortFunc(entries, func(a, b listed) int { return place(a) - place(b) })
	for _, e := range entries {
		if place(e) > cur.number {
			return backend.ErrConflict
		}
		if err := l.remove(ctx, e); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.newest, series)
	return nil
}

// Discard deletes a layer, so that it can be written anew; see backend.Discarder. One that another branch has written stays.
func (l *Location) Discard(ctx context.Context, desc ocispec.Descriptor) error {
	key := blobKey(desc.Digest)
	entries, err := l.entries(ctx, key)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.EqualFold(e.Key, key) {
			if err := l.remove(ctx, e); err != nil {
				return err
			}
		}
	}
	l.forget()
	e, err := l.exactly(ctx, key)
	if err == nil && e != nil {
		err = fmt.Errorf("%w: %s is an entry of another branch than %s", backend.ErrCannotDelete, key, l.branches[0])
	}
	return err
}

// entries lists the entries of the branch whose keys start with prefix.
func (l *Location) entries(ctx context.Context, prefix string) ([]listed, error) {
	if l.repository == "" {
		return nil, errUnlisted
	}
	var list []listed
	err := l.listed(ctx, l.branches[0], prefix, func(e listed) { list = append(list, e) })
	return list, cannot("list", err)
}

// remove deletes an entry (GitHub REST, "Delete a GitHub Actions cache for a repository (using a cache ID)"). One that is gone is no error.
func (l *Location) remove(ctx context.Context, e listed) error {
	resp, err := l.rest.do(ctx, request{method: http.MethodDelete, url: fmt.Sprintf("%s/%d", l.caches(), e.ID), header: l.restHeader()})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return cannot("delete", err)
	}
	_, err = reply(resp)
	return err
}

// cannot says what a token lacks.
func cannot(do string, err error) error {
	if errors.Is(err, blob.ErrDenied) {
		return fmt.Errorf("%w: ghtoken may not %s the repository's caches, which takes actions: write: %w", backend.ErrCannotDelete, do, err)
	}
	return err
}
