package function_test

import (
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/cachectl/cachectl/config/function"
)

// call evaluates one expression with the whole library and the given variables.
func call(t testing.TB, opts function.Options, expression string, variables map[string]cty.Value) (cty.Value, error) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(expression), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("parse %s: %v", expression, diags)
	}
	v, diags := expr.Value(&hcl.EvalContext{Functions: function.Library(opts), Variables: variables})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

// hostile holds values that are large, or small and expensive.
func hostile() map[string]cty.Value {
	numbers := make([]cty.Value, 9000)
	for i := range numbers {
		numbers[i] = cty.NumberIntVal(int64(i))
	}
	shared := cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")})
	for range 17 {
		shared = cty.TupleVal([]cty.Value{shared, shared})
	}
	huge := cty.NumberVal(new(big.Float).SetMantExp(big.NewFloat(1), 1<<30))
	return map[string]cty.Value{
		"a":       cty.StringVal(strings.Repeat("a", 600_000)),
		"mib":     cty.StringVal(strings.Repeat("a", 1<<20)),
		"accents": cty.StringVal(strings.Repeat("é", 500_000)),
		"cutset":  cty.StringVal(strings.Repeat("a", 500_000) + "é"),
		"lines":   cty.StringVal(strings.Repeat("\n", 10_000)),
		"numbers": cty.ListVal(numbers),
		"shared":  shared,
		"huge":    huge,
		"deep":    cty.StringVal(strings.Repeat("[", 500_000)),
		"wide":    cty.StringVal("[" + strings.Repeat("1,", 400_000) + "1]"),
		"rows":    cty.StringVal("a\n" + strings.Repeat("1\n", 400_000)),
		"quotes":  cty.StringVal(strings.Repeat("\u0001", 600_000)),
	}
}

func TestCallsBeyondTheLimitsAreErrors(t *testing.T) {
	variables := hostile()
	for _, tc := range []struct{ expression, want string }{
		{`range(1000000000)`, "more than 1024 values"},
		{`range(0, 1, 1e-300)`, "more than 1024 values"},
		{`format("%999999999s", "x")`, "widths"},
		{`format("%99999999999999999999999s", "x")`, "widths"},
		{`format("%.999999999f", 1)`, "widths"},
		{`format("%0999999999d", 1)`, "widths"},
		{`format("%[1]999999999s", "x")`, "widths"},
		{`format("%s%s", a, a)`, "limit"},
		{`format(replace("................................................................", ".", "%[1]s"), mib)`, "limit"},
		{`format("%f", huge)`, "too large"},
		{`formatlist("%100000s", numbers)`, "limit"},
		{`formatlist("%9999999s", ["a"])`, "widths"},
		{`indent(1000000000, "a\nb")`, "limit"},
		{`indent(1000, lines)`, "limit"},
		{`join(a, numbers)`, "limit"},
		{`join("", [a, a])`, "limit"},
		{`replace(a, "a", "aa")`, "limit"},
		{`replace(a, "", "aa")`, "limit"},
		{`regex_replace(a, "a", "aaa")`, "limit"},
		{`regex_replace(a, "(a+)", "$1$1$1$1$1$1$1$1")`, "limit"},
		{`regexall("a", a)`, "limit"},
		{`regex("((a{100}){10}){2}", a)`, "invalid repeat"},
		{`regex(join("", [for i in range(100) : "(x|y{500})"]), a)`, "too large"},
		{`regex(mib, "a")`, "limit"},
		{`regexall("a.*z|a", mib)`, "took more than"},
		{`split("", a)`, "limit"},
		{`trim(accents, cutset)`, "too large"},
		{`jsondecode(deep)`, "deep"},
		{`jsondecode(wide)`, "limit"},
		{`jsonencode(quotes)`, "limit"},
		{`csvdecode(rows)`, "limit"},
		{`setproduct(numbers, numbers)`, "limit"},
		{`setproduct(numbers, numbers, numbers, numbers, numbers, numbers)`, "limit"},
		{`concat(numbers, numbers)`, "elements"},
		{`flatten(shared)`, "elements"},
		{`jsonencode(shared)`, "elements"},
		{`equal(shared, shared)`, "elements"},
		{`distinct(numbers)`, "too large"},
		{`chunklist(numbers, 1)`, "elements"},
		{`base64encode(mib)`, "limit"},
		{`urlencode(accents)`, "limit"},
		{`multiply(huge, 2)`, "too large"},
		{`modulo(huge, 3)`, "too large"},
		{`int(huge)`, "too large"},
		{`parseint(mib, 16)`, "limit"},
		{`bcrypt("x", 31)`, "cost"},
		{`bcrypt("x", 15)`, "cost"},
		{`rsadecrypt("eA==", mib)`, "limit"},
		{`semvercmp(mib, ">1")`, "limit"},
		{`semvercmp("1.0.0", mib)`, "limit"},
		{`substr("a", 0, huge)`, "too large"},
		{`cidrsubnets("10.0.0.0/8", 33)`, "32 bits"},
		{`sanitize_ref("")`, "empty"},
	} {
		t.Run(tc.expression, func(t *testing.T) {
			allocated := allocation(func() {
				_, err := call(t, function.Options{}, tc.expression, variables)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want one with %q", err, tc.want)
				}
			})
			if allocated > 256<<20 {
				t.Errorf("allocated %d MiB", allocated>>20)
			}
		})
	}
}

// allocation is how many bytes f allocates.
func allocation(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestCallsAtTheLimitsWork(t *testing.T) {
	variables := hostile()
	for _, expression := range []string{
		`format("%1000000s", "x")`,
		`join(",", numbers)`,
		`lower(mib)`,
		`sort(numbers)`,
		`reverselist(numbers)`,
		`contains(numbers, 8999)`,
		`formatlist("%s-%s", numbers, "suffix")`,
		`regex_replace(a, "a$", "b")`,
		`regexall("a+", mib)`,
		`distinct(slice(numbers, 0, 2000))`,
		`length(setproduct(slice(numbers, 0, 50), slice(numbers, 0, 50)))`,
		`jsondecode("[${join(",", numbers)}]")`,
		`zipmap(slice([for n in numbers : "k${n}"], 0, 4000), slice(numbers, 0, 4000))`,
		`multiply(pow(10, 300), pow(10, 300))`,
		`bcrypt("x", 4)`,
	} {
		t.Run(expression, func(t *testing.T) {
			if _, err := call(t, function.Options{}, expression, variables); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckMeasuresNestedValues(t *testing.T) {
	nested := cty.StringVal("x")
	for range function.MaxDepth + 2 {
		nested = cty.TupleVal([]cty.Value{nested})
	}
	texts := make([]cty.Value, 20)
	for i := range texts {
		texts[i] = cty.StringVal(strings.Repeat("x", 1<<19))
	}
	for name, tc := range map[string]struct {
		value cty.Value
		ok    bool
	}{
		"null":             {cty.NullVal(cty.String), true},
		"unknown":          {cty.DynamicVal, true},
		"longest string":   {cty.StringVal(strings.Repeat("x", function.MaxString)), true},
		"too long string":  {cty.StringVal(strings.Repeat("x", function.MaxString+1)), false},
		"long map key":     {cty.MapVal(map[string]cty.Value{strings.Repeat("x", function.MaxString+1): cty.True}), false},
		"long object name": {cty.ObjectVal(map[string]cty.Value{strings.Repeat("x", function.MaxString+1): cty.True}), false},
		"too much text":    {cty.TupleVal(texts), false},
		"too deep":         {nested, false},
		"infinity":         {cty.PositiveInfinity, true},
		"third":            {cty.NumberIntVal(1).Divide(cty.NumberIntVal(3)), true},
		"huge":             {hostile()["huge"], false},
		"tiny":             {cty.NumberVal(new(big.Float).SetMantExp(big.NewFloat(1), -(1 << 30))), false},
		"shared":           {hostile()["shared"], false},
	} {
		if err := function.Check(tc.value); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCalls calls every function with arguments made of the fuzzer's bytes. Whatever they are, the call ends, does not crash, and
// gives an error or a value within the limits.
func FuzzCalls(f *testing.F) {
	names := bakeNames(f)
	for i := range names {
		f.Add(i, "a,b", "%5s", int64(3), 0.5, uint8(i))
		f.Add(i, "(a|b)+", "aab", int64(-1), -2.5, uint8(3*i))
		f.Add(i, "10.0.0.0/8", `{"a":[1]}`, int64(1)<<40, 1e300, uint8(7*i))
	}
	f.Fuzz(func(t *testing.T, which int, s1, s2 string, n int64, x float64, shape uint8) {
		if len(s1) > 1<<12 || len(s2) > 1<<12 || x != x {
			return
		}
		name := names[int(uint(which)%uint(len(names)))]
		fn := function.Library(function.Options{FS: fstest.MapFS{}})[name]
		if name == "try" || name == "can" || name == "convert" {
			return // they take expressions
		}
		if name == "bcrypt" && n > 6 {
			n = 6
		}
		pool := []cty.Value{
			cty.StringVal(s1), cty.NumberIntVal(n), cty.StringVal(s2), cty.NumberFloatVal(x),
			cty.ListVal([]cty.Value{cty.StringVal(s1), cty.StringVal(s2)}),
			cty.TupleVal([]cty.Value{cty.StringVal(s1), cty.NumberIntVal(n), cty.NullVal(cty.String)}),
			cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal(s1)}), cty.NullVal(cty.DynamicPseudoType),
			cty.MapVal(map[string]cty.Value{s1: cty.NumberFloatVal(x)}), cty.UnknownVal(cty.String), cty.DynamicVal, cty.True,
			cty.SetVal([]cty.Value{cty.StringVal(s1), cty.StringVal(s2)}), cty.ListValEmpty(cty.String),
		}
		var args []cty.Value
		for i := range len(fn.Params()) + int(shape>>6) {
			args = append(args, pool[(int(shape)+i*int(shape%5+1))%len(pool)])
		}
		v, err := fn.Call(args)
		if err == nil {
			err = function.Check(v)
			if err != nil {
				t.Errorf("%s(%#v) = %#v: %v", name, args, v, err)
			}
			return
		}
		if strings.Contains(err.Error(), "goroutine") {
			t.Errorf("%s(%#v): the error has a stack trace: %v", name, args, err)
		}
	})
}

func ExampleCheck() {
	fmt.Println(function.Check(cty.StringVal(strings.Repeat("x", 2_000_000))))
	// Output: a string would have 2000000 bytes; the limit is 1048576
}
