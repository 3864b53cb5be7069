package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/spf13/cobra"
)

// places are the flags and arguments of verbs that look after caches which exist: those that arguments name, and those that targets of a
// configuration read and write.
type places struct {
	files    []string
	vars     []string
	insecure bool
	// everything takes all targets of a configuration when none is named, rather than the default.
	everything bool
}

// place is one cache to look after.
type place struct {
	cache config.Cache
	// named says that an argument names it, so that it must be there.
	named bool
	// written says that a target or transfer writes it.
	written bool
	// owners are the targets and transfers that name it.
	owners []string
}

// opened is what the places of a command line are, ready to be used. The caller closes it.
type opened struct {
	env        locations.Env
	resolution *config.Resolution // nil without a configuration
	places     []place
	close      func()
}

func (p *places) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&p.files, "file", "f", nil, "configuration file, repeatable; its registry blocks say how to reach a host")
	f.StringArrayVar(&p.vars, "var", nil, "set a variable of the configuration: NAME=VALUE, repeatable")
	f.BoolVar(&p.insecure, "insecure", false, "allow plain HTTP and do not verify certificates, for caches that arguments name")
}

// isCacheArgument tells caches from targets: a target's name has none of these characters. Without -f every argument is a cache.
func (p *places) isCacheArgument(arg string) bool {
	return len(p.files) == 0 || strings.ContainsAny(arg, "/:.=")
}

// open loads what the flags name and finds the places: those of the arguments, and without any, or with targets among them, those of the
// configuration.
func (p *places) open(ctx context.Context, g *globals, args []string) (*opened, error) {
	o := &opened{env: locations.Env{Dir: g.in.Dir}, close: func() {}}
	var targets []string
	for _, arg := range args {
		if p.isCacheArgument(arg) {
			o.places = append(o.places, place{cache: cacheArgument(arg, g.in.Dir, p.insecure), named: true, written: true})
			continue
		}
		targets = append(targets, arg)
	}
	var registries []*config.Registry
	if len(p.files) > 0 || len(args) == 0 {
		s := selection{files: p.files, vars: p.vars, everything: p.everything}
		res, err := s.resolve(ctx, g, targets)
		if err != nil {
			return o, err
		}
		o.resolution, registries = res, withoutMirrors(res.Registries)
		if len(targets) > 0 || len(args) == 0 {
			o.places = append(o.places, placesOf(res)...)
		}
	}
	hosts, err := registry.NewHosts(registry.HostsOptions{Registries: registries, Dir: g.in.Dir})
	if err != nil {
		return o, err
	}
	o.env.Hosts = hosts
	servers, err := g.serveEmbedded(ctx, registries, "", slog.New(slog.DiscardHandler))
	o.close = func() {
		hosts.Close() // before the registry, which waits for what is open
		servers.close()
	}
	return o, err
}

// placesOf lists the caches of a configuration, each once, in its order.
func placesOf(res *config.Resolution) []place {
	var list []place
	at := map[string]int{}
	add := func(c config.Cache, owner string, written bool) {
		key := fmt.Sprintf("%s %s", c.Name(), c.String("digest"))
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, place{cache: c})
		}
		if written && !list[i].written {
			list[i].cache, list[i].written = c, true
		}
		if !slices.Contains(list[i].owners, owner) {
			list[i].owners = append(list[i].owners, owner)
		}
	}
	each := func(owner string, from, to []config.Cache) {
		for _, c := range to {
			add(c, owner, true)
		}
		for _, c := range from {
			add(c, owner, false)
		}
	}
	for _, t := range res.Targets {
		each(t.Name, t.CacheFrom, t.CacheTo)
	}
	for _, t := range res.Transfers {
		each(t.Name, t.CacheFrom, t.CacheTo)
	}
	return list
}

// withoutMirrors are the blocks with which every host is asked itself: what a mirror has says nothing about what is kept.
func withoutMirrors(blocks []*config.Registry) []*config.Registry {
	out := make([]*config.Registry, len(blocks))
	for i, b := range blocks {
		plain := *b
		plain.Mirrors = nil
		out[i] = &plain
	}
	return out
}
