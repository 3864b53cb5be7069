// Package locations opens cache locations: it maps the type of a cache source or destination to the backend that speaks to it, in
// one table. It is apart from package backend because the backends import that.
package locations

import (
	"fmt"
	"maps"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/backend/registry"
)

// Env is what the locations of a run share.
type Env struct {
	Hosts *registry.Hosts
	// Dir is what relative paths are resolved against.
	Dir string
}

// table is the one place a backend is entered.
var table = map[string]func(config.Cache, Env) (backend.Destination, error){
	"registry": func(c config.Cache, env Env) (backend.Destination, error) { return registry.Open(c, env.Hosts) },
	"local":    func(c config.Cache, env Env) (backend.Destination, error) { return local.Open(c, env.Dir) },
}

// OpenSource returns the location a cache-from names.
func OpenSource(c config.Cache, env Env) (backend.Source, error) { return open(c, env) }

// OpenDestination returns the location a cache-to names.
func OpenDestination(c config.Cache, env Env) (backend.Destination, error) { return open(c, env) }

func open(c config.Cache, env Env) (backend.Destination, error) {
	f, ok := table[c.Type]
	if !ok {
		return nil, fmt.Errorf("a cache of type %s can be read and written by BuildKit only", c.Type)
	}
	return f(c, env)
}

// Native returns the entry of a cache that is left to BuildKit, and whether it is: backends that are not in the table, and
// inline, which lives in the image.
func Native(c config.Cache, lookupEnv func(string) (string, bool)) (backend.Native, bool) {
	if _, ok := table[c.Type]; ok {
		return backend.Native{}, false
	}
	attrs := maps.Clone(c.Attrs)
	if attrs == nil {
		attrs = map[string]string{}
	}
	for name, value := range c.FromEnv(lookupEnv) {
		attrs[name] = value
	}
	return backend.Native{Type: c.Type, Attrs: attrs}, true
}
