package config

import (
	"maps"
	"slices"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// dynamicLimit is how many blocks one dynamic block may make.
const dynamicLimit = 1000

// dynamicKinds are the blocks that dynamic makes.
var dynamicKinds = []string{"cache-from", "cache-to"}

// expandDynamic makes the blocks that a dynamic block stands for, each with the names it is evaluated with.
func (c *Config) expandDynamic(b *block, locals map[string]cty.Value) ([]*targetBlock, hcl.Diagnostics) {
	content, diags := b.dynamicContent()
	if diags.HasErrors() {
		return nil, diags
	}
	iterator, d := b.iterator()
	diags = append(diags, d...)
	elements, d := c.dynamicElements(b.attrs["for_each"].Expr, locals)
	if diags = append(diags, d...); diags.HasErrors() {
		return nil, diags
	}
	var out []*targetBlock
	for it := elements.ElementIterator(); it.Next(); {
		key, v := it.Element()
		if elements.Type().IsSetType() {
			key = v
		}
		with := maps.Clone(locals)
		if with == nil {
			with = map[string]cty.Value{}
		}
		with[iterator] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": v})
		label, d := c.dynamicLabel(b, with)
		if diags = append(diags, d...); d.HasErrors() {
			return nil, diags
		}
		out = append(out, &targetBlock{block: &block{kind: b.label, label: label, attrs: content.attrs, blocks: content.blocks, def: b.def, strict: b.strict}, locals: with})
	}
	return out, diags
}

// dynamicContent checks how a dynamic block is written, and finds what the made blocks hold.
func (b *block) dynamicContent() (*block, hcl.Diagnostics) {
	if !slices.Contains(dynamicKinds, b.label) {
		return nil, hcl.Diagnostics{errorf(&b.def, "Invalid dynamic block", "A dynamic block makes cache-from or cache-to blocks: dynamic \"cache-to\" { … }.")}
	}
	diags := b.unknownNames(&schema.Dynamic, "content")
	content, d := b.content()
	diags = append(diags, d...)
	for _, a := range schema.Dynamic.Attributes {
		if a.Required && b.attrs[a.Name] == nil {
			diags = append(diags, errorf(&b.def, "Missing attribute", "A dynamic block needs %s: %s", a.Name, a.Doc))
		}
	}
	return content, diags
}

// dynamicElements evaluates what a dynamic block makes a block of each.
func (c *Config) dynamicElements(forEach hcl.Expression, locals map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	elements, diags := c.eval.eval(forEach, locals)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	at := forEach.Range()
	if elements.IsNull() || !elements.CanIterateElements() {
		return cty.NilVal, append(diags, errorf(&at, "Unsuitable value", "\"for_each\" needs a list, set, map or object."))
	}
	if n := elements.LengthInt(); n > dynamicLimit {
		return cty.NilVal, append(diags, errorf(&at, "Too many blocks", "\"for_each\" has %d elements; a dynamic block makes at most %d blocks.", n, dynamicLimit))
	}
	return elements, diags
}

// content is the one block inside a dynamic block that says what the made ones hold.
func (b *block) content() (*block, hcl.Diagnostics) {
	var found *block
	for _, n := range b.blocks {
		if n.kind != "content" {
			continue
		}
		if found != nil {
			return nil, hcl.Diagnostics{errorf(&n.def, "Duplicate block", "A dynamic block has one content block; there is another at line %d.", found.def.Start.Line)}
		}
		found = n
	}
	if found == nil {
		return nil, hcl.Diagnostics{errorf(&b.def, "Missing block", "A dynamic block needs a content block, which holds the attributes: content { … }.")}
	}
	return found, nil
}

// iterator is the name by which content sees the element.
func (b *block) iterator() (string, hcl.Diagnostics) {
	a := b.attrs["iterator"]
	if a == nil {
		return b.label, nil
	}
	name := hcl.ExprAsKeyword(a.Expr)
	if !hclsyntax.ValidIdentifier(name) {
		at := a.Expr.Range()
		return "", hcl.Diagnostics{errorf(&at, "Invalid iterator", "\"iterator\" is a name, without quotes.")}
	}
	return name, nil
}

func (c *Config) dynamicLabel(b *block, locals map[string]cty.Value) (string, hcl.Diagnostics) {
	a := b.attrs["labels"]
	v, diags := c.eval.eval(a.Expr, locals)
	if diags.HasErrors() {
		return "", diags
	}
	labels, err := texts(v, false)
	if err != nil || len(labels) != 1 {
		at := a.Expr.Range()
		return "", append(diags, errorf(&at, "Unsuitable value", "\"labels\" is a list with the kind of cache: labels = [\"registry\"]."))
	}
	return labels[0], diags
}
