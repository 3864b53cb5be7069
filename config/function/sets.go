package function

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// sets holds functions over sets.
func sets() []entry {
	return []entry{
		{name: "sethaselement", fn: stdlib.SetHasElementFunc},
		{name: "setintersection", fn: stdlib.SetIntersectionFunc},
		{name: "setproduct", fn: stdlib.SetProductFunc, guard: guardSetProduct},
		{name: "setsubtract", fn: stdlib.SetSubtractFunc},
		{name: "setsymmetricdifference", fn: stdlib.SetSymmetricDifferenceFunc},
		{name: "setunion", fn: stdlib.SetUnionFunc},
	}
}

// guardSetProduct counts the combinations and their members.
func guardSetProduct(args []cty.Value) error {
	combinations := 1
	for _, arg := range args {
		n := length(arg)
		if n == 0 {
			return nil // unknown, or an empty product
		}
		if combinations *= n; combinations > MaxElements {
			return tooMany(combinations)
		}
	}
	return tooMany(combinations * (1 + len(args)))
}
