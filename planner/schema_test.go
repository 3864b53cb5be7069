package planner_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../docs/plan.schema.json"

func TestTheSchemaIsFreshAndDescribesEveryField(t *testing.T) {
	got, err := planner.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/plan.schema.json is not what plans are; run the test with -update (-page +code):\n%s", diff)
	}
	if strings.Contains(string(got), `"description": ""`) {
		t.Errorf("a field has no description:\n%s", got)
	}
}

// compiled is the committed schema, ready to check documents.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlansAreWhatTheSchemaSays(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/*/plan.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	check := func(name string, raw []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return s.Validate(doc)
	}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(path, raw); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	p := plan(t, "testdata/shared", "cache.hcl")
	raw, err := p.Save(saved(p))
	if err != nil {
		t.Fatal(err)
	}
	if err := check("saved", raw); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(map[string]any){
		"no version":    func(m map[string]any) { delete(m, "format_version") },
		"another major": func(m map[string]any) { m["format_version"] = "2.0" },
		"no steps":      func(m map[string]any) { delete(m, "steps") },
		"no such kind":  func(m map[string]any) { m["steps"] = []any{map[string]any{"id": "a", "kind": "dance"}} },
	} {
		var doc map[string]any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		change(doc)
		changed, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if check(name, changed) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}
