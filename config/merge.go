package config

import (
	"maps"
	"slices"

	"github.com/cachectl/cachectl/schema"
)

// merged returns base with over on top, by the merge rules of the schema.
func (c *Config) merged(base, over attributes) attributes {
	out := maps.Clone(base)
	if out == nil {
		out = attributes{}
	}
	for name, v := range over {
		if a := schema.Target.Attribute(name); a != nil {
			out[name] = c.mergedValue(a, out[name], v)
		}
	}
	return out
}

func (c *Config) mergedValue(a *schema.Attribute, base, over *value) *value {
	if base == nil {
		return c.normal(a, over)
	}
	if over == nil {
		return base
	}
	out := &value{text: over.text, truth: over.truth, list: over.list, dict: over.dict, items: over.items, rng: over.rng}
	switch a.Merge {
	case schema.Append:
		out.list = append(slices.Clone(base.list), over.list...)
		out.items = append(slices.Clone(base.items), over.items...)
	case schema.ByID:
		out.items = append(slices.Clone(base.items), over.items...)
	case schema.PerKey:
		out.dict = maps.Clone(base.dict)
		for k, v := range over.dict {
			if v != nil {
				out.dict[k] = v
			}
		}
	}
	return c.normal(a, out)
}

// normal drops duplicates, keeping the first place and, for things with an id, the last value.
func (c *Config) normal(a *schema.Attribute, v *value) *value {
	if v == nil {
		return nil
	}
	out := *v
	switch a.Kind {
	case schema.Strings:
		if a.Name != "inherits" {
			out.list = unique(v.list)
		}
	case schema.Caches, schema.Outputs:
		if c.strict {
			out.items = distinct(v.items)
		} else {
			out.items = distinctAsBake(v.items)
		}
	case schema.Secrets, schema.Agents, schema.Attests:
		out.items = byID(a.Kind, v.items)
	case schema.Map:
		out.dict = maps.Clone(v.dict)
		if a.Name != "args" && a.Name != "labels" && a.Name != "extra-hosts" {
			break
		}
		maps.DeleteFunc(out.dict, func(_ string, v *string) bool { return v == nil })
	}
	if out.list == nil && v.list != nil {
		out.list = []string{}
	}
	if out.items == nil && v.items != nil {
		out.items = []item{}
	}
	return &out
}

// distinct drops entries that equal an earlier one.
func distinct(list []item) []item {
	var out []item
	for _, i := range list {
		if !slices.ContainsFunc(out, i.equal) {
			out = append(out, i)
		}
	}
	return out
}

// distinctAsBake drops repeated entries as Bake does (buildx, util/buildflags/utils.go, removeDupes): the last entry takes the place of a
// repeated one, so what follows a repetition changes its order.
func distinctAsBake(list []item) []item {
	out := slices.Clone(list)
	for i := len(out) - 2; i >= 0; i-- {
		for j := i + 1; j < len(out); j++ {
			if out[i].equal(out[j]) {
				out[j] = out[len(out)-1]
				out = out[:len(out)-1]
				break
			}
		}
	}
	return out
}

// unique drops repeated and empty strings.
func unique(list []string) []string {
	out := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func byID(kind schema.Kind, list []item) []item {
	key := "id"
	if kind == schema.Attests {
		key = "type"
	}
	out := []item{}
	at := map[string]int{}
	for _, i := range list {
		if n, ok := at[i.attrs[key]]; ok {
			out[n] = i
			continue
		}
		at[i.attrs[key]] = len(out)
		out = append(out, i)
	}
	return out
}
