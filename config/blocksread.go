package config

import (
	"slices"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// block is one block of a file, of either syntax.
type block struct {
	kind   string
	label  string
	attrs  map[string]*hcl.Attribute
	blocks []*block // nested, native syntax only
	def    hcl.Range
	strict bool
}

// blocksOf takes a file apart into blocks and top-level attributes.
func blocksOf(f *file) ([]*block, map[string]*hcl.Attribute, hcl.Diagnostics) {
	if body, ok := f.body.(*hclsyntax.Body); ok {
		return nativeBlocks(f, body)
	}
	return jsonBlocks(f)
}

func nativeBlocks(f *file, body *hclsyntax.Body) ([]*block, map[string]*hcl.Attribute, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var out []*block
	for _, b := range body.Blocks {
		kind := schema.Lookup(b.Type)
		at := b.DefRange()
		if kind == nil {
			diags = append(diags, unknownBlock(f, b.Type, at))
			continue
		}
		if len(b.Labels) != 1 {
			diags = append(diags, errorf(&at, "Missing label", "A %s block has one label: %s \"NAME\" { … }.", b.Type, b.Type))
			continue
		}
		out = append(out, nativeBlock(b, b.Labels[0], f.strict))
	}
	return out, hclAttributes(body.Attributes), diags
}

func unknownBlock(f *file, name string, at hcl.Range) *hcl.Diagnostic {
	var names []string
	for _, b := range schema.Blocks {
		names = append(names, b.Name)
	}
	d := errorf(&at, "Unknown block", "There are no blocks of type %q here.%s", name, didYouMean(name, names))
	if !f.strict {
		d.Severity = hcl.DiagWarning
		d.Detail += " Bake ignores it."
	}
	return d
}

func nativeBlock(b *hclsyntax.Block, label string, strict bool) *block {
	out := &block{kind: b.Type, label: label, attrs: hclAttributes(b.Body.Attributes), def: b.DefRange(), strict: strict}
	for _, nested := range b.Body.Blocks {
		l := ""
		if len(nested.Labels) == 1 {
			l = nested.Labels[0]
		}
		out.blocks = append(out.blocks, nativeBlock(nested, l, strict))
	}
	return out
}

func hclAttributes(attrs hclsyntax.Attributes) map[string]*hcl.Attribute {
	out := map[string]*hcl.Attribute{}
	for name, a := range attrs {
		out[name] = a.AsHCLAttribute()
	}
	return out
}

// jsonBlocks reads JSON, where the schema says what is a block.
func jsonBlocks(f *file) ([]*block, map[string]*hcl.Attribute, hcl.Diagnostics) {
	want := &hcl.BodySchema{}
	for _, b := range schema.Blocks {
		want.Blocks = append(want.Blocks, hcl.BlockHeaderSchema{Type: b.Name, LabelNames: []string{b.Label}})
	}
	content, rest, diags := f.body.PartialContent(want)
	var out []*block
	for _, b := range content.Blocks {
		made := &block{kind: b.Type, label: b.Labels[0], def: b.DefRange, strict: f.strict}
		body := b.Body
		if b.Type == "variable" {
			rules, left, d := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "validation"}}})
			diags = append(diags, d...)
			for _, r := range rules.Blocks {
				attrs, d := r.Body.JustAttributes()
				diags = append(diags, d...)
				made.blocks = append(made.blocks, &block{kind: "validation", attrs: attrs, def: r.DefRange, strict: f.strict})
			}
			body = left
		}
		attrs, d := body.JustAttributes()
		diags = append(diags, d...)
		made.attrs = attrs
		out = append(out, made)
	}
	globals, d := rest.JustAttributes()
	delete(globals, "//")
	return out, globals, append(diags, d...)
}

// attribute is what the schema says of an attribute of this block, nil if it does not exist here: what Bake does not have, Bake's files do not.
func (b *block) attribute(kind *schema.Block, name string) *schema.Attribute {
	a := kind.Attribute(name)
	if a != nil && a.Own && !b.strict {
		return nil
	}
	return a
}

// unknownNames reports attributes and nested blocks that a kind of block does not have.
func (b *block) unknownNames(kind *schema.Block, nested ...string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	report := func(what, name string, at hcl.Range, names []string) {
		d := errorf(&at, "Unknown "+what, "A %s block has no %s named %q.%s", b.kind, what, name, didYouMean(name, names))
		if !b.strict && b.kind != "function" {
			d.Severity = hcl.DiagWarning
			d.Detail += " Bake ignores it."
		}
		diags = append(diags, d)
	}
	for name, a := range b.attrs {
		if b.attribute(kind, name) == nil && name != "//" {
			report("attribute", name, a.NameRange, kind.Names())
		}
	}
	for _, n := range b.blocks {
		if !slices.Contains(nested, n.kind) {
			report("block", n.kind, n.def, append(nested, kind.Names()...))
		}
	}
	return diags
}
