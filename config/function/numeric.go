package function

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// numeric holds arithmetic. Division by zero is infinity and a remainder by zero is the dividend, as in Bake.
func numeric() []entry {
	return []entry{
		{name: "absolute", fn: stdlib.AbsoluteFunc},
		{name: "add", fn: stdlib.AddFunc},
		{name: "ceil", fn: stdlib.CeilFunc},
		{name: "divide", fn: stdlib.DivideFunc},
		{name: "floor", fn: stdlib.FloorFunc},
		{name: "int", fn: stdlib.IntFunc},
		{name: "log", fn: stdlib.LogFunc},
		{name: "max", fn: stdlib.MaxFunc},
		{name: "min", fn: stdlib.MinFunc},
		{name: "modulo", fn: stdlib.ModuloFunc},
		{name: "multiply", fn: stdlib.MultiplyFunc},
		{name: "negate", fn: stdlib.NegateFunc},
		{name: "parseint", fn: stdlib.ParseIntFunc, guard: guardParseInt},
		{name: "pow", fn: stdlib.PowFunc},
		{name: "range", fn: stdlib.RangeFunc}, // cty's own limit is 1024 elements
		{name: "signum", fn: stdlib.SignumFunc},
		{name: "subtract", fn: stdlib.SubtractFunc},
	}
}

// logic holds comparisons and boolean operators.
func logic() []entry {
	return []entry{
		{name: "and", fn: stdlib.AndFunc},
		{name: "equal", fn: stdlib.EqualFunc},
		{name: "greaterthan", fn: stdlib.GreaterThanFunc},
		{name: "greaterthanorequalto", fn: stdlib.GreaterThanOrEqualToFunc},
		{name: "lessthan", fn: stdlib.LessThanFunc},
		{name: "lessthanorequalto", fn: stdlib.LessThanOrEqualToFunc},
		{name: "not", fn: stdlib.NotFunc},
		{name: "notequal", fn: stdlib.NotEqualFunc},
		{name: "or", fn: stdlib.OrFunc},
	}
}

func guardParseInt(args []cty.Value) error {
	if n := len(text(args, 0)); n > MaxDigits {
		return function.NewArgError(0, fmt.Errorf("the text has %d characters; the limit is %d", n, MaxDigits))
	}
	return nil
}
