package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/spf13/cobra"
)

// subjects are the flags and arguments of verbs that look after caches which exist: those that arguments name, and those that targets of a
// configuration read and write.
type subjects struct {
	files    []string
	vars     []string
	insecure bool
	// everything takes all targets of a configuration when none is named, rather than the default.
	everything bool
}

// subject is one cache to look after.
type subject struct {
	cache config.Cache
	// named says that an argument names it, so that it must be there.
	named bool
	// written says that a target or transfer writes it.
	written bool
	// owners are the targets and transfers that name it.
	owners []string
}

// opened is what a command line names, ready to be used. The caller closes it.
type opened struct {
	*places
	resolution *config.Resolution // nil without a configuration
	subjects   []subject
}

func (p *subjects) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&p.files, "file", "f", nil, "configuration file, repeatable; its registry blocks say how to reach a host")
	f.StringArrayVar(&p.vars, "var", nil, "set a variable of the configuration: NAME=VALUE, repeatable")
	f.BoolVar(&p.insecure, "insecure", false, "allow plain HTTP and do not verify certificates, for caches that arguments name")
}

// isCacheArgument tells caches from targets: a target's name has none of these characters. Without -f a directory of that name is a cache, too.
func isCacheArgument(arg string, files []string, dir string) bool {
	return strings.ContainsAny(arg, "/:.=") || (len(files) == 0 && isDirectory(arg, dir))
}

// open loads what the flags name and finds the subjects: those of the arguments, and without any, or with targets among them, those of the
// configuration. What is returned is to be closed, also with an error.
func (p *subjects) open(ctx context.Context, g *globals, args []string) (*opened, error) {
	o := &opened{}
	var targets, named []string
	for _, arg := range args {
		if isCacheArgument(arg, p.files, g.in.Dir) {
			named = append(named, arg)
			continue
		}
		targets = append(targets, arg)
	}
	var registries []*config.Registry
	if len(p.files) > 0 || len(args) == 0 || len(targets) > 0 {
		s := selection{files: p.files, vars: p.vars, everything: p.everything}
		res, err := s.resolve(ctx, g, targets)
		if err != nil {
			return o, err
		}
		o.resolution, registries = res, withoutMirrors(res.Registries)
	}
	var err error
	if o.places, err = newPlaces(ctx, g, registries); err != nil {
		return o, err
	}
	for _, arg := range named {
		c, err := o.checked(arg, p.insecure, schema.From)
		if err != nil {
			return o, err
		}
		o.subjects = append(o.subjects, subject{cache: c, named: true, written: true})
	}
	if o.resolution != nil && (len(targets) > 0 || len(args) == 0) {
		o.subjects = append(o.subjects, subjectsOf(o.resolution)...)
	}
	return o, nil
}

// subjectsOf lists the caches of a configuration, each once, in its order.
func subjectsOf(res *config.Resolution) []subject {
	var list []subject
	at := map[string]int{}
	add := func(c config.Cache, owner string, written bool) {
		key := subjectKey(c)
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, subject{cache: c})
		}
		if written && !list[i].written {
			list[i].cache, list[i].written = c, true
		}
		if !slices.Contains(list[i].owners, owner) {
			list[i].owners = append(list[i].owners, owner)
		}
	}
	each := func(owner string, from, to []config.Cache) {
		for _, c := range eachName(to) {
			add(c, owner, true)
		}
		for _, c := range eachName(from) {
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

// eachName takes caches apart that have several names in an object store.
func eachName(list []config.Cache) []config.Cache {
	var out []config.Cache
	for _, c := range list {
		if names := c.Names(); len(names) > 1 {
			for _, n := range names {
				out = append(out, c.Named(n))
			}
			continue
		}
		out = append(out, c)
	}
	return out
}

// subjectKey is equal for two entries that are written alike and name the same cache.
func subjectKey(c config.Cache) string {
	key := []string{c.Name()}
	for _, attr := range []string{"digest", "name", "scope", "bucket", "container", "prefix", "manifests_prefix", "endpoint_url", "account_url", "account_name", "url", "url_v2"} {
		key = append(key, c.String(attr))
	}
	return strings.Join(key, "\n")
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
