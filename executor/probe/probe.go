// Package probe looks at the places that a plan reads and writes: what is there, and what would go wrong. It starts no builder and writes nothing. What
// only BuildKit speaks to is not looked at.
package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

const (
	// atOnce is how many places are looked at at the same time; the hosts' own limits apply besides.
	atOnce = 16
	// patience is how long one place may take, tries included.
	patience = 20 * time.Second
)

// Place is what was found where a step reads or writes.
type Place struct {
	// Name is the place for people.
	Name string
	// Digest is the root of what is there, "" for nothing.
	Digest digest.Digest
	// Image is set when that is an image, with a cache in it or not.
	Image bool
	// ConfigBytes and ManifestBytes are the sizes of the cache's config and manifest.
	ConfigBytes, ManifestBytes int
	// Err is why the place could not be read or what is there is not usable; nothing being there is no error.
	Err error
}

// Missing tells whether nothing is there.
func (p *Place) Missing() bool { return p.Err == nil && p.Digest == "" }

// Look reads the sources of import steps and the destinations of export steps, by step. A source that another step of the plan writes first is not there
// to be read yet, and is left out. The error is for ctx alone: what is wrong with a place stands there.
func Look(ctx context.Context, plan *planner.Plan, env locations.Env) (map[planner.StepID]*Place, error) {
	found := map[planner.StepID]*Place{}
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, s := range plan.Steps {
		open := opener(s, env)
		if open == nil {
			continue
		}
		group.Go(func() error {
			p := look(gctx, open)
			mu.Lock()
			defer mu.Unlock()
			found[s.ID] = p
			return gctx.Err()
		})
	}
	_ = group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return found, nil
}

// opener is how to open what a step reads or writes; nil where nothing can be looked at.
func opener(s *planner.Step, env locations.Env) func() (backend.Source, error) {
	switch {
	case s.Import != nil && s.Import.After == "" && !native(s.Import.Source):
		return func() (backend.Source, error) { return locations.OpenSource(s.Import.Source, env) }
	case s.Export != nil && !native(s.Export.Destination):
		return func() (backend.Source, error) { return locations.OpenDestination(s.Export.Destination, env) }
	}
	return nil
}

func native(c config.Cache) bool {
	_, is := locations.Native(c, func(string) (string, bool) { return "", false })
	return is
}

func look(ctx context.Context, open func() (backend.Source, error)) *Place {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	source, err := open()
	if err != nil {
		return &Place{Err: err}
	}
	p := &Place{Name: source.Name()}
	cur, err := source.Read(ctx)
	if errors.Is(err, blob.ErrNotFound) && (cur == nil || cur.Root.Digest == "") {
		return p
	}
	p.Err = err
	if cur == nil {
		return p
	}
	p.Digest, p.Image = cur.Root.Digest, cur.Image
	if cur.Cache != nil {
		p.measure(cur.Cache)
	}
	return p
}

// measure finds how large the cache's documents are when they are written again.
func (p *Place) measure(c *cache.Cache) {
	enc, err := c.Encode(cache.Format{Mode: cache.ModeMax, OCI: true, ImageManifest: true})
	if errors.Is(err, cache.ErrTooLarge) {
		p.ConfigBytes = cache.ImportLimit
		return
	}
	if err == nil {
		p.ConfigBytes, p.ManifestBytes = len(enc.Config), len(enc.Manifest)
	}
}
