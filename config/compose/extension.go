package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// extend applies the x-bake section of a build: lists and contexts are added to what the build says, switches replace it. Unknown keys are passed over, as in Bake.
func extend(a attributes, section any) error {
	if section == nil {
		return nil
	}
	fields, ok := section.(map[string]any)
	if !ok {
		return fmt.Errorf("must be a map, not %s", kind(section))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := extendBy(a, name, fields[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func extendBy(a attributes, name string, value any) error {
	if value == nil {
		return nil
	}
	switch name {
	case "tags", "cache-from", "cache-to", "secret", "ssh", "platforms", "output", "no-cache-filter":
		items, err := stringsOf(value)
		if err != nil {
			return err
		}
		a.join(name, items)
	case "pull", "no-cache":
		on, ok := value.(bool)
		if !ok {
			return fmt.Errorf("must be true or false, not %s", kind(value))
		}
		a[name] = cty.BoolVal(on)
	case "contexts":
		return extendContexts(a, value)
	}
	return nil
}

// extendContexts adds contexts; one that the build names itself stays as it is.
func extendContexts(a attributes, value any) error {
	entries, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("must be a map, not %s", kind(value))
	}
	added := map[string]string{}
	for name, v := range entries {
		text, ok := scalar(v)
		if !ok {
			return fmt.Errorf("%s must be a string, not %s", name, kind(v))
		}
		added[name] = text
	}
	contexts := links(added)
	if before, ok := a["contexts"]; ok {
		for name, v := range before.AsValueMap() {
			contexts[name] = v.AsString()
		}
	}
	a.table("contexts", contexts)
	return nil
}

// stringsOf reads a list of strings, or one string of words between spaces.
func stringsOf(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		text, ok := scalar(value)
		if !ok {
			return nil, fmt.Errorf("must be a list of strings, not %s", kind(value))
		}
		return strings.Fields(text), nil
	}
	items := make([]string, len(list))
	for i, item := range list {
		text, ok := scalar(item)
		if !ok {
			return nil, fmt.Errorf("element %d must be a string, not %s", i+1, kind(item))
		}
		items[i] = text
	}
	return items, nil
}

// scalar is a YAML scalar as text; null is empty.
func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return value, true
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(value), true
	}
	return "", false
}

func kind(value any) string {
	switch value.(type) {
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	}
	return "a number"
}
