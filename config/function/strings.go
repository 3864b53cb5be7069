package function

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// texts holds functions over strings. Positions and lengths count grapheme clusters, those of bytes* count bytes.
func texts() []entry {
	return []entry{
		{name: "byteslen", fn: stdlib.BytesLenFunc},
		{name: "bytesslice", fn: stdlib.BytesSliceFunc},
		{name: "chomp", fn: stdlib.ChompFunc},
		{name: "format", fn: stdlib.FormatFunc, guard: guardFormat},
		{name: "formatlist", fn: stdlib.FormatListFunc, guard: guardFormatList},
		{name: "indent", fn: stdlib.IndentFunc, guard: guardIndent},
		{name: "join", fn: stdlib.JoinFunc, guard: guardJoin},
		{name: "lower", fn: stdlib.LowerFunc},
		{name: "replace", fn: stdlib.ReplaceFunc, guard: guardReplace},
		{name: "reverse", fn: stdlib.ReverseFunc},
		{name: "sanitize", fn: sanitizeFunc()},
		{name: "split", fn: stdlib.SplitFunc, guard: guardSplit},
		{name: "strlen", fn: stdlib.StrlenFunc},
		{name: "substr", fn: stdlib.SubstrFunc},
		{name: "title", fn: stdlib.TitleFunc},
		{name: "trim", fn: stdlib.TrimFunc, guard: guardTrim},
		{name: "trimprefix", fn: stdlib.TrimPrefixFunc},
		{name: "trimspace", fn: stdlib.TrimSpaceFunc},
		{name: "trimsuffix", fn: stdlib.TrimSuffixFunc},
		{name: "upper", fn: stdlib.UpperFunc},
	}
}

// sanitizeFunc makes a target name of any string: every character that a name cannot have becomes "_".
func sanitizeFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Replaces every character that a target name cannot have with an underscore.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(strings.Map(nameRune, args[0].AsString())), nil
		},
	})
}

func nameRune(r rune) rune {
	if isAlphanumeric(r) || r == '_' || r == '-' {
		return r
	}
	return '_'
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func guardIndent(args []cty.Value) error {
	spaces, str := number(args, 0), text(args, 1)
	if spaces > MaxString {
		return tooLong(int(min(spaces, 1<<40)))
	}
	return tooLong(len(str) + strings.Count(str, "\n")*int(spaces))
}

func guardJoin(args []cty.Value) error {
	items, total := 0, 0
	for _, list := range args[1:] {
		items += length(list)
	}
	if items > 1 {
		total = (items - 1) * len(text(args, 0))
	}
	return tooLong(total)
}

func guardReplace(args []cty.Value) error {
	str, old, replacement := text(args, 0), text(args, 1), text(args, 2)
	return tooLong(len(str) + strings.Count(str, old)*(len(replacement)-len(old)))
}

func guardSplit(args []cty.Value) error {
	return tooMany(strings.Count(text(args, 1), text(args, 0)) + 1)
}

func guardTrim(args []cty.Value) error {
	return tooSlow(len(text(args, 0)), len(text(args, 1)))
}
