package schema

import (
	"regexp"
	"strings"
)

// cacheDefinition is what the definition of a cache entry is called.
func cacheDefinition(side Side) string {
	if side == From {
		return "cache-source"
	}
	return "cache-destination"
}

// truths are the spellings of true and false that attributes of caches take.
var truths = []string{"true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False"}

// addCaches adds the definitions of cache entries: strings and objects, for each side.
func addCaches(definitions object) {
	for _, side := range []Side{From, To} {
		name := cacheDefinition(side)
		definitions[name] = object{"if": object{"type": "string"}, "then": reference(name + "-string"), "else": reference(name + "-object")}
		definitions[name+"-string"] = entryString(side)
		definitions[name+"-object"] = entryObject(side)
		for _, b := range backendsOf(side) {
			definitions[name+"-"+b.Name] = backendObject(b, side)
		}
	}
}

// backendsOf lists the backends that a side can have.
func backendsOf(side Side) []*Backend {
	var list []*Backend
	for i := range Backends {
		if len(Backends[i].Names(side)) > 0 {
			list = append(list, &Backends[i])
		}
	}
	return list
}

// entryObject is the object form. Its type decides what else may be in it.
func entryObject(side Side) object {
	var names []string
	var rules []any
	for _, b := range backendsOf(side) {
		names = append(names, b.Name)
		rules = append(rules, object{
			"if":   object{"properties": object{"type": object{"const": b.Name}}, "required": []string{"type"}},
			"then": reference(cacheDefinition(side) + "-" + b.Name),
		})
	}
	return object{
		"type": "object", "required": []string{"type"},
		"properties": object{"type": described(or(object{"enum": names}), "Where the cache is.")},
		"allOf":      rules,
	}
}

// backendObject is the object form of one backend.
func backendObject(b *Backend, side Side) object {
	properties := object{"type": object{"type": "string"}}
	required := []string{}
	for _, a := range b.Attributes {
		if a.Side&side == 0 {
			continue
		}
		properties[a.Name] = described(cacheValue(a), cacheDoc(a))
		if a.mustBeWritten() {
			required = append(required, a.Name)
		}
	}
	out := object{"type": "object", "description": b.Doc, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// mustBeWritten tells whether nothing but the file can give the attribute.
func (a CacheAttribute) mustBeWritten() bool { return a.Required && a.Env == "" }

func cacheDoc(a CacheAttribute) string {
	doc := a.Doc
	if a.Default != "" {
		doc += " Default: " + a.Default + "."
	}
	if a.Env != "" {
		doc += " From " + a.Env + " when not written."
	}
	if a.Ignored {
		doc += " Without effect here."
	}
	return doc
}

// cacheValue allows the values of an attribute in an object.
func cacheValue(a CacheAttribute) object {
	switch {
	case len(a.Enum) > 0:
		return or(object{"enum": a.Enum}, object{"type": "null"})
	case a.Kind == Bool:
		return or(object{"type": nullable("boolean")}, object{"enum": truths}, object{"enum": []int{0, 1}})
	case a.Kind == Number:
		number := object{"type": nullable("integer")}
		if a.Form == positive {
			number["minimum"] = 1
		}
		return or(number, object{"type": "string", "pattern": "^(" + valuePattern(a) + ")$"})
	case a.Form.Pattern != "":
		others := object{"type": "null"}
		if a.Form == nameList {
			others["type"] = nullable("number", "boolean")
		}
		return or(object{"type": "string", "pattern": "^(" + a.Form.Pattern + ")$"}, others)
	}
	return object{"type": nullable(scalar...)}
}

// entryString is the string form: key=value fields separated by commas. Patterns hold it to the attributes of its type. What they cannot tell is let
// through: expressions, CSV quotes, keys in capitals or after spaces, and strings without any field, which are references.
func entryString(side Side) object {
	var forms []any
	for _, b := range backendsOf(side) {
		forms = append(forms, backendString(b, side))
	}
	forms = append(forms,
		object{"pattern": `^[^=]*$`, "description": "References of registry caches."},
		object{"pattern": `"`},
		object{"pattern": `(^|,)[^=,]*[A-Z\s][^=,]*=`},
	)
	out := or(forms...)
	out["type"] = "string"
	out["description"] = "type=NAME,attribute=value,…, or a reference."
	return out
}

// backendString is the string form of one backend, as patterns that all hold.
func backendString(b *Backend, side Side) object {
	fields := []string{"type=" + regexp.QuoteMeta(b.Name)}
	all := []any{object{"pattern": `(^|,)type=` + regexp.QuoteMeta(b.Name) + `(,|$)`}}
	for _, a := range b.Attributes {
		if a.Side&side == 0 {
			continue
		}
		fields = append(fields, regexp.QuoteMeta(a.Name)+"="+valuePattern(a))
		if a.mustBeWritten() {
			all = append(all, object{"pattern": `(^|,)` + regexp.QuoteMeta(a.Name) + `=[^,]`})
		}
	}
	field := "(" + strings.Join(fields, "|") + ")"
	return object{"description": b.Doc, "allOf": append(all, object{"pattern": "^" + field + "(," + field + ")*$"})}
}

func valuePattern(a CacheAttribute) string {
	switch {
	case len(a.Enum) > 0:
		return "(" + strings.Join(a.Enum, "|") + ")"
	case a.Kind == Bool:
		return "(" + strings.Join(truths, "|") + ")"
	case a.Form.Pattern != "":
		return "(" + a.Form.Pattern + ")"
	case a.Kind == Number:
		return "[+-]?[0-9]+"
	}
	return "[^,]*"
}
