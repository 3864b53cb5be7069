package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Listing is a target, group, transfer or variable for people and for completion.
type Listing struct {
	Name, Description string
	// Kind is target, group, transfer or variable.
	Kind string
	// Members are the targets of a group.
	Members []string
	// Type is the type of a variable that declares one, in words; Value its value as text, nil for null. What is not a string is JSON.
	Type  string
	Value *string
	Range hcl.Range
}

// Names lists what can be selected, in the order of the files, and the variables.
func (c *Config) Names() []Listing {
	var out []Listing
	for _, name := range c.order {
		t := c.targets[name]
		out = append(out, Listing{Name: name, Kind: "target", Description: t.attrs.text("description"), Range: t.def})
	}
	for _, name := range c.groupOrder {
		g := c.groups[name]
		out = append(out, Listing{Name: name, Kind: "group", Description: g.description, Members: g.targets, Range: g.def})
	}
	for _, name := range sortedNames(c.transfers) {
		t := c.transfers[name]
		out = append(out, Listing{Name: name, Kind: "transfer", Description: t.Description, Range: t.Range})
	}
	for _, name := range sortedNames(c.eval.variables) {
		out = append(out, c.listedVariable(c.eval.variables[name]))
	}
	return out
}

func (c *Config) listedVariable(v *variableBlock) Listing {
	l := Listing{Name: v.name, Kind: "variable", Range: v.at}
	if v.description != nil {
		if d, diags := c.eval.eval(v.description, nil); !diags.HasErrors() {
			l.Description, _ = text(d)
		}
	}
	typ, diags := v.constraint()
	if diags.HasErrors() {
		return l
	}
	if typ != cty.NilType {
		l.Type = typ.FriendlyNameForConstraint()
	}
	value, diags := c.eval.lookup(v.name, &v.at)
	value, _ = value.UnmarkDeep()
	if diags.HasErrors() || value.IsNull() || !value.IsWhollyKnown() {
		return l
	}
	s := shownValue(value, typ)
	l.Value = &s
	return l
}

// shownValue is a variable's value as text: JSON for what has a type, but strings and untyped numbers and truths plain.
func shownValue(v cty.Value, typ cty.Type) string {
	if typ == cty.NilType {
		if v.Type().IsPrimitiveType() {
			if s, err := convert.Convert(v, cty.String); err == nil {
				return s.AsString()
			}
		}
		typ = v.Type()
	}
	raw, err := ctyjson.Marshal(v, typ)
	if err != nil {
		return ""
	}
	if typ == cty.String {
		return strings.Trim(string(raw), `"`)
	}
	return string(raw)
}
