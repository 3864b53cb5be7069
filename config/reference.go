package config

import (
	"slices"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// blocks are the blocks that expressions can refer to.
type blocks interface {
	// lookup evaluates one attribute of a block, without inheritance, as a value of the attribute's type; missing says that there is no such
	// block or attribute. An attribute that is not written is null, or an empty list of entries.
	lookup(kind, name, attr string, at *hcl.Range) (v cty.Value, missing *hcl.Diagnostic, diags hcl.Diagnostics)
	// attributes are the names of the attributes that a kind of block has.
	attributes(kind string) []string
}

// references are the values that an expression refers to in blocks: by kind, name and attribute.
type references map[string]map[string]map[string]cty.Value

// reference evaluates target.NAME.ATTRIBUTE or group.NAME.ATTRIBUTE into refs; target.NAME alone is all of the block. missing is what does not
// exist, which only matters if the expression cannot do without.
func (e *evaluator) reference(t hcl.Traversal, refs references) (missing, diags hcl.Diagnostics) {
	at := t.SourceRange()
	kind := t.RootName()
	if len(t) < 2 {
		return nil, hcl.Diagnostics{errorf(&at, "Invalid reference", "A %s is referred to by its name and an attribute: %s.NAME.ATTRIBUTE.", kind, kind)}
	}
	name := stepName(t[1])
	attrs := e.blocks.attributes(kind)
	if len(t) > 2 {
		if attr := stepName(t[2]); attr != "" {
			attrs = []string{attr}
		}
	}
	for _, attr := range attrs {
		m, d := e.referTo(kind, name, attr, &at, refs)
		diags = append(diags, d...)
		if m != nil {
			missing = append(missing, m)
		}
	}
	return missing, diags
}

func (e *evaluator) referTo(kind, name, attr string, at *hcl.Range, refs references) (missing *hcl.Diagnostic, diags hcl.Diagnostics) {
	key := kind + "." + name + "." + attr
	if d := e.enterable(key, at); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	e.busy = append(e.busy, key)
	defer func() { e.busy = e.busy[:len(e.busy)-1] }()
	v, missing, diags := e.blocks.lookup(kind, name, attr, at)
	if missing != nil {
		return missing, nil
	}
	if refs[kind] == nil {
		refs[kind] = map[string]map[string]cty.Value{}
	}
	if refs[kind][name] == nil {
		refs[kind][name] = map[string]cty.Value{}
	}
	refs[kind][name][attr] = v
	return nil, diags
}

// stepName is the name that a step of a traversal goes to, "" when it is not one.
func stepName(step hcl.Traverser) string {
	switch s := step.(type) {
	case hcl.TraverseAttr:
		return s.Name
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String {
			return s.Key.AsString()
		}
	}
	return ""
}

// enter makes what is referred to visible to an expression.
func (refs references) enter(variables map[string]cty.Value) {
	for kind, named := range refs {
		objects := map[string]cty.Value{}
		for name, attrs := range named {
			objects[name] = cty.ObjectVal(attrs)
		}
		variables[kind] = cty.ObjectVal(objects)
	}
}

// lookup is that of targets and groups.
func (c *Config) lookup(kind, name, attr string, at *hcl.Range) (cty.Value, *hcl.Diagnostic, hcl.Diagnostics) {
	switch {
	case kind == schema.Target.Name && c.targets[name] == nil:
		return cty.DynamicVal, errorf(at, "Unknown target", "There is no target named %q.%s", name, didYouMean(name, sortedNames(c.targets))), nil
	case kind == schema.Group.Name && c.groupBlocks[name] == nil:
		return cty.DynamicVal, errorf(at, "Unknown group", "There is no group named %q.%s", name, didYouMean(name, sortedNames(c.groupBlocks))), nil
	}
	if attr == "name" {
		return cty.StringVal(name), nil, nil
	}
	a := schema.Lookup(kind).Attribute(attr)
	if a == nil {
		return cty.DynamicVal, errorf(at, "Unknown attribute", "A %s has no attribute named %q.%s", kind, attr, didYouMean(attr, c.attributes(kind))), nil
	}
	if t := c.targets[name]; kind == schema.Target.Name && len(t.blocks) == 0 {
		return t.attrs[attr].cty(a), nil, nil // evaluated already: imported, or of a Compose file
	}
	for _, tb := range slices.Backward(c.writtenIn(kind, name)) {
		expr := tb.block.attrs[attr]
		if expr == nil {
			continue
		}
		v, diags := c.eval.eval(expr.Expr, tb.locals)
		if diags.HasErrors() {
			return cty.DynamicVal, nil, diags
		}
		decoded, diags := decode(a, v, expr.Expr.Range())
		return decoded.cty(a), nil, diags
	}
	return (*value)(nil).cty(a), nil, nil
}

// writtenIn are the blocks of one name.
func (c *Config) writtenIn(kind, name string) []*targetBlock {
	if kind == schema.Target.Name {
		return c.targets[name].blocks
	}
	return c.groupBlocks[name]
}

func (c *Config) attributes(kind string) []string {
	var names []string
	for _, a := range schema.Lookup(kind).Names() {
		if a != "matrix" {
			names = append(names, a)
		}
	}
	return names
}

// cty is a decoded value as expressions see it through a reference, of one type for each kind of attribute whatever was written (Bake:
// hclparser.ToCtyValue).
func (v *value) cty(a *schema.Attribute) cty.Value {
	switch a.Kind {
	case schema.String, schema.Number:
		switch {
		case v != nil && v.text != nil:
			return cty.StringVal(*v.text)
		case a.Name == "description":
			return cty.StringVal("")
		}
		return cty.NullVal(cty.String)
	case schema.Bool:
		if v == nil || v.truth == nil {
			return cty.NullVal(cty.Bool)
		}
		return cty.BoolVal(*v.truth)
	case schema.Strings:
		if v == nil || v.list == nil {
			return cty.NullVal(cty.List(cty.String))
		}
		return stringList(v.list)
	case schema.Map, schema.Resources:
		if v == nil || v.dict == nil {
			return cty.NullVal(cty.Map(cty.String))
		}
		return stringMap(v.dict)
	}
	if v == nil || len(v.items) == 0 {
		return cty.ListValEmpty(cty.Map(cty.String))
	}
	list := make([]cty.Value, 0, len(v.items))
	for _, i := range v.items {
		if a.Kind == schema.Agents {
			list = append(list, cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(i.attrs["id"]), "paths": stringList(i.paths)}))
			continue
		}
		list = append(list, i.cty(a.Kind))
	}
	return cty.ListVal(list)
}

// cty is an entry as expressions see it.
func (i item) cty(kind schema.Kind) cty.Value {
	out := map[string]cty.Value{}
	switch kind {
	case schema.Secrets:
		out["id"], out["src"], out["env"] = cty.StringVal(""), cty.StringVal(""), cty.StringVal("")
	case schema.Outputs:
		out["dest"] = cty.StringVal("")
	}
	for k, s := range i.attrs {
		out[k] = cty.StringVal(s)
	}
	if kind == schema.Secrets {
		return cty.ObjectVal(out)
	}
	return cty.MapVal(out)
}

func stringList(list []string) cty.Value {
	if len(list) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	out := make([]cty.Value, 0, len(list))
	for _, s := range list {
		out = append(out, cty.StringVal(s))
	}
	return cty.ListVal(out)
}

func stringMap(dict map[string]*string) cty.Value {
	if len(dict) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	out := map[string]cty.Value{}
	for k, s := range dict {
		out[k] = cty.NullVal(cty.String)
		if s != nil {
			out[k] = cty.StringVal(*s)
		}
	}
	return cty.MapVal(out)
}
