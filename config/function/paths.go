package function

import (
	"path"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// paths holds functions over paths, which are only text to them; slashes separate, on every system.
func paths(opts Options) []entry {
	return []entry{
		{name: "basename", fn: pathFunc("Returns the last element of a path.", path.Base)},
		{name: "dirname", fn: pathFunc("Returns all but the last element of a path.", path.Dir)},
		{name: "homedir", fn: homedirFunc(opts.Home)},
	}
}

func pathFunc(about string, of func(string) string) function.Function {
	return function.New(&function.Spec{
		Description: about,
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(of(args[0].AsString())), nil
		},
	})
}

func homedirFunc(home func() (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the user's home directory.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			dir, err := home()
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(dir), nil
		},
	})
}
