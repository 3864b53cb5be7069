package executor

import (
	"log/slog"

	"github.com/cachectl/cachectl/config"
)

// Options is what a run needs besides its plan.
type Options struct {
	// Jobs is how many steps run at once; 0 is no limit but the hosts' own.
	Jobs int
	// FailFast stops the run at the first failure instead of finishing what does not depend on it.
	FailFast bool
	// AllSources makes a transfer fail when one of its sources holds no usable cache; else the rest is enough.
	AllSources bool
	// DryRun looks at sources and destinations and reports what would be moved; it writes nothing. It is for plans without builds.
	DryRun bool
	// Builder is what --builder said: a builder block, a buildx builder or an address; "" lets discovery decide.
	Builder string
	// Builders and Registries are the blocks of the configuration.
	Builders   []*config.Builder
	Registries []*config.Registry
	// Dir is the directory relative paths are resolved against, DataDir where an embedded builder keeps its state
	// ("" is the user's data directory), TempDir where layers wait between build and publication ("" is the system's).
	Dir, DataDir, TempDir string
	// Events is told what happens; nil drops it.
	Events Events
	// Logger takes what is of use when something is wrong; nil drops it.
	Logger *slog.Logger
	// LookupEnv reads the environment; nil reads the process's.
	LookupEnv func(string) (string, bool)
}
