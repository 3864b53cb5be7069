package prune

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"golang.org/x/sync/errgroup"
)

// readsAtOnce is how many caches of a store are read at once.
const readsAtOnce = 8

// decide reads the caches and says what becomes of each, sorted by name.
func (s *store) decide(ctx context.Context) ([]*Cache, error) {
	found, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for _, f := range found {
		group.Go(func() error { return f.read(gctx, s.opt.Env) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var caches []*Cache
	for _, f := range found {
		if f.Action != "" || f.cur != nil { // what is not there (any more) is nothing to decide about
			caches = append(caches, f.Cache)
		}
	}
	slices.SortFunc(caches, byName)
	for _, in := range s.policies() {
		s.judge(in, caches)
	}
	return caches, nil
}

// policies are those that govern something here, each once.
func (s *store) policies() []*config.Retention {
	var list []*config.Retention
	for _, in := range s.inputs {
		if !slices.Contains(list, in.Policy) {
			list = append(list, in.Policy)
		}
	}
	return list
}

// finding is a cache that was found and is still to be read.
type finding struct {
	*Cache
	entry  config.Cache
	policy *config.Retention
}

// find lists the governed caches: those the inputs name, and names of the store that the policies' patterns fit. Of several policies that a name
// fits the first has it.
func (s *store) find(ctx context.Context) ([]*finding, error) {
	var found []*finding
	have := map[string]bool{}
	add := func(name string, entry config.Cache, p *config.Retention) {
		if !have[name] {
			have[name] = true
			found = append(found, &finding{Cache: &Cache{Name: name, Policy: p.Name}, entry: entry, policy: p})
		}
	}
	for _, in := range s.inputs {
		name := in.dest.Name()
		if k, ok := in.dest.(backend.Keeper); ok {
			name = k.Label()
		}
		add(name, in.Cache, in.Policy)
	}
	if !slices.ContainsFunc(s.policies(), func(p *config.Retention) bool { return len(p.Names) > 0 }) {
		return found, nil
	}
	keeper := s.keeper()
	if keeper == nil {
		return nil, fmt.Errorf("names cannot be listed here; leave names out of the policy for %s", s.name)
	}
	names, err := keeper.Names(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		for _, p := range s.policies() {
			if fits(p.Names, n.Name) {
				add(n.Name, keeper.Entry(n.Name), p)
			}
		}
	}
	return found, nil
}

func fits(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}

// read reads a cache and opens it for writing in the form it has. What is no cache, or a broken one, is skipped; what could not be read this time
// is an error: it may hold what others build on.
func (f *finding) read(ctx context.Context, env locations.Env) error {
	dest, err := locations.OpenDestination(f.entry, env)
	if err != nil {
		return err
	}
	cur, err := dest.Read(ctx)
	if cur != nil {
		f.Root = cur.Root
	}
	switch {
	case cur == nil && errors.Is(err, blob.ErrNotFound):
		return nil
	case cur != nil && cur.Image:
		f.Action, f.Reason = Skip, "it is an image"
		return nil
	case cur != nil && broken(err):
		f.Action, f.Reason = Skip, fmt.Sprintf("it is broken, see cachectl verify: %v", err)
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", dest.Name(), err)
	}
	f.cur, f.Before = cur, cur.Cache.Stats()
	f.dest, err = locations.OpenAsIs(f.entry, cur, env)
	return err
}

// broken tells whether an error says that what is there is no usable cache.
func broken(err error) bool {
	return slices.ContainsFunc([]error{cache.ErrInvalid, cache.ErrTooLarge, cache.ErrNotCache, blob.ErrIntegrity, blob.ErrNotFound}, func(e error) bool { return errors.Is(err, e) })
}

// judge applies one policy to its caches.
func (s *store) judge(p *config.Retention, all []*Cache) {
	var set []cache.Subject
	var caches []*Cache
	for _, c := range all {
		if c.Policy != p.Name || c.Action != "" {
			continue
		}
		branch := branchOf(p, c.Name)
		c.exempt = kept(p.Keep, c.Name, branch)
		if p.Branches && branch != "" && !c.exempt && !s.branches.has(branch) {
			c.Action, c.Reason = Remove, fmt.Sprintf("there is no branch %q", branch)
			continue
		}
		caches = append(caches, c)
		set = append(set, cache.Subject{Cache: c.cur.Cache, Keep: c.exempt})
	}
	limits := cache.Limits{Now: s.opt.Now(), MaxAge: p.MaxAge, MaxIdle: p.MaxIdle, MaxBytes: p.MaxSize, MaxResults: p.MaxResults}
	for i, pruned := range limits.Prune(set...) {
		caches[i].pruned, caches[i].After = pruned, pruned.Stats()
		s.settle(caches[i])
	}
}

// settle says what to do about a cache of which the limits leave something, all or nothing.
func (s *store) settle(c *Cache) {
	switch {
	case c.pruned == c.cur.Cache:
		c.Action = Keep
		if c.exempt {
			c.Reason = "it is to be kept"
		}
	case c.After.Results > 0:
		c.Action = Shrink
	case s.keeper() != nil:
		c.Action, c.Reason = Remove, "nothing of it is within the limits"
	default:
		c.Action, c.Reason = Skip, "nothing of it is within the limits, and names cannot be removed here"
		c.pruned, c.After = c.cur.Cache, c.Before
	}
}
