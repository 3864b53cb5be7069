package config

import (
	"maps"
	"slices"
	"strings"

	library "github.com/cachectl/cachectl/config/function"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// impure marks values that came out of a function that gives another result each time, with the function's name.
type impure string

// marking returns functions of which the impure ones mark what they return.
func marking(functions map[string]function.Function) map[string]function.Function {
	out := maps.Clone(functions)
	for name, f := range functions {
		if library.Impure(name) {
			out[name] = markingOne(name, f)
		}
	}
	return out
}

func markingOne(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(),
		Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err != nil {
				return v, err
			}
			return v.Mark(impure(name)), nil
		},
	})
}

// impureIn are the impure functions that a value came out of, sorted.
func impureIn(marks cty.ValueMarks) []string {
	var names []string
	for m := range marks {
		if name, ok := m.(impure); ok {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names
}

// warnImpure reports an attribute that decides cache keys and is different in every run.
func warnImpure(a *schema.Attribute, marks cty.ValueMarks, at hcl.Range) hcl.Diagnostics {
	names := impureIn(marks)
	if len(names) == 0 || !a.Key {
		return nil
	}
	return hcl.Diagnostics{warningf(&at, "Cache key changes in every run",
		"%q depends on %s(), which is different each time, and it decides what can be taken from a cache: steps that use it never hit. Give it a variable that a release sets, or use a label or a tag instead.",
		a.Name, strings.Join(names, "() and "))}
}
