package config

import (
	"maps"
	"regexp"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// targetName is what a target may be called (Bake: validateTargetName).
var targetName = regexp.MustCompile(schema.Target.LabelForm)

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

// declareTargets expands matrices and enters the targets; their attributes are evaluated later, or when others refer to them.
func (c *Config) declareTargets(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		if b.kind != "target" {
			continue
		}
		diags = append(diags, b.unknownNames(&schema.Target, "cache-from", "cache-to", schema.Dynamic.Name)...)
		diags = append(diags, c.expand(b)...)
	}
	return diags
}

// readTargets evaluates every target's own attributes.
func (c *Config) readTargets() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range c.order {
		t := c.targets[name]
		if len(t.blocks) == 0 {
			continue // evaluated already
		}
		attrs := t.attrs
		for _, tb := range t.blocks {
			own, d := c.ownAttributes(tb)
			diags = append(diags, d...)
			if c.relativeToFiles {
				c.rebaseOwn(tb, own)
				t.base = fileDir(tb.block.def.Filename)
			}
			attrs = c.merged(attrs, own)
		}
		t.attrs = attrs
		if v := attrs["inherits"]; v != nil {
			t.inherits = v.list
		}
	}
	return diags
}

// ownAttributes evaluates one block of a target.
func (c *Config) ownAttributes(tb *targetBlock) (attributes, hcl.Diagnostics) {
	attrs, diags := c.attributesOf(tb.block, &schema.Target, tb.locals)
	diags = append(diags, c.addCacheBlocks(tb.block, attrs, tb.locals)...)
	return attrs, diags
}

// add enters a block under a target's name.
func (c *Config) add(name string, tb *targetBlock) hcl.Diagnostics {
	if !targetName.MatchString(name) {
		return hcl.Diagnostics{errorf(&tb.block.def, "Invalid target name", "%q is not a name for a target: only letters, digits, _ and - are allowed.", name)}
	}
	t := c.targets[name]
	if t == nil {
		t = &target{name: name, def: tb.block.def}
		c.targets[name] = t
		c.order = append(c.order, name)
	}
	if t.def.Filename == "" {
		t.def = tb.block.def
	}
	t.blocks = append(t.blocks, tb)
	return nil
}

// expand enters a block as one target, or as one for each combination of its matrix.
func (c *Config) expand(b *block) hcl.Diagnostics {
	m := b.attrs["matrix"]
	nameAttr := b.attrs["name"]
	if m == nil {
		if nameAttr != nil {
			return hcl.Diagnostics{errorf(&nameAttr.NameRange, "Name without matrix", "The name attribute of target %q is for the variants of a matrix; the label names the target.", b.label)}
		}
		return c.add(b.label, &targetBlock{block: b})
	}
	combinations, diags := c.combinations(m)
	if diags.HasErrors() {
		return diags
	}
	group := &groupBlock{name: b.label, def: b.def}
	seen := map[string]bool{}
	for _, locals := range combinations {
		name, d := c.variantName(b, nameAttr, locals)
		if diags = append(diags, d...); d.HasErrors() {
			return diags
		}
		if seen[name] {
			return append(diags, errorf(&b.def, "Duplicate target", "Two variants of the matrix of target %q are named %q. Make the name depend on every key of the matrix.", b.label, name))
		}
		seen[name] = true
		diags = append(diags, c.add(name, &targetBlock{block: b, locals: locals})...)
		group.targets = append(group.targets, name)
	}
	if nameAttr != nil && len(group.targets) > 0 {
		if c.groups[b.label] == nil {
			c.groupOrder = append(c.groupOrder, b.label)
		}
		c.groups[b.label] = group
	}
	return diags
}

// variantName is what a variant of a target with a matrix is called: what nameAttr comes to, or the target's own name without one.
func (c *Config) variantName(b *block, nameAttr *hcl.Attribute, locals map[string]cty.Value) (string, hcl.Diagnostics) {
	if nameAttr == nil {
		return b.label, nil
	}
	v, diags := c.eval.eval(nameAttr.Expr, locals)
	if diags.HasErrors() {
		return "", diags
	}
	name, err := text(v)
	if err != nil {
		at := nameAttr.Expr.Range()
		return "", append(diags, errorf(&at, "Invalid target name", "The name of a variant of %q: %v.", b.label, err))
	}
	return name, diags
}

// combinations multiplies out a matrix, keys in alphabetical order, the first key outermost.
func (c *Config) combinations(m *hcl.Attribute) ([]map[string]cty.Value, hcl.Diagnostics) {
	v, diags := c.eval.eval(m.Expr, nil)
	if diags.HasErrors() {
		return nil, diags
	}
	at := m.Expr.Range()
	if v.IsNull() || (!v.Type().IsObjectType() && !v.Type().IsMapType()) {
		return nil, append(diags, errorf(&at, "Invalid matrix", "A matrix is an object of lists: matrix = { key = [\"a\", \"b\"] }."))
	}
	out := []map[string]cty.Value{{}}
	for it := v.ElementIterator(); it.Next(); {
		key, list := it.Element()
		if list.IsNull() || !list.CanIterateElements() {
			return nil, append(diags, errorf(&at, "Invalid matrix", "The value of %q in a matrix must be a list.", key.AsString()))
		}
		if len(out)*list.LengthInt() > matrixLimit {
			return nil, append(diags, errorf(&at, "Matrix too large", "The matrix has more than %d combinations.", matrixLimit))
		}
		var next []map[string]cty.Value
		for _, partial := range out {
			for el := list.ElementIterator(); el.Next(); {
				_, value := el.Element()
				extended := map[string]cty.Value{key.AsString(): value}
				maps.Copy(extended, partial)
				next = append(next, extended)
			}
		}
		out = next
	}
	return out, diags
}
