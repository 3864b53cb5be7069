package function

import (
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// entry is one function of the library before it is bounded.
type entry struct {
	name string
	fn   function.Function
	// about describes the function where fn does not.
	about string
	// guard refuses arguments whose result or cost would be beyond the limits. It sees each argument known or unknown, of any
	// type the parameter allows; text, number and length read them.
	guard func(args []cty.Value) error
	// direct functions are used as they are: their cost does not depend on the size of their arguments, and their result is one
	// of these or a part of one.
	direct bool
}

// bounded is the entry's function, kept within the limits of limits.go.
func (e entry) bounded() function.Function {
	if e.direct {
		return e.fn
	}
	about := e.about
	if about == "" {
		about = e.fn.Description()
	}
	return function.New(&function.Spec{
		Description: about,
		Params:      e.fn.Params(),
		VarParam:    e.fn.VarParam(),
		// cty asks for the type before it calls, and some functions do their work to tell it; so the bound is checked here.
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := e.admit(args); err != nil {
				return cty.NilType, err
			}
			ty, err := e.fn.ReturnTypeForValues(args)
			return ty, plain(err)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := e.fn.Call(args)
			if err != nil {
				return cty.NilVal, plain(err)
			}
			return v, Check(v)
		},
	})
}

// admit checks the arguments of a call.
func (e entry) admit(args []cty.Value) error {
	s := size{elements: MaxInputElements, bytes: MaxBytes, text: MaxBytes}
	for i, arg := range args {
		if err := s.take(arg, 0); err != nil {
			return function.NewArgError(i, err)
		}
	}
	if e.guard == nil {
		return nil
	}
	return e.guard(args)
}

// plain takes the stack trace out of the error that cty makes of a panic in a function.
func plain(err error) error {
	var panicked function.PanicError
	if errors.As(err, &panicked) {
		return fmt.Errorf("cannot work with these arguments: %v", panicked.Value)
	}
	return err
}

// text is args[i] when it is a known string, and "" otherwise.
func text(args []cty.Value, i int) string {
	if i >= len(args) || !usable(args[i]) || args[i].Type() != cty.String {
		return ""
	}
	return args[i].AsString()
}

// number is args[i] cut to a whole number, when it is a known number, and 0 otherwise.
func number(args []cty.Value, i int) int64 {
	if i >= len(args) || !usable(args[i]) || args[i].Type() != cty.Number {
		return 0
	}
	n, _ := args[i].AsBigFloat().Int64()
	return n
}

// length is the number of elements of v, 0 where v has none.
func length(v cty.Value) int {
	v, _ = v.Unmark()
	if !usable(v) || !v.CanIterateElements() {
		return 0
	}
	return v.LengthInt()
}

func usable(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && !v.IsMarked()
}

// tooLong refuses a string of n bytes before it is made.
func tooLong(n int) error {
	if n <= MaxString {
		return nil
	}
	return fmt.Errorf("the result would have %d bytes; the limit is %d", n, MaxString)
}

// tooMany refuses a result of n elements before it is made.
func tooMany(n int) error {
	if n <= MaxElements {
		return nil
	}
	return fmt.Errorf("the result would have %d elements; the limit is %d", n, MaxElements)
}

// tooSlow refuses work of a times b steps.
func tooSlow(a, b int) error {
	if a == 0 || b <= maxPairs/a {
		return nil
	}
	return fmt.Errorf("the arguments are too large for this function (%d × %d steps)", a, b)
}
