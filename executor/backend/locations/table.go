// Package locations opens cache locations: it maps the type of a cache source or destination to the backend that speaks to it, in
// one table. It is apart from package backend because the backends import that.
package locations

import (
	"fmt"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/backend/s3"
)

// Env is what the locations of a run share.
type Env struct {
	Hosts *registry.Hosts
	// Dir is what relative paths are resolved against.
	Dir string
	// Buckets are the object stores that were opened; nil shares none.
	Buckets *bucket.Stores
	// Actions are the services of GitHub Actions that were opened; nil shares none.
	Actions *gha.Services
	// LookupEnv reads the environment for attributes that are not written; nil is no environment.
	LookupEnv func(string) (string, bool)
}

// opener is how a backend's locations are opened.
type opener struct {
	source      func(config.Cache, Env) (backend.Source, error)
	destination func(config.Cache, Env) (backend.Destination, error)
}

// openers is the one place a backend is entered. Types that are not in it are left to BuildKit; see Native.
var openers = map[string]opener{
	"registry": {
		source: func(c config.Cache, env Env) (backend.Source, error) { return registry.OpenSource(c, env.Hosts) },
		destination: func(c config.Cache, env Env) (backend.Destination, error) {
			return registry.OpenDestination(c, env.Hosts)
		},
	},
	"local": {
		source:      func(c config.Cache, env Env) (backend.Source, error) { return local.Open(c, env.Dir) },
		destination: func(c config.Cache, env Env) (backend.Destination, error) { return local.Open(c, env.Dir) },
	},
	"azblob": {
		source:      func(c config.Cache, env Env) (backend.Source, error) { return azblob.Open(c, env.Buckets) },
		destination: func(c config.Cache, env Env) (backend.Destination, error) { return azblob.Open(c, env.Buckets) },
	},
	"gha": {
		source: func(c config.Cache, env Env) (backend.Source, error) {
			return gha.OpenSource(c, env.LookupEnv, env.Actions)
		},
		destination: func(c config.Cache, env Env) (backend.Destination, error) {
			return gha.OpenDestination(c, env.LookupEnv, env.Actions)
		},
	},
	"s3": {
		source:      func(c config.Cache, env Env) (backend.Source, error) { return s3.OpenSource(c, env.Buckets) },
		destination: func(c config.Cache, env Env) (backend.Destination, error) { return s3.OpenDestination(c, env.Buckets) },
	},
}

func table(cacheType string) (opener, bool) {
	o, ok := openers[cacheType]
	return o, ok
}

// OpenSource returns the location a cache-from names.
func OpenSource(c config.Cache, env Env) (backend.Source, error) {
	o, ok := table(c.Type)
	if !ok {
		return nil, onlyBuildKit(c)
	}
	return o.source(env.complete(c), env)
}

// OpenDestination returns the location a cache-to names.
func OpenDestination(c config.Cache, env Env) (backend.Destination, error) {
	o, ok := table(c.Type)
	if !ok {
		return nil, onlyBuildKit(c)
	}
	return o.destination(env.complete(c), env)
}

// complete adds what a cache takes from the environment.
func (env Env) complete(c config.Cache) config.Cache {
	if env.LookupEnv == nil {
		return c
	}
	return c.WithEnv(env.LookupEnv)
}

func onlyBuildKit(c config.Cache) error {
	return fmt.Errorf("a cache of type %s can be read and written by BuildKit only", c.Type)
}

// Native returns the entry of a cache that is left to BuildKit, and whether it is: backends that are not in the table, and
// inline, which lives in the image.
func Native(c config.Cache, lookupEnv func(string) (string, bool)) (backend.Native, bool) {
	if _, ok := table(c.Type); ok {
		return backend.Native{}, false
	}
	return backend.Native{Type: c.Type, Attrs: c.WithEnv(lookupEnv).Attrs}, true
}
