package locations

import (
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
)

// Enter enters a backend in the table for the time of a test.
func Enter(t testing.TB, cacheType string, open func(config.Cache) (backend.Destination, error)) {
	openers[cacheType] = opener{
		source:      func(c config.Cache, _ Env) (backend.Source, error) { return open(c) },
		destination: func(c config.Cache, _ Env) (backend.Destination, error) { return open(c) },
	}
	t.Cleanup(func() { delete(openers, cacheType) })
}
