package config

import (
	"context"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config/function"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Options says what to load, and from what surroundings.
type Options struct {
	// Files are paths of files, merged in this order; "-" is standard input. None means the files that lie in Dir: cache.hcl, else Bake's.
	Files []string
	// Source is the address of a git repository, or of a file, that holds the configuration; Files are names in there then, and of this machine when they
	// start with cwd://. Addresses can also stand among Files.
	Source string
	// CommandContext is BAKE_CMD_CONTEXT; "" is the working directory.
	CommandContext string
	// Allow names what a configuration that was fetched may touch of this machine: fs.read=PATH, fs.write=PATH, fs=PATH, ssh, network.host, …
	Allow []string
	// Stdin is what "-" reads; nil is the process's.
	Stdin io.Reader
	// StdinName is what diagnostics call what "-" reads, and what tells a file of ours from one of Bake's; "" is <stdin>.
	StdinName string
	// Vars are "NAME=value" settings of variables; they win over the environment.
	Vars []string
	// LookupEnv reads the environment; nil reads the process's.
	LookupEnv func(string) (string, bool)
	// Dir is the directory that paths are relative to; "" is the working directory.
	Dir string
}

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

// target is a target before inheritance, possibly written in several places.
type target struct {
	name     string
	def      hcl.Range
	blocks   []*targetBlock
	inherits []string
	attrs    attributes
	// base is the directory that the context is relative to when none is named.
	base string
}

// targetBlock is one block of a target with the matrix values it is evaluated with.
type targetBlock struct {
	block  *block
	locals map[string]cty.Value
}

type groupBlock struct {
	name, description string
	targets           []string
	def               hcl.Range
}

// Complete tells whether everything could be evaluated. It is, beside its errors, when names that do not exist are all that is wrong: then what
// else is wrong can be told at the same time. A Config that came with errors is for nothing else.
func (c *Config) Complete() bool { return c.complete }

// namesOnly tells whether all errors are about names that do not exist.
func namesOnly(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Summary != "Unknown attribute" && d.Summary != "Unknown block" {
			return false
		}
	}
	return true
}

// Load reads and evaluates the files. All problems are reported, sorted by place; among them warnings, which do not stop anything. With
// errors the Config holds the sources, for showing them, and may be Complete.
func Load(ctx context.Context, opt Options) (*Config, hcl.Diagnostics) {
	return load(ctx, opt, nil)
}

// load is Load for a configuration that is imported by those of importing, outermost first.
func load(ctx context.Context, opt Options, importing []string) (*Config, hcl.Diagnostics) {
	if opt.LookupEnv == nil {
		opt.LookupEnv = os.LookupEnv
	}
	if opt.Dir == "" {
		opt.Dir, _ = os.Getwd()
	}
	c := &Config{
		opt: opt, importing: importing, sources: map[string]*hcl.File{}, targets: map[string]*target{}, groups: map[string]*groupBlock{}, groupBlocks: map[string][]*targetBlock{},
		transfers: map[string]*Transfer{}, builders: map[string]*Builder{}, registries: map[string]*Registry{}, schedules: map[string]*Schedule{},
		retentions: map[string]*Retention{},
	}
	files, from, diags := gather(ctx, opt)
	c.fetched = from
	allowed, d := parseAccess(opt)
	c.access, diags = allowed, append(diags, d...)
	relative, d := relativeToFiles(opt.LookupEnv)
	if diags = append(diags, d...); diags.HasErrors() {
		return nil, diags
	}
	c.relativeToFiles = relative
	composed, files, d := c.readCompose(ctx, files)
	diags = append(diags, d...)
	files, d = c.withIncluded(files, nil)
	if diags = append(diags, d...); diags.HasErrors() {
		return c.failed(diags)
	}
	c.strict = slices.ContainsFunc(files, func(f *file) bool { return f.strict })
	diags = append(diags, c.read(ctx, composed, files)...)
	if !namesOnly(diags) {
		return c.failed(diags)
	}
	c.complete = true
	return c, sorted(diags)
}

// failed returns a Config that has nothing but sources, for showing the diagnostics.
func (c *Config) failed(diags hcl.Diagnostics) (*Config, hcl.Diagnostics) {
	return &Config{opt: c.opt, sources: c.sources}, sorted(diags)
}

// Sources are the files as they were parsed, for showing diagnostics.
func (c *Config) Sources() map[string]*hcl.File { return c.sources }

// read evaluates all blocks.
func (c *Config) read(ctx context.Context, composed []*composeTarget, files []*file) hcl.Diagnostics {
	var diags hcl.Diagnostics
	var blocks []*block
	globals := map[string]*hcl.Attribute{}
	for _, f := range files {
		found, attrs, d := blocksOf(f)
		diags = append(diags, d...)
		blocks = append(blocks, found...)
		for name, a := range attrs {
			globals[name] = a
		}
	}
	c.eval = &evaluator{
		opt: c.opt, variables: map[string]*variableBlock{}, globals: globals, values: c.builtins(), vars: map[string]string{}, declared: map[string]bool{},
		functions: marking(function.Library(function.Options{Env: c.opt.LookupEnv, FS: c.guard(c.files()), Dir: c.gitDir()})),
	}
	for _, v := range c.opt.Vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			diags = append(diags, errorf(nil, "Invalid --var", "--var %s is not NAME=value.", v))
			continue
		}
		c.eval.vars[name] = value
	}
	diags = append(diags, c.readDeclarations(blocks)...)
	if diags.HasErrors() {
		return diags
	}
	diags = append(diags, c.checkVariables()...)
	c.addCompose(composed)
	diags = append(diags, c.readImports(ctx, blocks)...)
	diags = append(diags, c.declareGroups(blocks)...)
	diags = append(diags, c.declareTargets(blocks)...)
	c.eval.blocks = c
	diags = append(diags, c.checkGlobals()...)
	diags = append(diags, c.readGroups()...)
	diags = append(diags, c.readTargets()...)
	diags = append(diags, c.readOwn(blocks)...)
	diags = append(diags, c.readSchedules(blocks)...)
	return append(diags, c.unknownVars()...)
}

// unknownVars warns of settings that no variable takes: Bake passes over them, and a misspelt one looks as if it had been taken.
func (c *Config) unknownVars() hcl.Diagnostics {
	for name := range c.eval.variables {
		c.varNames = append(c.varNames, name)
	}
	if len(c.importing) > 0 {
		return nil
	}
	slices.Sort(c.varNames)
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.vars) {
		if slices.Contains(c.varNames, name) || slices.Contains(c.varNames, strings.TrimSuffix(name, "_JSON")) {
			continue
		}
		diags = append(diags, warningf(nil, "Unknown variable", "--var %s=… sets nothing: there is no variable %q.%s", name, name, didYouMean(name, c.varNames)))
	}
	return diags
}

// files are what file functions may read: what lies in and below the directory.
func (c *Config) files() fs.FS {
	root, err := os.OpenRoot(c.opt.Dir)
	if err != nil {
		return nil
	}
	return root.FS()
}

// builtins are the variables that exist without being declared.
func (c *Config) builtins() map[string]cty.Value {
	context := c.opt.CommandContext
	if context == "" {
		context = cwd
	}
	return map[string]cty.Value{
		"BAKE_CMD_CONTEXT":    cty.StringVal(context),
		"BAKE_LOCAL_PLATFORM": cty.StringVal(runtime.GOOS + "/" + runtime.GOARCH),
	}
}

// checkVariables evaluates and validates every variable, used or not.
func (c *Config) checkVariables() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.variables) {
		v := c.eval.variables[name]
		_, d := c.eval.lookup(name, &v.at)
		diags = append(diags, d...)
		if !d.HasErrors() {
			diags = append(diags, c.eval.validate(v)...)
		}
	}
	return diags
}

// checkGlobals evaluates every global, used or not.
func (c *Config) checkGlobals() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.globals) {
		at := c.eval.globals[name].NameRange
		_, d := c.eval.lookup(name, &at)
		diags = append(diags, d...)
	}
	return diags
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// declareGroups enters the groups by name.
func (c *Config) declareGroups(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		if b.kind != "group" {
			continue
		}
		if !targetName.MatchString(b.label) {
			diags = append(diags, errorf(&b.def, "Invalid group name", "%q is not a name for a group: only letters, digits, _ and - are allowed.", b.label))
			continue
		}
		for _, name := range []string{"matrix", "name"} {
			if a := b.attrs[name]; a != nil {
				diags = append(diags, errorf(&a.NameRange, "No matrix for groups", "A group has no %s. Give the target one: its name is then the group of its variants.", name))
				delete(b.attrs, name)
			}
		}
		diags = append(diags, b.unknownNames(&schema.Group)...)
		c.groupBlocks[b.label] = append(c.groupBlocks[b.label], &targetBlock{block: b})
		if c.groups[b.label] == nil {
			c.groupOrder = append(c.groupOrder, b.label)
		}
		c.groups[b.label] = &groupBlock{name: b.label, def: b.def}
	}
	return diags
}

// readGroups evaluates the groups; of several with one name the last counts.
func (c *Config) readGroups() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.groupBlocks) {
		g := c.groups[name]
		for _, tb := range c.groupBlocks[name] {
			values, d := c.attributesOf(tb.block, &schema.Group, nil)
			diags = append(diags, d...)
			if v := values["description"]; v != nil {
				g.description = *v.text
			}
			if v := values["targets"]; v != nil {
				g.targets = v.list
			} else if !d.HasErrors() {
				diags = append(diags, errorf(&tb.block.def, "Missing attribute", "Group %q needs targets.", name))
			}
		}
	}
	return diags
}

// attributesOf evaluates the attributes of a block that its schema knows.
func (c *Config) attributesOf(b *block, kind *schema.Block, locals map[string]cty.Value) (attributes, hcl.Diagnostics) {
	out := attributes{}
	var diags hcl.Diagnostics
	for _, name := range sortedNames(b.attrs) {
		a := b.attribute(kind, name)
		if a == nil || name == "matrix" || name == "name" {
			continue
		}
		at := b.attrs[name].Expr.Range()
		v, marks, d := c.eval.evalMarked(b.attrs[name].Expr, locals)
		diags = append(diags, d...)
		if d.HasErrors() {
			continue
		}
		diags = append(diags, warnImpure(a, marks, at)...)
		decoded, d := decode(a, v, at, elementRanges(b.attrs[name].Expr)...)
		diags = append(diags, d...)
		if decoded != nil {
			out[name] = decoded
		}
	}
	return out, diags
}

// relative makes a path relative to the directory absolute.
func (c *Config) relative(path string) string {
	if path == "" {
		return ""
	}
	return under(c.opt.Dir, path)
}
