package config

import (
	"slices"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// readDeclarations collects variables and functions, before anything is evaluated.
func (c *Config) readDeclarations(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		switch b.kind {
		case "variable":
			diags = append(diags, b.unknownNames(&schema.Variable, "validation")...)
			if _, builtin := c.eval.values[b.label]; !builtin {
				c.eval.variables[b.label] = variableOf(b)
			}
		case "function":
			f, d := c.functionOf(b)
			diags = append(diags, d...)
			if f != nil {
				c.eval.declare(f)
			}
		}
	}
	return diags
}

func variableOf(b *block) *variableBlock {
	v := &variableBlock{name: b.label, at: b.def}
	if a := b.attrs["type"]; a != nil {
		v.typeExpr = a.Expr
	}
	if a := b.attrs["default"]; a != nil {
		v.def = a.Expr
	}
	if a := b.attrs["description"]; a != nil {
		v.description = a.Expr
	}
	for _, n := range b.blocks {
		if n.kind != "validation" || n.attrs["condition"] == nil {
			continue
		}
		rule := validationBlock{condition: n.attrs["condition"].Expr, at: n.def}
		if m := n.attrs["error_message"]; m != nil {
			rule.message = m.Expr
		}
		v.validations = append(v.validations, rule)
	}
	return v
}

func (c *Config) functionOf(b *block) (*functionBlock, hcl.Diagnostics) {
	diags := b.unknownNames(&schema.Function)
	f := &functionBlock{name: b.label, at: b.def}
	for _, name := range []string{"params", "result"} {
		if b.attrs[name] == nil {
			diags = append(diags, errorf(&b.def, "Missing attribute", "Function %q needs %s.", b.label, name))
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	f.result = b.attrs["result"].Expr
	exprs, d := hcl.ExprList(b.attrs["params"].Expr)
	diags = append(diags, d...)
	for _, e := range exprs {
		f.params = append(f.params, hcl.ExprAsKeyword(e))
	}
	if v := b.attrs["variadic_params"]; v != nil {
		f.variadic = hcl.ExprAsKeyword(v.Expr)
	}
	if slices.Contains(f.params, "") {
		at := b.attrs["params"].Range
		diags = append(diags, errorf(&at, "Invalid parameter", "The parameters of function %q are names, without quotes.", b.label))
		return nil, diags
	}
	return f, diags
}
