package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/schema"
)

// places opens caches for the verbs that look at them, with no run around.
type places struct {
	g       *globals
	env     locations.Env
	servers *embedded
}

// registryBlocks are the registry blocks of configuration files, none without files.
func registryBlocks(ctx context.Context, g *globals, files []string) ([]*config.Registry, error) {
	if len(files) == 0 {
		return nil, nil
	}
	s := selection{files: files}
	res, err := s.resolve(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	return res.Registries, nil
}

// openPlaces sets up what reaching caches takes: the registry blocks of files, and those registries that are embedded. The caller closes it, also
// with an error.
func openPlaces(ctx context.Context, g *globals, files []string) (*places, error) {
	registries, err := registryBlocks(ctx, g, files)
	if err != nil {
		return nil, err
	}
	return newPlaces(ctx, g, registries)
}

func newPlaces(ctx context.Context, g *globals, registries []*config.Registry) (*places, error) {
	logger, err := g.logger(g.err)
	if err != nil {
		return nil, err
	}
	hosts, err := registry.NewHosts(registry.HostsOptions{Registries: registries, Dir: g.in.Dir, Logger: logger, Turns: executor.Turns(g.in.LookupEnv)})
	if err != nil {
		return nil, err
	}
	p := &places{g: g, env: locations.Env{
		Hosts: hosts, Dir: g.in.Dir, Buckets: &bucket.Stores{}, LookupEnv: g.in.LookupEnv, Actions: gha.NewServices(gha.Options{}),
	}}
	p.servers, err = g.serveEmbedded(ctx, registries, "", slog.New(slog.DiscardHandler))
	return p, err
}

// close ends connections and then the registries, which wait for what is open.
func (p *places) close() {
	if p == nil {
		return
	}
	p.env.Hosts.Close()
	p.env.Actions.Close()
	p.servers.close()
}

// checked reads an argument as a cache of one side and checks its attributes.
func (p *places) checked(arg string, insecure bool, side schema.Side) (config.Cache, error) {
	line := &arguments{g: p.g, insecure: insecure}
	list, err := line.caches([]string{arg}, side)
	if err != nil {
		return config.Cache{}, err
	}
	t := &config.Transfer{CacheFrom: list}
	if side == schema.To {
		t = &config.Transfer{CacheTo: list}
	}
	res := config.NewResolution([]*config.Transfer{t}, nil, p.g.in.LookupEnv)
	p.g.secrets.Add(secrets(res, p.g.in.LookupEnv)...)
	return list[0], p.g.report(res.Validate(), line.files())
}

// source opens the cache that an argument names.
func (p *places) source(arg string, insecure bool) (backend.Source, error) {
	c, err := p.checked(arg, insecure, schema.From)
	if err != nil {
		return nil, err
	}
	src, err := locations.OpenSource(c, p.env)
	if err != nil {
		return nil, usageError{err}
	}
	return src, nil
}

// read reads the cache that an argument names.
func (p *places) read(ctx context.Context, arg string, insecure bool) (backend.Source, *backend.Current, error) {
	src, err := p.source(arg, insecure)
	if err != nil {
		return nil, nil, err
	}
	done := p.g.waiting("read " + src.Name())
	cur, err := src.Read(ctx)
	done()
	if err != nil {
		return src, cur, readError(src, err)
	}
	return src, cur, nil
}

// readError is why a cache that was named could not be read.
func readError(src backend.Source, err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return usageError{fmt.Errorf("%s: there is nothing%s", src.Name(), untagged(src.Name()))}
	}
	return fmt.Errorf("%s: %w", src.Name(), err)
}

// untagged says which tag was looked for, where a reference has none.
func untagged(name string) string {
	ref, ok := strings.CutPrefix(name, "registry ")
	if !ok || strings.ContainsAny(ref[strings.LastIndexByte(ref, '/')+1:], ":@") {
		return ""
	}
	return "; without a tag it is latest that is looked for"
}
