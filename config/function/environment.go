package function

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func environment(opts Options) []entry {
	return []entry{{name: "env", fn: envFunc(opts.Env)}}
}

// envFunc reads an environment variable. One that is not set is an error unless a default is given: an empty string in its place
// would show up as a broken ref much later.
func envFunc(lookup func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Description: "Returns an environment variable, or the second argument where it is not set.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam:    &function.Parameter{Name: "default", Type: cty.String},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, fmt.Errorf("takes a name and one default; %d arguments given", len(args))
			}
			name := args[0].AsString()
			if value, ok := lookup(name); ok {
				return cty.StringVal(value), nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return cty.NilVal, fmt.Errorf("environment variable %s is not set; env(%q, \"…\") gives a default", name, name)
		},
	})
}
