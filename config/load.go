package config

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Load reads and evaluates the files. All problems are reported, sorted by place; among them warnings, which do not stop anything. With
// errors the Config holds the sources, for showing them, and may be Complete.
func Load(ctx context.Context, opt Options) (*Config, hcl.Diagnostics) {
	return load(ctx, opt, nil)
}

// load is Load for a configuration that is imported by those of importing, outermost first.
func load(ctx context.Context, opt Options, importing []string) (*Config, hcl.Diagnostics) {
	c := newConfig(opt.completed(), importing)
	files, diags := c.collect(ctx)
	if diags.HasErrors() {
		return nil, diags
	}
	composed, files, d := c.readCompose(ctx, files)
	diags = append(diags, d...)
	files, d = c.withIncluded(files, nil)
	if diags = append(diags, d...); diags.HasErrors() {
		return c.failed(diags)
	}
	c.strict = slices.ContainsFunc(files, func(f *file) bool { return f.strict })
	diags = append(diags, c.evaluate(ctx, composed, files)...)
	if !namesOnly(diags) {
		return c.failed(diags)
	}
	c.complete = true
	return c, sorted(diags)
}

// collect reads the files that were asked for, and what decides how they are taken.
func (c *Config) collect(ctx context.Context) ([]*file, hcl.Diagnostics) {
	files, from, diags := gather(ctx, c.opt)
	c.fetched = from
	allowed, d := parseAccess(c.opt)
	c.access, diags = allowed, append(diags, d...)
	relative, d := relativeToFiles(c.opt.LookupEnv)
	c.relativeToFiles = relative
	return files, append(diags, d...)
}

// evaluate finds the values of all blocks. What is declared is known before anything is evaluated, so that blocks may refer to each other in any order.
func (c *Config) evaluate(ctx context.Context, composed []*composeTarget, files []*file) hcl.Diagnostics {
	blocks, globals, diags := contentOf(files)
	c.eval = c.newEvaluator(globals)
	diags = append(diags, c.eval.set(c.opt.Vars)...)
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

// contentOf joins what the files declare: blocks in their order, and globals, of which the last of a name counts.
func contentOf(files []*file) ([]*block, map[string]*hcl.Attribute, hcl.Diagnostics) {
	var blocks []*block
	var diags hcl.Diagnostics
	globals := map[string]*hcl.Attribute{}
	for _, f := range files {
		found, attrs, d := blocksOf(f)
		blocks, diags = append(blocks, found...), append(diags, d...)
		maps.Copy(globals, attrs)
	}
	return blocks, globals, diags
}

// failed returns a Config that has nothing but sources, for showing the diagnostics.
func (c *Config) failed(diags hcl.Diagnostics) (*Config, hcl.Diagnostics) {
	return &Config{opt: c.opt, sources: c.sources}, sorted(diags)
}

// namesOnly tells whether all errors are about names that do not exist.
func namesOnly(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Summary != "Unknown attribute" && d.Summary != "Unknown block" {
			return false
		}
	}
	return true
}
