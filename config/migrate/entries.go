package migrate

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

const computed = "only evaluation tells what one of its entries is"

// entriesOf takes an item of a list of caches apart; why is not "" where that cannot be done.
func entriesOf(src []byte, e hclsyntax.Expression) (list []*entry, why string) {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		made, why := objectEntry(src, e)
		return []*entry{made}, why
	case *hclsyntax.TemplateExpr:
		list, why = stringEntries(src, e)
	default:
		return nil, computed
	}
	for _, made := range list {
		if why == "" {
			why = made.check()
		}
	}
	return list, why
}

// objectEntry reads { type = "registry", ref = … }.
func objectEntry(src []byte, e *hclsyntax.ObjectConsExpr) (*entry, string) {
	out := newEntry()
	for _, i := range e.Items {
		key, diags := i.KeyExpr.Value(nil)
		if diags.HasErrors() || key.Type() != cty.String || key.IsNull() {
			return nil, computed
		}
		if key.AsString() != "type" {
			out.set(key.AsString(), string(i.ValueExpr.Range().SliceBytes(src)))
			continue
		}
		v, diags := i.ValueExpr.Value(nil)
		if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
			return nil, computed
		}
		out.backend = v.AsString()
	}
	return out, out.check()
}

// chunk is a part of a string: literal text, or an interpolation as it is written.
type chunk struct {
	text    string
	literal bool
}

// stringEntries reads "type=registry,ref=…" and "ref,ref". Commas in what is interpolated would be a part of the value then; whether there are some
// in this evaluation is found out by comparing.
func stringEntries(src []byte, e *hclsyntax.TemplateExpr) ([]*entry, string) {
	fields, why := fieldsOf(src, e)
	if why != "" {
		return nil, why
	}
	if !slices.ContainsFunc(fields, func(f []chunk) bool { return f[0].literal && strings.Contains(f[0].text, "=") }) {
		return refs(fields)
	}
	out := newEntry()
	for _, f := range fields {
		name, value, ok := strings.Cut(f[0].text, "=")
		if !f[0].literal || !ok {
			return nil, computed
		}
		name = strings.ToLower(strings.TrimSpace(name))
		rest := f[1:]
		if value != "" {
			rest = append([]chunk{{value, true}}, rest...)
		}
		if name != "type" {
			out.set(name, expression(kindOf(out.backend, name), rest))
			continue
		}
		if out.backend = value; len(f) > 1 {
			return nil, computed
		}
	}
	return []*entry{out}, ""
}

// refs are registry caches by their references alone. An interpolation by itself could be anything.
func refs(fields [][]chunk) ([]*entry, string) {
	var out []*entry
	for _, f := range fields {
		if len(fields) == 1 && len(f) == 1 && f[0].literal && f[0].text == "" {
			return nil, "" // an empty string is no entry
		}
		if !slices.ContainsFunc(f, func(c chunk) bool { return c.literal && strings.ContainsAny(c.text, "/:") }) {
			return nil, computed
		}
		made := newEntry()
		made.backend = "registry"
		made.set("ref", expression(schema.String, f))
		out = append(out, made)
	}
	return out, ""
}

// fieldsOf splits a string at its commas. Every field has a chunk at least.
func fieldsOf(src []byte, e *hclsyntax.TemplateExpr) ([][]chunk, string) {
	if e.IsStringLiteral() {
		v, _ := e.Value(nil)
		if v.AsString() == "" {
			return [][]chunk{{{"", true}}}, ""
		}
		row, err := csv.NewReader(strings.NewReader(v.AsString())).Read()
		if err != nil {
			return nil, "one of its entries is no list of key=value"
		}
		var fields [][]chunk
		for _, f := range row {
			fields = append(fields, []chunk{{f, true}})
		}
		return fields, ""
	}
	fields := [][]chunk{nil}
	add := func(c chunk) { fields[len(fields)-1] = append(fields[len(fields)-1], c) }
	for _, part := range e.Parts {
		lit, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || lit.Val.Type() != cty.String {
			text := string(part.Range().SliceBytes(src))
			if strings.HasPrefix(text, "%{") {
				return nil, computed
			}
			add(chunk{text: text})
			continue
		}
		if strings.ContainsAny(lit.Val.AsString(), "\"\n") {
			return nil, "one of its entries has quotes in it"
		}
		for i, text := range strings.Split(lit.Val.AsString(), ",") {
			if i > 0 {
				fields = append(fields, nil)
			}
			if text != "" {
				add(chunk{text, true})
			}
		}
	}
	if slices.ContainsFunc(fields, func(f []chunk) bool { return len(f) == 0 }) {
		return nil, "one of its entries is empty between commas"
	}
	return fields, ""
}

func kindOf(backend, name string) schema.Kind {
	if b := schema.LookupBackend(backend); b != nil {
		if a := b.Attribute(name); a != nil {
			return a.Kind
		}
	}
	return schema.String
}

// expression writes chunks as HCL: one interpolation as its expression, numbers and truths bare, everything else as a string.
func expression(kind schema.Kind, chunks []chunk) string {
	if len(chunks) == 1 {
		c := chunks[0]
		n, err := strconv.Atoi(c.text)
		switch {
		case !c.literal, kind == schema.Bool && (c.text == "true" || c.text == "false"), kind == schema.Number && err == nil && strconv.Itoa(n) == c.text:
			return c.text
		}
	}
	var b strings.Builder
	for _, c := range chunks {
		if c.literal {
			quoted := string(hclwrite.TokensForValue(cty.StringVal(c.text)).Bytes())
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteString("${" + c.text + "}")
	}
	return `"` + b.String() + `"`
}
