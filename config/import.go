package config

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// importDepth is how many configurations may import each other in a row.
const importDepth = 20

// readImports loads the configurations that import blocks name, and enters what they declare with the namespace before each name.
func (c *Config) readImports(ctx context.Context, blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		if b.kind != schema.Import.Name {
			continue
		}
		if first, ok := seen[b.label]; ok {
			diags = append(diags, duplicate(b, first)...)
			continue
		}
		seen[b.label] = b.def
		diags = append(diags, c.readImport(ctx, b)...)
	}
	return diags
}

func (c *Config) readImport(ctx context.Context, b *block) hcl.Diagnostics {
	diags := b.unknownNames(&schema.Import)
	attrs, d := c.attributesOf(b, &schema.Import, nil)
	if diags = append(diags, d...); diags.HasErrors() {
		return diags
	}
	if !targetName.MatchString(b.label) {
		return append(diags, errorf(&b.def, "Invalid namespace", "%q is not a namespace: only letters, digits, _ and - are allowed.", b.label))
	}
	if attrs["source"] == nil {
		return append(diags, errorf(&b.def, "Missing attribute", "Import %q needs a source: the file, relative to this one.", b.label))
	}
	if d := fetchedTakesNothing(b.def); d != nil {
		return append(diags, d)
	}
	at := attrs["source"].rng
	path := under(c.opt.Dir, rebase(fileDir(b.def.Filename), attrs.text("source")))
	if slices.Contains(c.importing, path) || len(c.importing) >= importDepth {
		return append(diags, errorf(&at, "Import cycle", "%s is imported through itself, or through more than %d others.", attrs.text("source"), importDepth))
	}
	if err := regular(path); err != nil {
		return append(diags, errorf(&at, "Unreadable file", "%s cannot be read: %v.", attrs.text("source"), err))
	}
	opt := c.opt
	opt.Source = "" // the file is of this machine, wherever others come from
	opt.Files, opt.Vars = []string{c.shownPath(path)}, slices.Clone(c.opt.Vars)
	for _, name := range sortedNames(attrs.dict("vars")) {
		if s := attrs.dict("vars")[name]; s != nil {
			opt.Vars = append(opt.Vars, name+"="+*s)
		}
	}
	other, d := load(ctx, opt, append(slices.Clone(c.importing), path))
	if other != nil {
		maps.Copy(c.sources, other.sources)
	}
	if diags = append(diags, d...); d.HasErrors() {
		return diags
	}
	c.adopt(b, other)
	return diags
}

// shownPath is a path relative to the directory where that is shorter.
func (c *Config) shownPath(path string) string {
	if rel, err := filepath.Rel(c.opt.Dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// adopt enters what another configuration declares. Registries and builders have no namespace: those that are here already stay.
func (c *Config) adopt(b *block, other *Config) {
	in := namespace{prefix: b.label + "_", of: other}
	c.varNames = append(c.varNames, other.varNames...)
	for _, name := range other.order {
		c.enter(in.target(other.targets[name]))
	}
	for _, name := range other.groupOrder {
		g := other.groups[name]
		c.groupOrder = append(c.groupOrder, in.name(name))
		c.groups[in.name(name)] = &groupBlock{name: in.name(name), description: g.description, targets: in.names(g.targets), def: g.def}
	}
	for _, name := range sortedNames(other.transfers) {
		t := *other.transfers[name]
		t.Name = in.name(name)
		c.transfers[t.Name] = &t
	}
	for name, r := range other.registries {
		if c.registries[name] == nil {
			c.registries[name] = r
		}
	}
	for name, have := range other.builders {
		if c.builders[name] == nil {
			c.builders[name] = have
		}
	}
}

// enter adds a target that is evaluated already.
func (c *Config) enter(t *target) {
	c.targets[t.name] = t
	c.order = append(c.order, t.name)
}

// namespace renames what a configuration declares, and the references to it.
type namespace struct {
	prefix string
	of     *Config
}

func (n namespace) name(name string) string { return n.prefix + name }

func (n namespace) names(list []string) []string {
	out := make([]string, 0, len(list))
	for _, name := range list {
		out = append(out, n.name(name))
	}
	return out
}

// target is a target under its new name, with contexts relative to its own file.
func (n namespace) target(t *target) *target {
	base := fileDir(t.def.Filename)
	out := &target{name: n.name(t.name), def: t.def, inherits: n.names(t.inherits), attrs: maps.Clone(t.attrs), base: base}
	if v := out.attrs["inherits"]; v != nil {
		out.attrs["inherits"] = &value{list: out.inherits, rng: v.rng}
	}
	if v := out.attrs["context"]; v != nil && v.text != nil && !n.of.relativeToFiles {
		moved := rebase(base, *v.text)
		out.attrs["context"] = &value{text: &moved, rng: v.rng}
	}
	if v := out.attrs["contexts"]; v != nil {
		moved := map[string]*string{}
		for key, s := range v.dict {
			if s != nil {
				m := n.context(base, *s)
				s = &m
			}
			moved[key] = s
		}
		out.attrs["contexts"] = &value{dict: moved, rng: v.rng}
	}
	return out
}

func (n namespace) context(base, s string) string {
	if to, ok := strings.CutPrefix(s, linkPrefix); ok {
		return linkPrefix + n.name(to)
	}
	if n.of.relativeToFiles {
		return s
	}
	return rebase(base, s)
}
