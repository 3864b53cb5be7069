package config

import (
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// addCacheBlocks adds the labelled form, cache-to "registry" { … }, to the entries of the attribute form.
func (c *Config) addCacheBlocks(b *block, attrs attributes, locals map[string]cty.Value) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, n := range b.blocks {
		switch n.kind {
		case "cache-from", "cache-to":
			diags = append(diags, c.addCacheBlock(n, attrs, locals)...)
		case schema.Dynamic.Name:
			made, d := c.expandDynamic(n, locals)
			diags = append(diags, d...)
			for _, m := range made {
				diags = append(diags, c.addCacheBlock(m.block, attrs, m.locals)...)
			}
		}
	}
	return diags
}

func (c *Config) addCacheBlock(n *block, attrs attributes, locals map[string]cty.Value) hcl.Diagnostics {
	i, diags := c.cacheBlock(n, locals)
	if diags.HasErrors() {
		return diags
	}
	if attrs[n.kind] == nil {
		attrs[n.kind] = &value{rng: n.def}
	}
	attrs[n.kind].items = append(attrs[n.kind].items, i)
	return diags
}

func (c *Config) cacheBlock(n *block, locals map[string]cty.Value) (item, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	if schema.LookupBackend(n.label) == nil {
		return item{}, hcl.Diagnostics{errorf(&n.def, "Unknown cache backend", "%q is not a place for a cache; there are registry, local, inline, gha, s3 and azblob.%s", n.label, didYouMean(n.label, schema.BackendNames()))}
	}
	for _, inner := range n.blocks {
		diags = append(diags, errorf(&inner.def, "Unknown block", "A %s block has attributes only.", n.kind))
	}
	out := item{attrs: map[string]string{"type": n.label}, rng: n.def, ranges: map[string]hcl.Range{}}
	for _, name := range sortedNames(n.attrs) {
		a := n.attrs[name]
		v, marks, d := c.eval.evalMarked(a.Expr, locals)
		diags = append(diags, d...)
		if d.HasErrors() || v.IsNull() {
			continue
		}
		diags = append(diags, warnImpure(&schema.Attribute{Name: name, Key: true}, marks, a.Expr.Range())...)
		s, err := text(v)
		if err != nil {
			at := a.Expr.Range()
			diags = append(diags, errorf(&at, "Unsuitable value", "%q: %v.", name, err))
			continue
		}
		out.attrs[name] = s
		out.ranges[name] = a.Range
	}
	return out, diags
}

// caches converts entries to caches.
func caches(v *value) []Cache {
	if v == nil {
		return nil
	}
	var out []Cache
	for _, i := range v.items {
		c := Cache{Type: i.attrs["type"], Attrs: map[string]string{}, Range: i.rng, AttrRanges: i.ranges}
		for k, val := range i.attrs {
			if k != "type" {
				c.Attrs[k] = val
			}
		}
		out = append(out, c)
	}
	return out
}
