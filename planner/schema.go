package planner

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// schemaID names the schema, as JSON Schema wants it.
const schemaID = "https://github.com/cachectl/cachectl/docs/plan.schema.json"

// Schema describes what JSON and Save write, as a JSON Schema (draft 2020-12). It is made from the types that are written.
func Schema() ([]byte, error) {
	doc := schemaOf(reflect.TypeFor[planJSON]())
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["$id"] = schemaID
	doc["title"] = "A plan of cachectl"
	doc["description"] = "What cachectl plan --json prints and plan -out writes, version " + FormatVersion + "."
	// Fields are added within a major version: documents with more of them are still plans.
	properties, _ := doc["properties"].(map[string]any)
	version, _ := properties["format_version"].(map[string]any)
	version["pattern"] = fmt.Sprintf(`^%s\.[0-9]+$`, major(FormatVersion))
	raw, err := json.MarshalIndent(doc, "", "  ")
	return append(raw, '\n'), err
}

func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return schemaOfStruct(t)
	}
	panic("no schema for " + t.String()) // a type that no plan is made of
}

func schemaOfStruct(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		s := schemaOf(field.Type)
		s["description"] = field.Tag.Get("doc")
		if enum := field.Tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, ",")
		}
		properties[name] = s
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}
