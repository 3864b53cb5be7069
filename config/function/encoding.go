package function

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/go-cty-funcs/encoding"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// encodings holds the functions that read and write other forms of text.
func encodings() []entry {
	return []entry{
		{name: "base64decode", fn: base64DecodeFunc()},
		{name: "base64encode", fn: encoding.Base64EncodeFunc, about: "Encodes a string as base64."},
		{name: "csvdecode", fn: stdlib.CSVDecodeFunc, guard: guardCSV},
		{name: "jsondecode", fn: stdlib.JSONDecodeFunc, guard: guardJSON},
		{name: "jsonencode", fn: stdlib.JSONEncodeFunc},
		{name: "urlencode", fn: encoding.URLEncodeFunc, about: "Escapes a string for use in the query of a URL."},
	}
}

// base64DecodeFunc is ours because go-cty-funcs' writes what it could not decode to the process's log and into its error, and
// what is decoded here may be a secret.
func base64DecodeFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Decodes base64 to a string, which must be UTF-8.",
		Params:      []function.Parameter{{Name: "str", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			decoded, err := base64.StdEncoding.DecodeString(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "not base64: %w", err)
			}
			if !utf8.Valid(decoded) {
				return cty.NilVal, errors.New("the decoded bytes are not valid UTF-8")
			}
			return cty.StringVal(string(decoded)), nil
		},
	})
}

// guardCSV counts separators, of which there is one for each field but the last.
func guardCSV(args []cty.Value) error {
	str := text(args, 0)
	return tooMany(strings.Count(str, ",") + strings.Count(str, "\n"))
}

// guardJSON bounds nesting, which the decoder follows by recursion, and the number of elements.
func guardJSON(args []cty.Value) error {
	depth, elements := 0, 0
	quoted := false
	str := text(args, 0)
	for i := 0; i < len(str); i++ {
		switch c := str[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			elements++
			if depth++; depth > MaxDepth {
				return errTooDeep
			}
		case c == ']' || c == '}':
			depth--
		case c == ',':
			elements++
		}
	}
	return tooMany(elements)
}
