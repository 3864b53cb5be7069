package gha

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Location is a cache in the service: a backend.Source, or a backend.Destination.
type Location struct {
	*service
	cache config.Cache
	scope string
	// branches are the branches and pull requests whose caches are read, in the service's order: all for a source, the one that is written for a
	// destination.
	branches []string
	format   cache.Format
	timeout  string
	// broken is why nothing can be read.
	broken error
}

// OpenSource returns the location of a cache-from. lookupEnv reads the environment of a job, nil is none; nil services share nothing. Without a cache service to ask, as on a developer's machine, it is a source that cannot be
// read.
func OpenSource(c config.Cache, lookupEnv func(string) (string, bool), services *Services) (*Location, error) {
	l, err := open(c, lookupEnv, services)
	if errors.Is(err, errNoService) {
		return &Location{scope: c.String("scope"), broken: err}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, s := range l.scopes {
		l.branches = append(l.branches, s.Scope)
	}
	return l, nil
}

// OpenDestination returns the location of a cache-to; see OpenSource. The error wraps backend.ErrElsewhere outside of a job, and blob.ErrDenied
// when the token may not write.
func OpenDestination(c config.Cache, lookupEnv func(string) (string, bool), services *Services) (*Location, error) {
	l, err := open(c, lookupEnv, services)
	if err != nil {
		return nil, err
	}
	branch, ok := l.writeScope()
	if !ok {
		return nil, fmt.Errorf("the token may write to no branch: %w; jobs of pull requests from forks can only read", blob.ErrDenied)
	}
	l.branches = []string{branch}
	return l, nil
}

func open(c config.Cache, lookupEnv func(string) (string, bool), services *Services) (*Location, error) {
	set, err := read(c, lookupEnv)
	if err != nil {
		return nil, err
	}
	if services == nil {
		services = NewServices(Options{})
	}
	sv, err := services.service(set)
	if err != nil {
		return nil, err
	}
	l := &Location{service: sv, cache: c, scope: c.String("scope"), timeout: c.Attrs["timeout"]}
	l.format = cache.Format{Mode: cache.Mode(c.String("mode")), SelfDescribed: true}
	return l, nil
}

// Name is "gha" and the cache's scope.
func (l *Location) Name() string { return "gha " + l.scope }

// Host is the service.
func (l *Location) Host() string {
	if l.broken != nil {
		return "gha"
	}
	return "gha " + l.host()
}

// Key is the service and the key of the configs; outside of a job, where there is neither, the scope.
func (l *Location) Key() string {
	if len(l.branches) == 0 {
		return l.Name()
	}
	return "gha " + l.url + " " + indexKey(l.scope, l.branches[0])
}

// Format says how caches are written here.
func (l *Location) Format() cache.Format { return l.format }

// Blobs is the service.
func (l *Location) Blobs() blob.Pusher { return l.service }

// Forget forgets which layers are there; Missing looks anew then.
func (l *Location) Forget() {
	if l.broken == nil {
		l.forget()
	}
}

// Read returns what the branches hold, joined. A branch whose config is damaged is left out as long as another has one. The root is that of the
// first branch that holds something.
func (l *Location) Read(ctx context.Context) (*backend.Current, error) {
	if l.broken != nil {
		return nil, l.broken
	}
	found := make([]*index, len(l.branches))
	group, gctx := errgroup.WithContext(ctx)
	for i, branch := range l.branches {
		group.Go(func() (err error) {
			found[i], err = l.readIndex(gctx, indexKey(l.scope, branch))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return l.join(found)
}

// join decodes configs and merges them.
func (l *Location) join(found []*index) (*backend.Current, error) {
	var cur *backend.Current
	var caches []*cache.Cache
	var damaged error
	for _, x := range found {
		if x == nil {
			continue
		}
		if cur == nil {
			cur = &backend.Current{Root: x.root(), Blobs: l.service}
		}
		c, err := x.decode()
		if err != nil {
			damaged = fmt.Errorf("%s: %w", x.key, err)
			continue
		}
		caches = append(caches, c)
	}
	switch {
	case cur == nil:
		return nil, fmt.Errorf("cache %q: %w", l.scope, blob.ErrNotFound)
	case len(caches) == 0:
		return cur, damaged
	}
	cur.Cache = cache.Merge(caches...)
	if len(found) == 1 { // what one branch's note says need not be true of several
		cur.Note = cache.Note(found[0].raw)
	}
	return cur, nil
}

// Native hands BuildKit the service and the scope. BuildKit reads the newest configs of all branches itself: it cannot be told which.
func (l *Location) Native(*backend.Current) backend.Native {
	attrs := map[string]string{"scope": l.scope, "token": l.token, "version": "1", "url": l.url}
	if l.v2 {
		attrs = map[string]string{"scope": l.scope, "token": l.token, "version": "2", "url_v2": l.url}
	}
	if l.timeout != "" {
		attrs["timeout"] = l.timeout
	}
	return backend.Native{Type: "gha", Attrs: attrs}
}

// ImportsLossy says that BuildKit looks for layers before it counts on them (cache/remotecache/gha, ciProvider.Info): see backend.Lossy.
func (l *Location) ImportsLossy() {}

// Missing returns the layers that are not there or have another size.
func (l *Location) Missing(ctx context.Context, cur *backend.Current) ([]ocispec.Descriptor, error) {
	var mu sync.Mutex
	var missing []ocispec.Descriptor
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(requestsAtOnce)
	for _, layer := range cur.Cache.Layers() {
		group.Go(func() error {
			has, err := l.Has(gctx, layer.Descriptor)
			if err != nil || has {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			missing = append(missing, layer.Descriptor)
			return nil
		})
	}
	return missing, group.Wait()
}

// Check asks for the config's key, which tells whether the token is taken. Nothing is written: what is reserved cannot be given back.
func (l *Location) Check(ctx context.Context) error {
	_, err := l.like(ctx, indexKey(l.scope, l.branches[0])+"#")
	return err
}

// Publish makes c the newest config; see backend.Destination.
func (l *Location) Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error) {
	enc, err := c.Encode(l.format)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := l.publish(ctx, indexKey(l.scope, l.branches[0]), enc.Config, replaces); err != nil {
		return ocispec.Descriptor{}, err
	}
	return enc.ManifestDesc, nil
}
