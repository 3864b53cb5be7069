package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// jsonForm converts a file of HCL's native syntax to its JSON form: literals as they are, expressions as "${…}", labelled caches as objects.
// Files with syntax that the JSON form does not have, such as a block without its label, give false.
func jsonForm(t *testing.T, src []byte, name string) ([]byte, bool) {
	t.Helper()
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, false
	}
	c := jsonConverter{t: t, src: src}
	body := f.Body.(*hclsyntax.Body)
	doc := c.attributes(body.Attributes)
	for _, b := range body.Blocks {
		inner := any(c.body(b))
		switch len(b.Labels) {
		case 0:
		case 1:
			inner = map[string]any{b.Labels[0]: inner}
		default:
			return nil, false
		}
		list, _ := doc[b.Type].([]any)
		doc[b.Type] = append(list, inner)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

type jsonConverter struct {
	t   *testing.T
	src []byte
}

func (c jsonConverter) attributes(attrs hclsyntax.Attributes) map[string]any {
	out := map[string]any{}
	for name, a := range attrs {
		out[name] = c.value(a.Expr)
	}
	return out
}

func (c jsonConverter) body(b *hclsyntax.Block) map[string]any {
	out := c.attributes(b.Body.Attributes)
	// What is a type, a name or a list of names is a string in JSON.
	for name, a := range b.Body.Attributes {
		switch b.Type + "." + name {
		case "variable.type", "function.variadic_params":
			out[name] = c.text(a.Expr)
		case "function.params":
			params := []any{}
			exprs, _ := hcl.ExprList(a.Expr)
			for _, e := range exprs {
				params = append(params, hcl.ExprAsKeyword(e))
			}
			out[name] = params
		}
	}
	for _, n := range b.Body.Blocks {
		inner := c.body(n)
		if strings.HasPrefix(n.Type, "cache-") && len(n.Labels) == 1 {
			inner["type"] = n.Labels[0]
		}
		list, _ := out[n.Type].([]any)
		out[n.Type] = append(list, inner)
	}
	return out
}

func (c jsonConverter) text(e hclsyntax.Expression) string {
	return string(e.Range().SliceBytes(c.src))
}

func (c jsonConverter) value(e hclsyntax.Expression) any {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return c.literal(e.Val)
	case *hclsyntax.UnaryOpExpr:
		if v, diags := e.Value(nil); !diags.HasErrors() {
			return c.literal(v)
		}
	case *hclsyntax.TemplateWrapExpr:
		return "${" + c.text(e.Wrapped) + "}"
	case *hclsyntax.TemplateExpr:
		return c.template(e)
	case *hclsyntax.TupleConsExpr:
		list := []any{}
		for _, item := range e.Exprs {
			list = append(list, c.value(item))
		}
		return list
	case *hclsyntax.ObjectConsExpr:
		out := map[string]any{}
		for _, item := range e.Items {
			key, diags := item.KeyExpr.Value(nil)
			if diags.HasErrors() || key.Type() != cty.String {
				return "${" + c.text(e) + "}"
			}
			out[key.AsString()] = c.value(item.ValueExpr)
		}
		return out
	}
	return "${" + c.text(e) + "}"
}

func (c jsonConverter) literal(v cty.Value) any {
	raw, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		c.t.Fatal(err)
	}
	return json.RawMessage(raw)
}

func (c jsonConverter) template(e *hclsyntax.TemplateExpr) any {
	var out strings.Builder
	for _, part := range e.Parts {
		lit, ok := part.(*hclsyntax.LiteralValueExpr)
		switch {
		case ok && lit.Val.Type() == cty.String:
			out.WriteString(strings.ReplaceAll(strings.ReplaceAll(lit.Val.AsString(), "${", "$${"), "%{", "%%{"))
		case strings.HasPrefix(c.text(part), "%{"):
			return "${" + c.text(e) + "}"
		default:
			out.WriteString("${" + c.text(part) + "}")
		}
	}
	return out.String()
}
