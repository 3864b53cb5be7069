package schema

// scalar is what is converted to a string without loss.
var scalar = []string{"string", "number", "boolean"}

// nullable adds null, which stands for an attribute that is not set.
func nullable(types ...string) []string { return append(types[:len(types):len(types)], "null") }

// valueOf allows what decoding takes for an attribute of a block.
func valueOf(a *Attribute) object {
	switch a.Kind {
	case String:
		return object{"type": nullable(scalar...)}
	case Bool:
		return or(object{"type": nullable("boolean")}, object{"enum": []string{"true", "false", "1", "0"}})
	case Number:
		return or(object{"type": nullable("number")}, object{"type": "string", "pattern": `^[0-9.]+$`})
	case Strings:
		return or(object{"type": nullable("array"), "items": object{"type": scalar}})
	case Map, Resources:
		return or(object{"type": nullable("object"), "additionalProperties": object{"type": nullable(scalar...)}})
	case Matrix:
		return or(object{"type": "object", "additionalProperties": or(object{"type": "array"})})
	case Caches:
		return or(object{"type": "array", "items": reference(cacheDefinition(sideOf(a.Name)))})
	case Outputs:
		return list(object{"type": "object", "properties": object{"type": object{"type": "string"}}, "required": []string{"type"}, "additionalProperties": object{"type": nullable(scalar...)}})
	case Secrets, Attests, Policies:
		return list(object{"type": "object", "additionalProperties": object{"type": nullable(scalar...)}})
	case Agents:
		return list(object{"type": "object", "additionalProperties": false, "properties": object{
			"id": object{"type": nullable(scalar...)}, "paths": or(object{"type": nullable("array"), "items": object{"type": scalar}}),
		}})
	}
	return object{}
}

// list is a list whose items are strings or objects of one form. It is never null.
func list(item object) object {
	return or(object{"type": "array", "items": object{"anyOf": []any{object{"type": "string"}, item}}})
}

// sideOf is the side that an attribute of caches is.
func sideOf(name string) Side {
	if name == "cache-from" {
		return From
	}
	return To
}
