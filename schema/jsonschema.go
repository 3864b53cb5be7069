package schema

import (
	"bytes"
	"encoding/json"
)

// object is a part of the document. Its keys are written in alphabetical order, so the document is always the same.
type object = map[string]any

// JSONSchema is a JSON Schema of the JSON form of a configuration (cache.json, docker-bake.json), made from the tables. It is draft 7, the newest that
// the JSON language servers of editors support wholly. Strings with ${…} or %{…} are allowed wherever they are evaluated, so what an expression gives
// is not judged. Attributes at the top of a file are values, of any name; unknown names inside blocks are refused.
func JSONSchema() ([]byte, error) {
	properties := object{"//": comment(), "$schema": object{"type": "string", "description": "Where this schema is, for editors."}}
	definitions := object{"template": template()}
	for i := range Blocks {
		b := &Blocks[i]
		properties[b.Name] = blocksOf(b)
		definitions[b.Name] = bodyOf(b)
	}
	definitions[Validation.Name] = bodyOf(&Validation)
	addCaches(definitions)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "cachectl configuration",
		"description": "The JSON form of cache.hcl, and of Docker Bake's files.",
		"type":        "object",
		"properties":  properties,
		"definitions": definitions,
	})
	return out.Bytes(), err
}

// blocksOf allows what HCL's JSON form does for a kind of block: an object of bodies by label, or a list of such; for a body also a list of bodies.
func blocksOf(b *Block) object {
	body := oneOrMany(reference(b.Name))
	if b.Label == "" {
		return body
	}
	labelled := object{"type": "object", "description": b.Doc, "properties": object{"//": comment()}, "additionalProperties": body}
	if b.LabelForm != "" {
		labelled["patternProperties"] = object{b.LabelForm: body}
		labelled["additionalProperties"] = object{"allOf": []any{body, oneOrMany(object{"required": []string{b.Computed}, "type": "object"})}}
	}
	out := oneOrMany(labelled)
	out["description"] = b.Doc
	return out
}

// bodyOf allows the attributes of a block and nothing else.
func bodyOf(b *Block) object {
	properties := object{"//": comment()}
	required := []string{}
	needs := object{}
	for i := range b.Attributes {
		a := &b.Attributes[i]
		properties[a.Name] = described(valueOf(a), a.Doc)
		if a.Required {
			required = append(required, a.Name)
		}
		if a.Needs != "" {
			needs[a.Name] = []string{a.Needs}
		}
	}
	if b.Name == Variable.Name {
		properties[Validation.Name] = described(oneOrMany(reference(Validation.Name)), Validation.Doc)
	}
	out := object{"type": "object", "description": b.Doc, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if len(needs) > 0 {
		out["dependencies"] = needs
	}
	return out
}

func described(o object, doc string) object {
	o["description"] = doc
	return o
}

func reference(definition string) object { return object{"$ref": "#/definitions/" + definition} }

func oneOrMany(one object) object {
	return object{"anyOf": []any{one, object{"type": "array", "items": one}}}
}

// comment is the key that HCL's JSON form leaves out of everything.
func comment() object { return object{"description": "A comment."} }

// template is a string that holds an expression, whose value only evaluation knows.
func template() object {
	return object{"type": "string", "pattern": `[$%]\{`, "description": "A string with an expression in it."}
}

// or is any of some schemas, or a template.
func or(list ...any) object { return object{"anyOf": append(list, reference("template"))} }
