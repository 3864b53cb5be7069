package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Config is an evaluated configuration.
type Config struct {
	opt     Options
	sources map[string]*hcl.File
	fetched *fetched
	access  *access
	eval    *evaluator
	// varNames are the variables of the configuration and of what it imports.
	varNames []string
	strict   bool
	complete bool
	// importing are the files that import this configuration, outermost first.
	importing []string
	// relativeToFiles makes contexts relative to the files that name them.
	relativeToFiles bool
	targets         map[string]*target
	order           []string // targets in the order of the files
	groups          map[string]*groupBlock
	groupOrder      []string
	// groupBlocks are the blocks that declare groups, by name.
	groupBlocks map[string][]*targetBlock
	transfers   map[string]*Transfer
	builders    map[string]*Builder
	registries  map[string]*Registry
	schedules   map[string]*Schedule
	retentions  map[string]*Retention
}

func newConfig(opt Options, importing []string) *Config {
	return &Config{
		opt: opt, importing: importing, sources: map[string]*hcl.File{}, targets: map[string]*target{}, groups: map[string]*groupBlock{}, groupBlocks: map[string][]*targetBlock{},
		transfers: map[string]*Transfer{}, builders: map[string]*Builder{}, registries: map[string]*Registry{}, schedules: map[string]*Schedule{},
		retentions: map[string]*Retention{},
	}
}

// Complete tells whether everything could be evaluated. It is, beside its errors, when names that do not exist are all that is wrong: then what
// else is wrong can be told at the same time. A Config that came with errors is for nothing else.
func (c *Config) Complete() bool { return c.complete }

// Sources are the files as they were parsed, for showing diagnostics.
func (c *Config) Sources() map[string]*hcl.File { return c.sources }

// relative makes a path relative to the directory absolute.
func (c *Config) relative(path string) string {
	if path == "" {
		return ""
	}
	return under(c.opt.Dir, path)
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
