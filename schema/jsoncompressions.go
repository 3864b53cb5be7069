package schema

import "strconv"

// compressionRules hold levels to those of the compression, and Docker's media types to what they can name.
func compressionRules(b *Backend, byDefault string) []any {
	var rules []any
	var oci []string
	for _, c := range Compressions {
		when := object{"properties": object{"compression": object{"const": c.Name}}}
		if c.Name != byDefault {
			when["required"] = []string{"compression"}
		}
		level := object{"type": "null"}
		if c.Levels != NoLevels {
			level = or(object{"type": nullable("integer"), "minimum": 0, "maximum": c.Levels}, object{"enum": numerals(c.Levels)})
		}
		rules = append(rules, object{"if": when, "then": object{"properties": object{"compression-level": level}}})
		if c.OCI {
			oci = append(oci, c.Name)
		}
	}
	if a := b.Attribute("oci-mediatypes"); a == nil || a.Ignored {
		return rules
	}
	return append(rules, object{
		"if": object{"properties": object{"oci-mediatypes": object{"enum": spelled(false)}}, "required": []string{"oci-mediatypes"}},
		"then": object{"properties": object{
			"compression": object{"not": object{"enum": oci}}, "image-manifest": object{"not": object{"enum": spelled(true)}},
		}},
	})
}

// numerals are the numbers from 0 to n as strings.
func numerals(n int) []string {
	var list []string
	for i := range n + 1 {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

// spelled are all ways to write a truth in JSON.
func spelled(truth bool) []any {
	list := []any{truth}
	for _, s := range truths {
		if b, err := strconv.ParseBool(s); err == nil && b == truth {
			list = append(list, s)
		}
	}
	return list
}
