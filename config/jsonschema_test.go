package config_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/cachectl/cachectl/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled is the schema, checked against the draft that it names.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := schema.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("cache.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("cache.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// conforms is nil for a document that the schema allows.
func conforms(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return s.Validate(doc)
}

// exampleFiles are the configurations that are shown to people.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../cache.hcl.example", "../examples/*/*.hcl", "../examples/*/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 5 {
		t.Fatalf("only %d examples were found", len(files))
	}
	return files
}

// loadText loads one file from memory and resolves all of it.
func loadText(t *testing.T, src []byte) (*config.Resolution, hcl.Diagnostics) {
	t.Helper()
	c, diags := config.Load(t.Context(), config.Options{
		Files: []string{"-"}, Stdin: bytes.NewReader(src), StdinName: strictName(src), Dir: "..", LookupEnv: func(string) (string, bool) { return "", false },
	})
	if diags.HasErrors() {
		return nil, diags
	}
	var names []string
	for _, l := range c.Names() {
		if l.Kind != "variable" {
			names = append(names, l.Name)
		}
	}
	res, more := c.Resolve(config.Selection{Names: names})
	return res, append(diags, more...)
}

// strictName makes a text a file of ours.
func strictName(src []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
		return "cache.json"
	}
	return "cache.hcl"
}

func TestTheJSONSchemaAllowsEveryExample(t *testing.T) {
	s := compiled(t)
	for _, path := range exampleFiles(t) {
		t.Run(path, func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			form := src
			if !strings.HasSuffix(path, ".json") {
				var ok bool
				if form, ok = jsonForm(t, src, path); !ok {
					t.Fatal("the example has no JSON form")
				}
			}
			if err := conforms(t, s, form); err != nil {
				t.Errorf("%v\n%s", err, form)
			}
			sameMeaning(t, src, form)
		})
	}
}

// sameMeaning compares what two texts configure.
func sameMeaning(t *testing.T, a, b []byte) {
	t.Helper()
	one, diags := loadText(t, a)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	two, diags := loadText(t, b)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, b)
	}
	if diff := cmp.Diff(printedForm(t, one), printedForm(t, two)); diff != "" {
		t.Errorf("the JSON form prints something else (-HCL +JSON):\n%s", diff)
	}
	places := cmp.Options{cmpopts.IgnoreTypes(hcl.Range{})}
	if diff := cmp.Diff(one.Registries, two.Registries, places); diff != "" {
		t.Errorf("registries (-HCL +JSON):\n%s", diff)
	}
	if diff := cmp.Diff(one.Builders, two.Builders, places); diff != "" {
		t.Errorf("builders (-HCL +JSON):\n%s", diff)
	}
}

func printedForm(t *testing.T, r *config.Resolution) string {
	t.Helper()
	raw, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// expressible are the errors that are about the form of one block or value, which is what a JSON Schema can tell.
var expressible = []string{
	"Unknown attribute", "Missing attribute", "Unknown cache attribute", "Misplaced cache attribute", "Missing cache attribute",
	"Invalid cache attribute", "Unknown cache backend", "Inline cache has no location", "Invalid matrix", "Unsuitable value",
	"Name without matrix", "Incomplete transfer",
}

// beyondSchema are files with such errors that a JSON Schema cannot tell, and why.
var beyondSchema = map[string]string{
	"s3-without-bucket.hcl":           "the environment may have the bucket",
	"control-character.hcl":           "strings are not looked into",
	"attest-no-type.hcl":              "strings are not looked into",
	"secret-type.hcl":                 "strings are not looked into",
	"secret-unknown-key.hcl":          "strings are not looked into",
	"reference-unknown-attribute.hcl": "references are not followed",
}

func TestTheJSONSchemaRefusesWhatItCanTell(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/error/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		form, ok := jsonForm(t, src, path)
		if !ok {
			continue
		}
		wrong := slices.ContainsFunc(strings.Split(string(src), "\n"), func(line string) bool {
			m := expectation.FindStringSubmatch(line)
			return m != nil && m[1] == "ERROR" && slices.Contains(expressible, m[2])
		})
		got := conforms(t, s, form)
		reason, beyond := beyondSchema[filepath.Base(path)]
		switch {
		case got != nil:
			refused++
			if beyond {
				t.Errorf("%s is refused after all, although %s", path, reason)
			}
		case wrong && !beyond:
			t.Errorf("%s is allowed:\n%s", path, form)
		}
	}
	if refused < 25 {
		t.Errorf("only %d files were refused", refused)
	}
	for _, name := range slices.Sorted(maps.Keys(beyondSchema)) {
		if !slices.Contains(files, filepath.Join("testdata/error", name)) {
			t.Errorf("there is no file %s", name)
		}
	}
}

// TestTheJSONSchemaAllowsBakesFiles takes every JSON file of the corpus that Bake takes.
func TestTheJSONSchemaAllowsBakesFiles(t *testing.T) {
	s := compiled(t)
	for _, c := range bakeCorpus(t) {
		if !slices.ContainsFunc(c.Runs, func(r bakecorpus.Run) bool { return !r.Fails }) {
			continue
		}
		for _, f := range c.Files {
			if !strings.HasSuffix(f.Name, ".json") || !strings.Contains(f.Name, "bake") {
				continue
			}
			if err := conforms(t, s, f.Data); err != nil {
				t.Errorf("%s: %s: %v\n%s", c.Name, f.Name, err, f.Data)
			}
		}
	}
}
