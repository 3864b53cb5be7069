package config

import (
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// attributes are the values of a block by attribute name.
type attributes map[string]*value

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

func (a attributes) text(name string) string {
	if v := a[name]; v != nil && v.text != nil {
		return *v.text
	}
	return ""
}

func (a attributes) truth(name string) bool {
	v := a[name]
	return v != nil && v.truth != nil && *v.truth
}

func (a attributes) pointer(name string) *string {
	if v := a[name]; v != nil {
		return v.text
	}
	return nil
}

func (a attributes) flag(name string) *bool {
	if v := a[name]; v != nil {
		return v.truth
	}
	return nil
}

func (a attributes) list(name string) []string {
	if v := a[name]; v != nil {
		return v.list
	}
	return nil
}

func (a attributes) items(name string) []item {
	if v := a[name]; v != nil {
		return v.items
	}
	return nil
}

func (a attributes) dict(name string) map[string]*string {
	if v := a[name]; v != nil {
		return v.dict
	}
	return nil
}

func (a attributes) strings(name string) map[string]string {
	out := map[string]string{}
	for k, v := range a.dict(name) {
		if v != nil {
			out[k] = *v
		}
	}
	return out
}
