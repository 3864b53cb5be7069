package executor

import (
	"log/slog"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/planner"
)

// Check says how it is found whether a destination still has what was published there.
type Check string

// The checks. All of them need the fingerprint of the target's newest build to stand at every destination.
const (
	// CheckOff does not look: every target is built.
	CheckOff Check = ""
	// CheckNone takes the fingerprint's word, in one request for each destination.
	CheckNone Check = "none"
	// CheckManifest looks at the manifest besides: it must be one that BuildKit imports. It needs no request more.
	CheckManifest Check = "manifest"
	// CheckBlobs looks for the config and every layer.
	CheckBlobs Check = "blobs"
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
	// Check says how targets that are up to date are found; CheckOff builds every target.
	Check Check
	// Prints are fingerprints that were computed immediately before; those that are missing are computed.
	Prints map[planner.StepID]*fingerprint.Fingerprint
	// MaxAge is how old a build may be and still be up to date; 0 is no limit.
	MaxAge time.Duration
	// CacheDir is where digests of files and manifests of base images are remembered between runs; "" is the user's cache directory.
	CacheDir string
	// Events is told what happens; nil drops it.
	Events Events
	// Logger takes what is of use when something is wrong; nil drops it.
	Logger *slog.Logger
	// LookupEnv reads the environment; nil reads the process's.
	LookupEnv func(string) (string, bool)
}
