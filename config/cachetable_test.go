package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var sides = map[schema.Side]string{schema.From: "cache-from", schema.To: "cache-to"}

// cacheSample is a value that an attribute of a cache can have, and one that it cannot; "" where every string will do.
func cacheSample(a schema.CacheAttribute) (right, wrong string) {
	own := map[string]string{
		"digest": "sha256:" + strings.Repeat("a", 64), "url": "https://one.example", "url_v2": "https://one.example", "endpoint_url": "https://one.example",
		"account_url": "https://one.example", "timeout": "90s", "touch_refresh": "12h", "repository": "team/app",
	}
	switch {
	case own[a.Name] != "":
		return own[a.Name], ""
	case len(a.Enum) > 0:
		return a.Enum[len(a.Enum)-1], "nothing"
	case a.Form.Pattern != "":
		return a.Form.Example, a.Form.Counterexample
	case a.Kind == schema.Bool:
		return "true", "nothing"
	case a.Kind == schema.Number:
		return "3", "nothing"
	}
	return "one", ""
}

// TestEveryAttributeOfACacheIsFollowed writes each attribute on each side in each of the three forms.
func TestEveryAttributeOfACacheIsFollowed(t *testing.T) {
	s := compiled(t)
	for _, b := range schema.Backends {
		for side, name := range sides {
			if len(b.Names(side)) == 0 {
				continue
			}
			rows := section(t, cacheHeading(b))
			for _, a := range b.Attributes {
				right, wrong := cacheSample(a)
				t.Run(b.Name+"."+a.Name+" "+name, func(t *testing.T) {
					if a.Side&side == 0 {
						checkCacheRefused(t, s, &b, side, a.Name, right)
						return
					}
					checkCacheTaken(t, s, &b, side, a.Name, right)
					if wrong != "" && !a.Ignored {
						checkCacheRefused(t, s, &b, side, a.Name, wrong)
					}
				})
				if !strings.Contains(rows, "| `"+a.Name+"` |") {
					t.Errorf("%s.%s is not in docs/language.md", b.Name, a.Name)
				}
			}
			checkCacheRefused(t, s, &b, side, "no-such-attribute", "one")
		}
	}
}

// cacheHeading is where the page has a backend; registry is a block, too.
func cacheHeading(b schema.Backend) string { return "## " + b.Name + "\n\n" + b.Doc }

// cacheForms are the three ways to write a cache with what it needs and one attribute more.
func cacheForms(b *schema.Backend, side schema.Side, name, value string) map[string]string {
	block, csv, object := "", "type="+b.Name, fmt.Sprintf("type = %q", b.Name)
	for _, a := range append(b.Attributes[:len(b.Attributes):len(b.Attributes)], schema.CacheAttribute{Name: name}) {
		v, _ := cacheSample(a)
		switch {
		case a.Name == name && a.Side == 0:
			v = value
		case a.Name == name || !a.Required || a.Side&side == 0:
			continue
		}
		block += fmt.Sprintf("    %s = %q\n", a.Name, v)
		csv += "," + a.Name + "=" + v
		object += fmt.Sprintf(", %q = %q", a.Name, v)
	}
	forms := map[string]string{
		"string": fmt.Sprintf("target \"t\" {\n  %s = [%q]\n}\n", sides[side], csv),
		"object": fmt.Sprintf("target \"t\" {\n  %s = [{ %s }]\n}\n", sides[side], object),
	}
	if hclsyntax.ValidIdentifier(name) {
		forms["block"] = fmt.Sprintf("target \"t\" {\n  %s %q {\n%s  }\n}\n", sides[side], b.Name, block)
	}
	return forms
}

func checkCacheTaken(t *testing.T, s interface{ Validate(any) error }, b *schema.Backend, side schema.Side, name, value string) {
	t.Helper()
	var first map[string]string
	for form, src := range cacheForms(b, side, name, value) {
		res := mustResolve(t, src)
		if diags := res.Validate(); diags.HasErrors() {
			t.Errorf("%s: %v\n%s", form, diags, src)
		}
		got := append(res.Targets[0].CacheFrom, res.Targets[0].CacheTo...)
		if len(got) != 1 || got[0].Attrs[name] != value {
			t.Fatalf("%s: got %+v\n%s", form, got, src)
		}
		if first == nil {
			first = got[0].Attrs
		}
		if diff := cmp.Diff(first, got[0].Attrs); diff != "" {
			t.Errorf("the forms mean different things: %s", diff)
		}
		if printed := printedForm(t, res); !strings.Contains(printed, fmt.Sprintf("%q: %q", name, value)) {
			t.Errorf("%s: not in print:\n%s", form, printed)
		}
		if err := conformsText(t, s, src); err != nil {
			t.Errorf("%s: %v\n%s", form, err, src)
		}
	}
}

func checkCacheRefused(t *testing.T, s interface{ Validate(any) error }, b *schema.Backend, side schema.Side, name, value string) {
	t.Helper()
	for form, src := range cacheForms(b, side, name, value) {
		if diags := problems(t, src); !diags.HasErrors() {
			t.Errorf("%s is taken:\n%s", form, src)
		}
		if conformsText(t, s, src) == nil {
			t.Errorf("the schema allows the %s\n%s", form, src)
		}
	}
}

// problems are what is said of a text up to the check of its caches.
func problems(t *testing.T, src string) hcl.Diagnostics {
	t.Helper()
	var res *config.Resolution
	res, diags := resolveText(t, src)
	if diags.HasErrors() {
		return diags
	}
	return res.Validate()
}

func conformsText(t *testing.T, s interface{ Validate(any) error }, src string) error {
	t.Helper()
	raw, ok := jsonForm(t, []byte(src), "cache.hcl")
	if !ok {
		t.Fatalf("no JSON form:\n%s", src)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}
