package function

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// collections holds functions over lists, maps and objects.
func collections() []entry {
	return []entry{
		{name: "chunklist", fn: stdlib.ChunklistFunc},
		{name: "coalesce", fn: stdlib.CoalesceFunc},
		{name: "coalescelist", fn: stdlib.CoalesceListFunc},
		{name: "compact", fn: stdlib.CompactFunc},
		{name: "concat", fn: stdlib.ConcatFunc},
		{name: "contains", fn: stdlib.ContainsFunc},
		{name: "distinct", fn: stdlib.DistinctFunc, guard: guardDistinct},
		{name: "element", fn: stdlib.ElementFunc, direct: true},
		{name: "flatten", fn: stdlib.FlattenFunc},
		{name: "hasindex", fn: stdlib.HasIndexFunc, direct: true},
		{name: "index", fn: stdlib.IndexFunc, direct: true},
		{name: "indexof", fn: indexOfFunc()},
		{name: "keys", fn: stdlib.KeysFunc},
		{name: "length", fn: stdlib.LengthFunc, direct: true},
		{name: "lookup", fn: stdlib.LookupFunc, direct: true},
		{name: "merge", fn: stdlib.MergeFunc},
		{name: "reverselist", fn: stdlib.ReverseListFunc},
		{name: "slice", fn: stdlib.SliceFunc},
		{name: "sort", fn: stdlib.SortFunc},
		{name: "values", fn: stdlib.ValuesFunc},
		{name: "zipmap", fn: stdlib.ZipmapFunc},
	}
}

// indexOfFunc finds where in a list or tuple a value is.
func indexOfFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the position of the first element of a list that equals the given value.",
		Params: []function.Parameter{
			{Name: "list", Type: cty.DynamicPseudoType},
			{Name: "value", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return indexOf(args[0], args[1])
		},
	})
}

func indexOf(list, value cty.Value) (cty.Value, error) {
	if !list.Type().IsListType() && !list.Type().IsTupleType() {
		return cty.NilVal, function.NewArgErrorf(0, "must be a list or a tuple")
	}
	if list.LengthInt() == 0 {
		return cty.NilVal, function.NewArgErrorf(0, "cannot search an empty list")
	}
	for it := list.ElementIterator(); it.Next(); {
		i, element := it.Element()
		equal, err := stdlib.Equal(element, value)
		if err != nil {
			return cty.NilVal, err
		}
		if !equal.IsKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		if equal.True() {
			return i, nil
		}
	}
	return cty.NilVal, errors.New("item not found")
}

// guardDistinct bounds the comparisons: every element is compared with all that were kept. One takes about 16 times a plain step,
// so that the limit is 2048 elements.
func guardDistinct(args []cty.Value) error {
	n := length(args[0])
	return tooSlow(n, 16*n)
}
