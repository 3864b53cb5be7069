package config

import (
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// includeDepth is how many files may include each other in a row.
const includeDepth = 20

// withIncluded parses files and puts those that they include before them. trail are the files that are being included, outermost first.
func (c *Config) withIncluded(files []*file, trail []string) ([]*file, hcl.Diagnostics) {
	var out []*file
	var diags hcl.Diagnostics
	for _, f := range files {
		if d := f.parse(c.sources); d.HasErrors() {
			diags = append(diags, d...)
			continue
		}
		for _, b := range f.includes() {
			included, d := c.included(f, b, append(slices.Clone(trail), f.name))
			diags = append(diags, d...)
			out = append(out, included...)
		}
		out = append(out, f)
	}
	return out, diags
}

// includes are the include blocks of a parsed file.
func (f *file) includes() []*block {
	blocks, _, _ := blocksOf(f) // what is wrong with them is told when they are read
	return slices.DeleteFunc(blocks, func(b *block) bool { return b.kind != "include" })
}

func (c *Config) included(f *file, b *block, trail []string) ([]*file, hcl.Diagnostics) {
	if len(trail) > includeDepth {
		return nil, hcl.Diagnostics{errorf(&b.def, "Includes too deep", "Files include each other more than %d deep here, beginning with %s.", includeDepth, trail[0])}
	}
	if d := fetchedTakesNothing(b.def); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	pattern := rebase(fileDir(f.name), b.label)
	paths, err := filepath.Glob(under(c.opt.Dir, pattern))
	if err != nil {
		return nil, hcl.Diagnostics{errorf(&b.def, "Invalid path", "%q is not a path or a pattern: %v.", b.label, err)}
	}
	if len(paths) == 0 {
		return nil, hcl.Diagnostics{errorf(&b.def, "Missing file", "There is no file %s, seen from %s.", b.label, f.name)}
	}
	var files []*file
	for _, path := range paths {
		name := path
		if rel, err := filepath.Rel(c.opt.Dir, path); err == nil && !filepath.IsAbs(b.label) {
			name = rel
		}
		if slices.Contains(trail, name) {
			return nil, hcl.Diagnostics{errorf(&b.def, "Include cycle", "%s includes itself through this.", name)}
		}
		read, err := regularFile(name, c.opt)
		if err != nil {
			return nil, hcl.Diagnostics{errorf(&b.def, "Unreadable file", "%s cannot be read: %v.", name, err)}
		}
		files = append(files, read)
	}
	return c.withIncluded(files, trail)
}
