package migrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// json migrates a file of HCL's JSON form: it is written in the native syntax and goes on as such.
func (m *migration) json(src []byte) ([]byte, hcl.Diagnostics) {
	m.kind = "cache.json"
	// The configuration's own reading bounds depth and size, and tells mistakes with their places.
	if _, diags := config.Load(m.ctx, m.options(src)); invalid(diags) {
		return nil, diags
	}
	return m.native(src)
}

// invalid tells whether a text is not even JSON of the right form; what cannot be evaluated here can be migrated all the same.
func invalid(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && (strings.Contains(d.Summary, "JSON") || d.Summary == "Nesting too deep" || d.Summary == "Unreadable file") {
			return true
		}
	}
	return false
}

// native writes JSON in the native syntax and migrates that. What it means must not change on the way.
func (m *migration) native(src []byte) ([]byte, hcl.Diagnostics) {
	doc, err := ordered(src)
	if err != nil {
		return nil, failure("Invalid JSON", "%s cannot be read: %v.", m.name, err)
	}
	w := &writer{}
	if err := w.file(doc); err != nil {
		return nil, failure("No native form", "%s cannot be written in HCL's native syntax: %v.", m.name, err)
	}
	before, loads := m.meaning(src)
	m.kind = "cache.hcl"
	after, diags := m.hcl(w.out.Bytes())
	if diags.HasErrors() {
		return nil, diags
	}
	if got, ok := m.meaning(after); loads && (!ok || got != before) {
		return nil, failure("No native form", "%s would mean something else in HCL's native syntax. Please report this with the file.", m.name)
	}
	return after, diags
}

// compose migrates a Compose file: its variables have been put in already, and what is not about builds is left out.
func (m *migration) compose(src []byte) ([]byte, hcl.Diagnostics) {
	m.kind = "compose.yaml"
	c, diags := config.Load(m.ctx, m.options(src))
	if diags.HasErrors() {
		return nil, diags
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		return nil, diags
	}
	doc, err := res.JSON()
	if err != nil {
		return nil, failure("Invalid Compose file", "%s: %v.", m.name, err)
	}
	m.warn(nil, "Values were put in", "The variables of %s have the values of this environment in the result.", m.name)
	m.kind = "cache.json"
	return m.native(doc)
}

// member is one key of a JSON object; objects keep their order as lists of them.
type member struct {
	key   string
	value any
}

// ordered reads JSON without losing the order of keys. Numbers stay as they are written.
func ordered(src []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	v, err := orderedValue(dec)
	if err != nil {
		return nil, err
	}
	doc, ok := v.([]member)
	if !ok {
		return nil, fmt.Errorf("it is not an object")
	}
	return doc, nil
}

func orderedValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := []member{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			value, err := orderedValue(dec)
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			object = append(object, member{name, value})
		}
		_, err := dec.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := orderedValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := dec.Token()
		return list, err
	}
	return token, nil
}

// writer writes JSON in the native syntax. Format brings it into shape afterwards.
type writer struct {
	out bytes.Buffer
}

func (w *writer) file(doc []member) error {
	for _, m := range doc {
		kind := schema.Lookup(m.key)
		switch {
		case m.key == "$schema":
		case kind != nil:
			if err := w.labelled(kind, m.value); err != nil {
				return err
			}
		default:
			if err := w.attribute("", m); err != nil {
				return err
			}
		}
	}
	return nil
}

// labelled writes the blocks of one kind: bodies by label, or lists of such; a body can be a list, too.
func (w *writer) labelled(kind *schema.Block, v any) error {
	if kind.Label == "" {
		return w.bodies(kind.Name, "", v)
	}
	return each(v, func(object []member) error {
		for _, m := range object {
			if m.key == "//" {
				w.comment(m.value)
				continue
			}
			if err := w.bodies(kind.Name, m.key, m.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// each calls f for an object, or for all objects of a list.
func each(v any, f func([]member) error) error {
	switch v := v.(type) {
	case []member:
		return f(v)
	case []any:
		for _, item := range v {
			if err := each(item, f); err != nil {
				return err
			}
		}
		return nil
	case nil:
		return nil
	}
	return fmt.Errorf("%v stands where a block should be", v)
}

func (w *writer) bodies(kind, label string, v any) error {
	return each(v, func(body []member) error {
		w.out.WriteString(kind)
		if label != "" {
			w.out.WriteString(" " + quoted(label))
		}
		w.out.WriteString(" {\n")
		for _, m := range body {
			if kind == schema.Variable.Name && m.key == schema.Validation.Name {
				if err := w.bodies(m.key, "", m.value); err != nil {
					return err
				}
				continue
			}
			if err := w.attribute(kind, m); err != nil {
				return err
			}
		}
		w.out.WriteString("}\n")
		if kind != schema.Validation.Name {
			w.out.WriteString("\n")
		}
		return nil
	})
}

// attribute writes name = value. Types and the names of parameters are strings in JSON alone.
func (w *writer) attribute(kind string, m member) error {
	if m.key == "//" {
		w.comment(m.value)
		return nil
	}
	if !hclsyntax.ValidIdentifier(m.key) {
		return fmt.Errorf("%q cannot be the name of an attribute", m.key)
	}
	w.out.WriteString(m.key + " = ")
	switch s, isText := m.value.(string); {
	case isText && (kind+"."+m.key == "variable.type" || kind+"."+m.key == "function.variadic_params"):
		w.out.WriteString(s)
	case kind+"."+m.key == "function.params":
		list, _ := m.value.([]any)
		var names []string
		for _, p := range list {
			names = append(names, fmt.Sprint(p))
		}
		w.out.WriteString("[" + strings.Join(names, ", ") + "]")
	case isText && multiline(s):
		w.out.WriteString("<<EOT\n" + s + "EOT")
	default:
		if err := w.value(m.value); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	w.out.WriteString("\n")
	return nil
}

// multiline tells whether a string reads better as a heredoc, and can be one.
func multiline(s string) bool {
	plain := !strings.ContainsAny(s, "\r\t\\") && !strings.Contains(s, "${") && !strings.Contains(s, "%{") && !strings.Contains(s, "EOT")
	return plain && strings.HasSuffix(s, "\n") && strings.Count(s, "\n") > 1
}

func (w *writer) comment(v any) {
	for line := range strings.Lines(fmt.Sprint(v)) {
		w.out.WriteString("# " + strings.TrimRight(line, "\r\n") + "\n")
	}
}

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.out.WriteString("null")
	case bool, json.Number:
		fmt.Fprint(&w.out, v)
	case string:
		text, err := template(v)
		w.out.WriteString(text)
		return err
	case []any:
		return w.list(v)
	case []member:
		return w.object(v)
	}
	return nil
}

// list writes one item a line where there are several things.
func (w *writer) list(items []any) error {
	between, end := ", ", ""
	if len(items) > 1 || len(items) == 1 && !simple(items[0]) {
		between, end = ",\n", ",\n"
		w.out.WriteString("[\n")
	} else {
		w.out.WriteString("[")
	}
	for i, item := range items {
		if i > 0 {
			w.out.WriteString(between)
		}
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.out.WriteString(end + "]")
	return nil
}

func simple(v any) bool {
	switch v.(type) {
	case []any, []member:
		return false
	}
	return true
}

func (w *writer) object(members []member) error {
	if len(members) == 0 {
		w.out.WriteString("{}")
		return nil
	}
	w.out.WriteString("{\n")
	for _, m := range members {
		key, err := template(m.key)
		if err != nil {
			return err
		}
		if hclsyntax.ValidIdentifier(m.key) && !slices.Contains([]string{"for", "null", "true", "false"}, m.key) {
			key = m.key
		}
		w.out.WriteString(key + " = ")
		if err := w.value(m.value); err != nil {
			return err
		}
		w.out.WriteString("\n")
	}
	w.out.WriteString("}")
	return nil
}
