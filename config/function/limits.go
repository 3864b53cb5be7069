package function

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// Limits of one call. They are far above what a build definition needs and low enough that a call at its limit takes
// seconds and tens of megabytes at most.
const (
	// MaxString is the longest string a function returns, in bytes.
	MaxString = 1 << 20
	// MaxElements is the most elements a function's result has, those of nested lists and objects included.
	MaxElements = 10_000
	// MaxInputElements is the most elements a function's arguments have together, nested ones included.
	MaxInputElements = 100_000
	// MaxBytes is the most bytes of text a function's arguments have together, and the most its result has.
	MaxBytes = 8 << 20
	// MaxExponent bounds the magnitude of numbers, as a power of two: beyond 2^65536 (about 1e19728) or below its inverse is refused.
	MaxExponent = 1 << 16
	// MaxDepth is how deep lists and objects may nest.
	MaxDepth = 256
	// MaxDigits is the longest text parseint reads.
	MaxDigits = 4096
	// MaxPattern is the longest regular expression, in bytes.
	MaxPattern = 4096
	// MaxBcryptCost is the highest cost of bcrypt; each step doubles its time, 14 takes about a second.
	MaxBcryptCost = 14
	// MaxKey is the longest private key rsadecrypt takes, in bytes of PEM; a key of 8192 bits fits.
	MaxKey = 8 << 10
	// MaxVersion is the longest text semvercmp takes for a version or a constraint, in bytes.
	MaxVersion = 1024
	// MaxFile is the largest file that file returns, in bytes.
	MaxFile = 1 << 20
	// MaxHashedFile is the largest file that filehash reads, in bytes.
	MaxHashedFile = 64 << 20
	// MaxWalked is the most directory entries one glob looks at.
	MaxWalked = 100_000
)

// maxPairs bounds work that grows with the product of two sizes: comparisons, regular expression steps, character sets.
const maxPairs = 1 << 26

var errTooDeep = fmt.Errorf("lists and objects are nested more than %d deep", MaxDepth)

// Check reports whether v stays within the limits of a result: MaxString for each string, MaxElements and MaxBytes for the whole,
// MaxExponent for each number, MaxDepth for nesting. Unknown and null values pass. The time taken is bounded by the limits,
// not by the size of v.
func Check(v cty.Value) error {
	s := size{elements: MaxElements, bytes: MaxBytes, text: MaxString}
	return s.take(v, 0)
}

// CheckValue is Check for the value of an expression, which may be written out and is then as long as its file: it has as many elements as
// functions take, MaxInputElements.
func CheckValue(v cty.Value) error {
	s := size{elements: MaxInputElements, bytes: MaxBytes, text: MaxString}
	return s.take(v, 0)
}

// size is what is left of an allowance while values are measured.
type size struct {
	elements int // elements of collections
	bytes    int // text, with numbers as their decimal digits
	text     int // longest single string
}

func (s *size) take(v cty.Value, depth int) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	v, _ = v.Unmark()
	if v == cty.NilVal || !v.IsKnown() || v.IsNull() {
		return nil
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return s.takeText(len(v.AsString()))
	case ty == cty.Number:
		return s.takeNumber(v.AsBigFloat())
	case ty.IsMapType() || ty.IsObjectType() || ty.IsListType() || ty.IsTupleType() || ty.IsSetType():
		return s.takeElements(v, depth)
	}
	return nil
}

func (s *size) takeText(n int) error {
	if n > s.text {
		return fmt.Errorf("a string would have %d bytes; the limit is %d", n, s.text)
	}
	if s.bytes -= n; s.bytes < 0 {
		return fmt.Errorf("values would have more than %d bytes of text in all", MaxBytes)
	}
	return nil
}

func (s *size) takeNumber(f *big.Float) error {
	if err := checkNumber(f); err != nil {
		return err
	}
	return s.takeText(digits(f))
}

func (s *size) takeElements(v cty.Value, depth int) error {
	limit := s.elements
	if s.elements -= v.LengthInt(); s.elements < 0 {
		return fmt.Errorf("a value would have more than %d elements", max(limit, MaxElements))
	}
	keyed := v.Type().IsMapType() || v.Type().IsObjectType()
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if keyed {
			if err := s.take(key, depth+1); err != nil {
				return err
			}
		}
		if err := s.take(element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func checkNumber(f *big.Float) error {
	if exp := f.MantExp(nil); exp > MaxExponent || exp < -MaxExponent {
		return errors.New("a number is too large or too small to work with")
	}
	return nil
}

// digits is an upper bound on the characters of f in decimal, where f has passed checkNumber.
func digits(f *big.Float) int {
	exp := f.MantExp(nil)
	if exp < 0 {
		exp = -exp
	}
	return 8 + (exp+int(f.MinPrec()))*302/1000
}
