package function

import (
	"fmt"
	"io"

	"github.com/Masterminds/semver/v3"
	googleuuid "github.com/google/uuid"
	"github.com/hashicorp/go-cty-funcs/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// identifiers holds UUIDs and versions.
func identifiers(opts Options) []entry {
	return []entry{
		{name: "semvercmp", fn: semverCompareFunc(), guard: guardVersion},
		{name: "uuidv4", fn: uuidV4Func(opts.Rand)},
		{name: "uuidv5", fn: uuid.V5Func, about: "Returns the UUID of a name within a namespace: dns, url, oid, x500 or a UUID."},
	}
}

func uuidV4Func(random io.Reader) function.Function {
	return function.New(&function.Spec{
		Description: "Returns a random UUID, another one each time.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			id, err := googleuuid.NewRandomFromReader(random)
			if err != nil {
				return cty.NilVal, fmt.Errorf("read random bytes: %w", err)
			}
			return cty.StringVal(id.String()), nil
		},
	})
}

func semverCompareFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Reports whether a version satisfies a constraint.",
		Params: []function.Parameter{
			{Name: "version", Type: cty.String},
			{Name: "constraint", Type: cty.String},
		},
		Type: function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			version, err := semver.NewVersion(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			constraint, err := semver.NewConstraint(args[1].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			return cty.BoolVal(constraint.Check(version)), nil
		},
	})
}

func guardVersion(args []cty.Value) error {
	for i := range args {
		if n := len(text(args, i)); n > MaxVersion {
			return function.NewArgError(i, fmt.Errorf("the text has %d bytes; the limit is %d", n, MaxVersion))
		}
	}
	return nil
}
