package function

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxFormatted bounds what all verbs of a format may produce together, by a generous estimate made before the work.
const maxFormatted = 4 * MaxBytes

// verbs is what a format string asks for.
type verbs struct {
	count int
	// padding is the sum of all widths and precisions.
	padding int
}

// scanVerbs reads the verbs of a format string, as far as their cost needs; whether they are right is for cty to say.
func scanVerbs(format string) (verbs, error) {
	var v verbs
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		v.count++
		n, next := scanVerb(format, i+1)
		if v.padding += n; n > MaxString || v.padding > MaxString {
			return v, function.NewArgError(0, fmt.Errorf("widths of %d and more; the limit is %d", v.padding, MaxString))
		}
		i = next
	}
	return v, nil
}

// scanVerb reads flags, width, precision and argument number from format[i:]. It returns the sum of the numbers, at most a little
// above MaxString, and the index of the character that ends the verb.
func scanVerb(format string, i int) (padding, end int) {
	n := 0
	for ; i < len(format); i++ {
		c := format[i]
		switch {
		case c >= '0' && c <= '9':
			n = min(10*n+int(c-'0'), 2*MaxString)
		case c == '.' || c == '[' || c == ']' || c == '#' || c == '-' || c == '+' || c == ' ':
			padding = min(padding+n, 2*MaxString)
			n = 0
		default:
			return min(padding+n, 2*MaxString), i
		}
	}
	return min(padding+n, 2*MaxString), i
}

// guardFormat bounds the result by its verbs: each can print its width and any one argument.
func guardFormat(args []cty.Value) error {
	v, err := scanVerbs(text(args, 0))
	if err != nil {
		return err
	}
	largest := 0
	for _, arg := range args[1:] {
		largest = max(largest, weight(arg))
	}
	return affordable(v, 1, largest)
}

// guardFormatList does the same for as many results as the longest list has elements.
func guardFormatList(args []cty.Value) error {
	v, err := scanVerbs(text(args, 0))
	if err != nil {
		return err
	}
	rows, largest := 1, 0
	for _, arg := range args[1:] {
		if !arg.IsNull() && (arg.Type().IsListType() || arg.Type().IsTupleType() || arg.Type().IsSetType()) {
			rows = max(rows, length(arg))
		}
	}
	if err := tooMany(rows); err != nil {
		return err
	}
	for _, arg := range args[1:] {
		cost := weight(arg)
		if n := length(arg); n > 0 && n == rows {
			cost = cost/rows + 1 // a list gives one element to each row
		}
		largest = max(largest, cost)
	}
	return affordable(v, rows, largest)
}

// affordable refuses rows results of the given verbs, each printing at most the largest argument.
func affordable(v verbs, rows, largest int) error {
	if cost := rows * (v.padding + v.count*largest); cost > maxFormatted {
		return fmt.Errorf("the result would have more than %d bytes; the limit is %d", MaxString, MaxString)
	}
	return nil
}

// weight is about how many bytes v prints as; values over the limits were refused before.
func weight(v cty.Value) int {
	s := size{elements: MaxInputElements, bytes: MaxBytes, text: MaxBytes}
	if err := s.take(v, 0); err != nil {
		return MaxBytes
	}
	return MaxBytes - s.bytes + 4*(MaxInputElements-s.elements)
}
