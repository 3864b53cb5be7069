package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
)

// These tests go through the tables of package schema and use every entry. An entry that decoding, merging, --set, print, the JSON Schema or the
// reference does not follow fails them; completion is tested with the command line.

// shaping attributes say which targets there are; they are no values of a target and have tests of their own.
var shaping = []string{"inherits", "name", "matrix"}

func TestEveryAttributeOfATargetIsFollowed(t *testing.T) {
	for i := range schema.Target.Attributes {
		a := &schema.Target.Attributes[i]
		if slices.Contains(shaping, a.Name) {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			s := sampleOf(t, "target", a)
			first, second := printedValue(t, a, one(a, s.first)), printedValue(t, a, one(a, s.second))
			if first == nil || second == nil || cmp.Equal(first, second) {
				t.Fatalf("print says %v and %v", first, second)
			}
			checkMerge(t, a, s, first, second)
			checkSet(t, a, s, first, second)
			if _, diags := resolveText(t, one(a, s.wrong)); !diags.HasErrors() {
				t.Errorf("%s = %s is taken", a.Name, s.wrong)
			}
			if cmp.Equal(mustResolve(t, one(a, s.first)).Targets, mustResolve(t, `target "t" {}`).Targets, ignoringPlaces) {
				t.Error("the target does not have what was written")
			}
			if a.Kind != schema.Policies { // Bake prints these in a form that it does not read
				printed := printedForm(t, mustResolve(t, one(a, s.first)))
				if diff := cmp.Diff(printed, printedForm(t, mustResolve(t, printed))); diff != "" {
					t.Errorf("what print says is read differently (-first +again):\n%s", diff)
				}
			}
		})
	}
}

func one(a *schema.Attribute, value string) string {
	return fmt.Sprintf("target \"t\" {\n  %s = %s\n}\n", a.Name, value)
}

// checkMerge writes an attribute in a parent and in its child, and in two blocks of one name.
func checkMerge(t *testing.T, a *schema.Attribute, s sample, first, second any) {
	t.Helper()
	want := second
	switch a.Merge {
	case schema.Append, schema.ByID:
		want = slices.Concat(first.([]any), second.([]any))
	case schema.PerKey:
		union := maps.Clone(first.(map[string]any))
		maps.Copy(union, second.(map[string]any))
		want = union
	}
	inherited := fmt.Sprintf("target \"base\" {\n  %s = %s\n}\ntarget \"t\" {\n  inherits = [\"base\"]\n  %s = %s\n}\n", a.Name, s.first, a.Name, s.second)
	if diff := cmp.Diff(want, printedValue(t, a, inherited)); diff != "" {
		t.Errorf("inherited (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, printedValue(t, a, one(a, s.first)+one(a, s.second))); diff != "" {
		t.Errorf("written twice (-want +got):\n%s", diff)
	}
	kept := fmt.Sprintf("target \"base\" {\n  %s = %s\n}\ntarget \"t\" {\n  inherits = [\"base\"]\n}\n", a.Name, s.first)
	if diff := cmp.Diff(first, printedValue(t, a, kept)); diff != "" {
		t.Errorf("not written again (-want +got):\n%s", diff)
	}
}

// checkSet changes an attribute with --set.
func checkSet(t *testing.T, a *schema.Attribute, s sample, first, second any) {
	t.Helper()
	option := "t." + a.SetKeyName() + s.set
	if a.Set == schema.NotSettable {
		if _, diags := resolveText(t, `target "t" {}`, option); !diags.HasErrors() {
			t.Errorf("--set %s is taken, and the table says it is not", option)
		}
		return
	}
	if diff := cmp.Diff(second, printedValue(t, a, `target "t" {}`, option)); diff != "" {
		t.Errorf("--set %s (-want +got):\n%s", option, diff)
	}
	if a.Set == schema.SetList {
		added := strings.Replace(option, "=", "+=", 1)
		if diff := cmp.Diff(slices.Concat(first.([]any), second.([]any)), printedValue(t, a, one(a, s.first), added)); diff != "" {
			t.Errorf("--set %s (-want +got):\n%s", added, diff)
		}
	}
}

var ignoringPlaces = cmp.Options{
	cmpopts.IgnoreTypes(hcl.Range{}, map[string]hcl.Range{}), cmpopts.IgnoreUnexported(config.Schedule{}),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
}

// resolveText loads a text, strictly, and resolves all of it.
func resolveText(t *testing.T, src string, sets ...string) (*config.Resolution, hcl.Diagnostics) {
	t.Helper()
	c, diags := config.Load(t.Context(), config.Options{
		Files: []string{"-"}, Stdin: strings.NewReader(src), StdinName: strictName([]byte(src)), Dir: t.TempDir(), LookupEnv: func(string) (string, bool) { return "", false },
	})
	if diags.HasErrors() {
		return nil, diags
	}
	var names []string
	for _, l := range c.Names() {
		if l.Kind == "target" || l.Kind == "group" || l.Kind == "transfer" {
			names = append(names, l.Name)
		}
	}
	return c.Resolve(config.Selection{Names: names, Set: sets})
}

func mustResolve(t *testing.T, src string, sets ...string) *config.Resolution {
	t.Helper()
	res, diags := resolveText(t, src, sets...)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, src)
	}
	return res
}

// printedValue is an attribute of target "t" as print shows it.
func printedValue(t *testing.T, a *schema.Attribute, src string, sets ...string) any {
	t.Helper()
	var doc struct {
		Target map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(printedForm(t, mustResolve(t, src, sets...))), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Target["t"][a.Name]
}

// minimal is a block with what it must have, and more.
func minimal(t *testing.T, b *schema.Block, more *schema.Attribute, value string) string {
	t.Helper()
	var text strings.Builder
	label := ""
	if b.Label != "" {
		label = ` "t"`
	}
	fmt.Fprintf(&text, "%s%s {\n", b.Name, label)
	for i := range b.Attributes {
		a := &b.Attributes[i]
		switch {
		case more != nil && a.Name == more.Name:
			fmt.Fprintf(&text, "  %s = %s\n", a.Name, value)
		case a.Required, more != nil && more.Needs == a.Name:
			fmt.Fprintf(&text, "  %s = %s\n", a.Name, sampleOf(t, b.Name, a).first)
		}
	}
	return text.String() + "}\n"
}

// TestEveryAttributeOfTheOtherBlocksIsDecoded compares what is resolved with and without each attribute.
func TestEveryAttributeOfTheOtherBlocksIsDecoded(t *testing.T) {
	const members = "target \"one\" {}\ntarget \"two\" {}\n"
	for _, b := range schema.Blocks {
		switch b.Name {
		case "target", "variable", "function":
			continue
		case "import": // needs another file: see the script import.txtar
			continue
		}
		for i := range b.Attributes {
			a := &b.Attributes[i]
			t.Run(b.Name+"."+a.Name, func(t *testing.T) {
				s := sampleOf(t, b.Name, a)
				before := members + minimal(t, &b, nil, "")
				if a.Required {
					before = members + minimal(t, &b, a, s.second)
				}
				after := members + minimal(t, &b, a, s.first)
				if b.Name == "registry" { // only a host of this machine can be served
					before, after = strings.Replace(before, `"t"`, `"localhost:1"`, 1), strings.Replace(after, `"t"`, `"localhost:1"`, 1)
				}
				if cmp.Equal(mustResolve(t, before), mustResolve(t, after), ignoringPlaces, cmpopts.IgnoreUnexported(config.Resolution{})) {
					t.Errorf("%s.%s changes nothing", b.Name, a.Name)
				}
				if _, diags := resolveText(t, members+minimal(t, &b, a, s.wrong)); !diags.HasErrors() {
					t.Errorf("%s = %s is taken", a.Name, s.wrong)
				}
			})
		}
	}
}

// TestEveryAttributeOfVariablesAndFunctionsCounts compares what a target is with and without each of these; they have no values of their own.
func TestEveryAttributeOfVariablesAndFunctionsCounts(t *testing.T) {
	cases := map[string][2]string{
		"variable.type":            {`variable "v" { default = "1" }`, "variable \"v\" {\n  default = \"1\"\n  type = number\n}"},
		"variable.default":         {`variable "v" {}`, `variable "v" { default = "1" }`},
		"variable.description":     {`variable "v" {}`, `variable "v" { description = "1" }`},
		"validation.condition":     {"variable \"v\" {\n  validation {\n    condition = true\n  }\n}", "variable \"v\" {\n  validation {\n    condition = false\n  }\n}"},
		"validation.error_message": {"variable \"v\" {\n  validation {\n    condition = false\n  }\n}", "variable \"v\" {\n  validation {\n    condition = false\n    error_message = \"said\"\n  }\n}"},
		"function.params":          {"variable \"v\" {}\nfunction \"f\" {\n  params = [a]\n  result = a\n}\ntarget \"u\" {\n  args = { u = f(1) }\n}", "variable \"v\" {}\nfunction \"f\" {\n  params = []\n  result = 2\n}\ntarget \"u\" {\n  args = { u = f() }\n}"},
		"function.variadic_params": {"variable \"v\" {}\nfunction \"f\" {\n  params = []\n  result = 0\n}\ntarget \"u\" {\n  args = { u = f() }\n}", "variable \"v\" {}\nfunction \"f\" {\n  params = []\n  variadic_params = r\n  result = length(r)\n}\ntarget \"u\" {\n  args = { u = f(1) }\n}"},
		"function.result":          {"variable \"v\" {}\nfunction \"f\" {\n  params = []\n  result = 1\n}\ntarget \"u\" {\n  args = { u = f() }\n}", "variable \"v\" {}\nfunction \"f\" {\n  params = []\n  result = 2\n}\ntarget \"u\" {\n  args = { u = f() }\n}"},
	}
	const user = "\ntarget \"t\" {\n  args = { t = jsonencode(v) }\n}\n"
	outcome := func(src string) string {
		c, diags := config.Load(t.Context(), config.Options{Files: []string{"-"}, Stdin: strings.NewReader(src + user), Dir: t.TempDir(), LookupEnv: func(string) (string, bool) { return "", false }})
		if diags.HasErrors() {
			return diags.Error()
		}
		listed := fmt.Sprintln(cmp.Diff([]config.Listing(nil), c.Names(), ignoringPlaces))
		return listed + printedForm(t, mustResolve(t, src+user))
	}
	for _, b := range []*schema.Block{&schema.Variable, &schema.Validation, &schema.Function} {
		for _, a := range b.Attributes {
			texts, ok := cases[b.Name+"."+a.Name]
			if !ok {
				t.Errorf("%s.%s has no case here that shows what it does", b.Name, a.Name)
			} else if outcome(texts[0]) == outcome(texts[1]) {
				t.Errorf("%s.%s changes nothing", b.Name, a.Name)
			}
		}
	}
}

// TestEveryAttributeIsInSchemaAndReference looks each attribute up in the JSON Schema, by what it allows, and on the page of the language.
func TestEveryAttributeIsInSchemaAndReference(t *testing.T) {
	s := compiled(t)
	for i := range schema.Blocks {
		b := &schema.Blocks[i]
		rows := section(t, "## "+b.Name)
		for i := range b.Attributes {
			a := &b.Attributes[i]
			v := sampleOf(t, b.Name, a)
			for value, right := range map[string]bool{v.first: true, v.second: true, v.wrong: false} {
				if value == "" {
					continue
				}
				form, ok := jsonForm(t, []byte(minimal(t, b, a, value)), "cache.hcl")
				if !ok {
					t.Fatalf("%s.%s = %s has no JSON form", b.Name, a.Name, value)
				}
				if got := conforms(t, s, form); (got == nil) != right {
					t.Errorf("%s: the schema says %v", form, got)
				}
			}
			if !strings.Contains(rows, "| `"+a.Name+"` |") {
				t.Errorf("%s.%s is not in docs/language.md", b.Name, a.Name)
			}
		}
	}
}

// section is a part of the page of the language, from its heading to the next.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n"+heading)
	if !ok {
		t.Fatalf("docs/language.md has no %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}
