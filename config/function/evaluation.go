package function

import (
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
)

// evaluation holds the functions that take expressions or types, not values. They are used as they are: what they evaluate is
// bounded where it is called.
func evaluation() []entry {
	return []entry{
		{name: "can", fn: tryfunc.CanFunc, direct: true},
		{name: "convert", fn: typeexpr.ConvertFunc, direct: true},
		{name: "try", fn: tryfunc.TryFunc, direct: true},
	}
}
