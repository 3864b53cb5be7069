package config

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// value is an attribute's value in the shape of its kind. Only one field is used.
type value struct {
	text  *string
	truth *bool
	list  []string
	dict  map[string]*string
	items []item
	rng   hcl.Range
}

// empty tells whether nothing is in v.
func (v *value) empty() bool {
	return v == nil || v.text == nil && v.truth == nil && len(v.list) == 0 && len(v.dict) == 0 && len(v.items) == 0
}

// item is one entry of a list of caches, outputs, secrets and the like.
type item struct {
	attrs  map[string]string
	paths  []string // of an SSH agent
	rng    hcl.Range
	ranges map[string]hcl.Range
}

func (i item) equal(other item) bool {
	return maps.Equal(i.attrs, other.attrs) && slices.Equal(i.paths, other.paths)
}

// decode converts an evaluated expression to an attribute's kind; nil means that the attribute is not set. elements are the places of a list's elements,
// if they are known.
func decode(a *schema.Attribute, v cty.Value, at hcl.Range, elements ...hcl.Range) (*value, hcl.Diagnostics) {
	if v.IsNull() {
		switch a.Kind {
		case schema.Caches, schema.Outputs, schema.Secrets, schema.Agents, schema.Attests:
			return nil, hcl.Diagnostics{errorf(&at, "Unsuitable value", "%q must not be null; write [] for none.", a.Name)}
		}
		return nil, nil
	}
	if !v.IsWhollyKnown() {
		return nil, nil // it depends on something that has an error of its own
	}
	out := &value{rng: at}
	err := out.fill(a, v, elements)
	if err != nil {
		return nil, hcl.Diagnostics{errorf(&at, "Unsuitable value", "%q: %v.", a.Name, err)}
	}
	return out, nil
}

func (v *value) fill(a *schema.Attribute, from cty.Value, elements []hcl.Range) error {
	var err error
	switch a.Kind {
	case schema.String, schema.Number:
		var s string
		if s, err = text(from); err == nil {
			v.text = &s
		}
	case schema.Bool:
		b, cerr := convert.Convert(from, cty.Bool)
		if cerr != nil {
			return cerr
		}
		t := b.True()
		v.truth = &t
	case schema.Strings:
		v.list, err = texts(from, a.Name == "tags" || a.Name == "platforms")
	case schema.Map, schema.Resources:
		v.dict, err = dictionary(from)
	default:
		v.items, err = items(a.Kind, from, v.rng, elements)
	}
	return err
}

func text(v cty.Value) (string, error) {
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", err
	}
	if s.IsNull() {
		return "", fmt.Errorf("null is not a string")
	}
	if !s.IsKnown() {
		return "", fmt.Errorf("the value cannot be known")
	}
	return s.AsString(), nil
}

// texts converts a list of strings. Empty strings are left out where they stand for an entry that a condition took away.
func texts(v cty.Value, dropEmpty bool) ([]string, error) {
	if !v.CanIterateElements() || v.Type().IsObjectType() || v.Type().IsMapType() {
		return nil, fmt.Errorf("a list of strings is needed, not %s", v.Type().FriendlyName())
	}
	list := []string{}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		s, err := text(e)
		if err != nil {
			return nil, err
		}
		if s != "" || !dropEmpty {
			list = append(list, s)
		}
	}
	return list, nil
}

func dictionary(v cty.Value) (map[string]*string, error) {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil, fmt.Errorf("an object is needed, not %s", v.Type().FriendlyName())
	}
	dict := map[string]*string{}
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if e.IsNull() {
			dict[k.AsString()] = nil
			continue
		}
		s, err := text(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.AsString(), err)
		}
		dict[k.AsString()] = &s
	}
	return dict, nil
}

// items converts a list of strings and objects.
func items(kind schema.Kind, v cty.Value, at hcl.Range, elements []hcl.Range) ([]item, error) {
	t := v.Type()
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		return nil, fmt.Errorf("a list is needed, not %s", t.FriendlyName())
	}
	list := []item{}
	for n, it := 0, v.ElementIterator(); it.Next(); n++ {
		_, e := it.Element()
		if len(elements) == v.LengthInt() {
			at = elements[n]
		}
		if e.IsNull() {
			return nil, fmt.Errorf("an entry is null; write an empty string for none")
		}
		var parsed []item
		var err error
		if e.Type().IsObjectType() || e.Type().IsMapType() {
			parsed, err = objectItem(kind, e)
		} else {
			var s string
			if s, err = text(e); err == nil {
				parsed, err = parseItem(kind, s)
			}
		}
		if err != nil {
			return nil, err
		}
		for _, p := range parsed {
			p.rng = at
			list = append(list, p)
		}
	}
	return list, nil
}

// elementRanges are the places of the elements of a list that is written out; nil for any other expression.
func elementRanges(expr hcl.Expression) []hcl.Range {
	list, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return nil
	}
	ranges := make([]hcl.Range, 0, len(list))
	for _, e := range list {
		ranges = append(ranges, e.Range())
	}
	return ranges
}

func objectItem(kind schema.Kind, v cty.Value) ([]item, error) {
	out := item{attrs: map[string]string{}}
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		name := k.AsString()
		if e.IsNull() {
			continue
		}
		if kind == schema.Agents && name == "paths" {
			var err error
			if out.paths, err = texts(e, false); err != nil {
				return nil, fmt.Errorf("paths: %w", err)
			}
			continue
		}
		s, err := text(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.attrs[name] = s
	}
	return complete(kind, out)
}

// parseItem reads the string form of an entry.
func parseItem(kind schema.Kind, s string) ([]item, error) {
	if s == "" {
		return nil, nil
	}
	if kind == schema.Agents {
		id, paths, found := strings.Cut(s, "=")
		out := item{attrs: map[string]string{"id": id}}
		if found {
			out.paths = strings.Split(paths, ",")
		}
		return []item{out}, nil
	}
	fields, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return nil, fmt.Errorf("%q is not a list of key=value: %w", s, err)
	}
	if bare := bareItems(kind, s, fields); bare != nil {
		return bare, nil
	}
	out := item{attrs: map[string]string{}}
	for _, f := range fields {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fmt.Errorf("%q in %q is not key=value", f, s)
		}
		if name := strings.ToLower(strings.TrimSpace(k)); kind != schema.Attests || name == "type" || name == "disabled" {
			k = name
		}
		if kind == schema.Secrets && !slices.Contains(secretKeys, k) {
			return nil, fmt.Errorf("a secret has no %q; it has %s", k, strings.Join(secretKeys, ", "))
		}
		out.attrs[k] = v
	}
	if kind == schema.Attests && out.attrs["type"] == "" {
		return nil, fmt.Errorf("%q has no type; it can be sbom or provenance", s)
	}
	return complete(kind, out)
}

// secretKeys are what a secret can be given, type and source in its string form only.
var secretKeys = []string{"id", "src", "source", "env", "type"}

// bareItems are the short forms: references of registry caches, and the path of a local output, which may have = in it.
func bareItems(kind schema.Kind, s string, fields []string) []item {
	switch kind {
	case schema.Caches:
		if slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(f, "=") }) {
			return nil
		}
		var list []item
		for _, f := range fields {
			list = append(list, item{attrs: map[string]string{"type": "registry", "ref": f}})
		}
		return list
	case schema.Outputs:
		if len(fields) != 1 || fields[0] != s || strings.HasPrefix(s, "type=") {
			return nil
		}
		if s == "-" {
			return []item{{attrs: map[string]string{"type": "tar", "dest": "-"}}}
		}
		return []item{{attrs: map[string]string{"type": "local", "dest": s}}}
	}
	return nil
}

// complete checks what an entry cannot do without, and brings secrets to one form.
func complete(kind schema.Kind, i item) ([]item, error) {
	switch kind {
	case schema.Caches, schema.Outputs:
		if i.attrs["type"] == "" {
			return nil, fmt.Errorf("an entry has no type")
		}
	case schema.Attests:
		if _, ok := i.attrs["type"]; !ok {
			i.attrs["type"] = ""
		}
	case schema.Secrets:
		return completeSecret(i)
	}
	return []item{i}, nil
}

func completeSecret(i item) ([]item, error) {
	a := i.attrs
	if t, ok := a["type"]; ok && t != "file" && t != "env" {
		return nil, fmt.Errorf("the type of a secret is file or env, not %q", t)
	}
	if source, ok := a["source"]; ok {
		a["src"] = source
	}
	if a["type"] == "env" && a["env"] == "" {
		a["env"] = a["src"]
		delete(a, "src")
	}
	for k, v := range a {
		if v == "" || k != "id" && k != "src" && k != "env" {
			delete(a, k)
		}
	}
	return []item{i}, nil
}
