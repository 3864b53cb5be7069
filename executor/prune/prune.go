package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// rounds bounds how often a store is looked at again because somebody else published meanwhile.
const rounds = 8

// Input is a cache that a policy governs.
type Input struct {
	Cache  config.Cache
	Policy *config.Retention
}

// Options says how to prune.
type Options struct {
	Env locations.Env
	// DryRun changes nothing.
	DryRun bool
	// Branches lists the branches there are. It is called when a policy asks for it, once.
	Branches func(context.Context) ([]string, error)
	// Now is the time; nil is time.Now.
	Now func() time.Time
}

// Action is what becomes of a cache.
type Action string

// The actions.
const (
	// Keep leaves a cache as it is.
	Keep Action = "keep"
	// Shrink publishes what stays of it under its name.
	Shrink Action = "shrink"
	// Remove removes its name.
	Remove Action = "remove"
	// Skip leaves alone what cannot be judged: an image, or a cache that is broken.
	Skip Action = "skip"
)

// Cache is what is decided about one cache, and what came of it.
type Cache struct {
	// Name is its name in the store, Policy that of the policy.
	Name, Policy string
	Action       Action
	// Reason is why, for people; "" where the limits say it.
	Reason        string
	Before, After cache.Stats
	// Root is what the name points at: afterwards, if it was shrunk.
	Root ocispec.Descriptor
	// Err is why it could not be done.
	Err error

	dest   backend.Destination
	cur    *backend.Current
	pruned *cache.Cache
	exempt bool
	done   bool
}

// Store is what was done to one store.
type Store struct {
	Name   string
	Caches []*Cache
	// Before and After are the bytes of the distinct blobs of all caches that were looked at.
	Before, After int64
	// Sweep is what became of blobs that nothing needs, nil where the store sees to that itself.
	Sweep *Sweep
	// Err is why the store could not be looked at or swept.
	Err error
}

// Failed tells whether something could not be done.
func (s *Store) Failed() bool {
	return s.Err != nil || slices.ContainsFunc(s.Caches, func(c *Cache) bool { return c.Err != nil })
}

// Run prunes. What fails at one store is in its report and does not keep the others from being pruned; an error is about the inputs or
// the branches, and nothing was changed then.
func Run(ctx context.Context, inputs []Input, opt Options) ([]*Store, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	stores, err := group(inputs, opt.Env)
	if err != nil {
		return nil, err
	}
	branches, err := branchesFor(ctx, inputs, opt)
	if err != nil {
		return nil, err
	}
	var reports []*Store
	for _, s := range stores {
		s.opt, s.branches = opt, branches
		reports = append(reports, s.run(ctx))
		if err := context.Cause(ctx); err != nil {
			return reports, err
		}
	}
	return reports, nil
}

// branchesFor asks for the branches if a policy wants to know them.
func branchesFor(ctx context.Context, inputs []Input, opt Options) (*branchNames, error) {
	if !slices.ContainsFunc(inputs, func(i Input) bool { return i.Policy.Branches }) {
		return nil, nil
	}
	list, err := opt.Branches(ctx)
	if err == nil && len(list) == 0 {
		err = errors.New("git has no branches")
	}
	if err != nil {
		return nil, fmt.Errorf("find out which branches there are: %w", err)
	}
	return newBranchNames(list), nil
}

// store is a store under work.
type store struct {
	name   string
	inputs []input
	opt    Options
	// branches are those there are, nil when nobody asked.
	branches *branchNames
}

// input is a governed cache that was opened.
type input struct {
	Input
	dest backend.Destination
}

// group opens the caches and sorts them by store, in the order of the inputs.
func group(inputs []Input, env locations.Env) ([]*store, error) {
	var stores []*store
	governed := map[string]string{}
	for _, in := range inputs {
		dest, err := locations.OpenDestination(in.Cache, env)
		if err != nil {
			return nil, err
		}
		by, known := governed[dest.Key()]
		if known && by != in.Policy.Name {
			return nil, fmt.Errorf("%s is governed by retention %q and %q; let their targets differ", dest.Name(), by, in.Policy.Name)
		}
		if known {
			continue
		}
		governed[dest.Key()] = in.Policy.Name
		name := dest.Name()
		if k, ok := dest.(backend.Keeper); ok {
			name = k.Store()
		}
		i := slices.IndexFunc(stores, func(s *store) bool { return s.name == name })
		if i < 0 {
			i = len(stores)
			stores = append(stores, &store{name: name})
		}
		stores[i].inputs = append(stores[i].inputs, input{in, dest})
	}
	return stores, nil
}

// run decides and does it, from the start if somebody else publishes meanwhile.
func (s *store) run(ctx context.Context) *Store {
	var first *Store
	done := map[string]*Cache{} // in earlier rounds
	for round := 1; ; round++ {
		report := &Store{Name: s.name}
		if report.Caches, report.Err = s.decide(ctx); report.Err != nil {
			return report
		}
		report.sum()
		if first == nil {
			first = report
		}
		if !s.opt.DryRun {
			err := s.apply(ctx, report.Caches)
			if errors.Is(err, backend.ErrConflict) && round < rounds {
				for _, c := range report.Caches {
					if c.done && done[c.Name] == nil {
						done[c.Name] = c
					}
				}
				continue
			}
		}
		report.Before = first.Before
		report.Caches = joined(report.Caches, done)
		report.Sweep, report.Err = s.sweep(ctx)
		return report
	}
}

// joined is what the last round did, and what earlier ones did to the same caches and others.
func joined(last []*Cache, done map[string]*Cache) []*Cache {
	for _, c := range last {
		d := done[c.Name]
		if d == nil {
			continue
		}
		delete(done, c.Name)
		if d.Action == Shrink {
			c.Before = d.Before
			if c.Action == Keep {
				c.Action = Shrink
			}
		}
	}
	for _, d := range done {
		last = append(last, d)
	}
	slices.SortFunc(last, byName)
	return last
}

// sum counts what there was and what stays.
func (s *Store) sum() {
	var before, after []*cache.Cache
	for _, c := range s.Caches {
		if c.cur == nil || c.cur.Cache == nil {
			continue
		}
		before = append(before, c.cur.Cache)
		if c.Action != Remove {
			after = append(after, c.pruned)
		}
	}
	s.Before, s.After = cache.Bytes(before...), cache.Bytes(after...)
}

// apply does what was decided. What fails is noted at its cache; the error is that somebody else published, which changes everything.
func (s *store) apply(ctx context.Context, caches []*Cache) error {
	for _, c := range caches {
		switch c.Action {
		case Shrink:
			c.Err = s.shrink(ctx, c)
		case Remove:
			c.Err = s.keeper().Remove(ctx, c.Name, c.Root.Digest)
		}
		if errors.Is(c.Err, backend.ErrConflict) {
			return c.Err
		}
		c.done = c.Err == nil && (c.Action == Shrink || c.Action == Remove)
	}
	return nil
}

// shrink publishes what stays in the form that the cache has. The manifest it replaces is deleted where the store does not sweep.
func (s *store) shrink(ctx context.Context, c *Cache) error {
	replaced := c.cur.Root
	root, err := c.dest.Publish(ctx, c.pruned, replaced)
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w; what is lost can be dropped with cachectl verify --repair", err)
	}
	if err != nil {
		return err
	}
	c.Root = root
	if d, ok := c.dest.(backend.RootDeleter); ok {
		if err := d.DeleteRoot(ctx, replaced.Digest); err != nil && !errors.Is(err, backend.ErrCannotDelete) {
			return fmt.Errorf("it was shrunk, but the manifest it had is still there: %w", err)
		}
	}
	return nil
}

// keeper is one of the store's names, for what concerns all of it; nil if the backend cannot list and remove.
func (s *store) keeper() backend.Keeper {
	k, _ := s.inputs[0].dest.(backend.Keeper)
	return k
}

func byName(a, b *Cache) int { return strings.Compare(a.Name, b.Name) }
