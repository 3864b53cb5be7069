package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	library "github.com/cachectl/cachectl/config/function"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// evaluator finds the values of expressions. Variables, globals and other targets' attributes are evaluated when an expression first asks
// for them.
type evaluator struct {
	opt       Options
	variables map[string]*variableBlock
	globals   map[string]*hcl.Attribute
	functions map[string]function.Function
	// declared are the functions that the configuration itself declares.
	declared map[string]bool
	// blocks are what target.NAME.ATTRIBUTE and group.NAME.ATTRIBUTE refer to; nil until they are known.
	blocks blocks

	values  map[string]cty.Value
	busy    []string // names being evaluated, outermost first
	calling []string // user functions being called
	vars    map[string]string
}

// How deep user functions call each other, and how many names one value depends on in a row.
const (
	callDepth      = 32
	referenceDepth = 500
)

// eval evaluates an expression. locals are names that exist in addition, matrix keys and function parameters; they win.
func (e *evaluator) eval(expr hcl.Expression, locals map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	v, _, diags := e.evalMarked(expr, locals)
	return v, diags
}

// evalMarked is like eval and returns besides how the value came about; see impure.
func (e *evaluator) evalMarked(expr hcl.Expression, locals map[string]cty.Value) (cty.Value, cty.ValueMarks, hcl.Diagnostics) {
	v, diags := e.bounded(expr, locals)
	if diags.HasErrors() {
		return cty.DynamicVal, nil, diags
	}
	v, marks := v.UnmarkDeep()
	return v, marks, diags
}

// marked evaluates an expression to a value that still carries its marks, for use in others.
func (e *evaluator) marked(expr hcl.Expression, locals map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: e.functions}
	var diags, missing hcl.Diagnostics
	refs := references{}
	for _, t := range expr.Variables() {
		root := t.RootName()
		at := t.SourceRange()
		if v, ok := locals[root]; ok {
			ctx.Variables[root] = v
			continue
		}
		if e.blocks != nil && (root == "target" || root == "group") {
			m, d := e.reference(t, refs)
			missing, diags = append(missing, m...), append(diags, d...)
			continue
		}
		if !e.exists(root) {
			missing = append(missing, e.unknown(root, &at, locals))
			continue
		}
		v, d := e.lookup(root, &at)
		diags = append(diags, d...)
		ctx.Variables[root] = v
	}
	if diags.HasErrors() {
		return cty.DynamicVal, append(diags, missing...)
	}
	refs.enter(ctx.Variables)
	v, d := expr.Value(ctx)
	if d.HasErrors() && len(missing) > 0 {
		return cty.DynamicVal, missing // try and can live with a name that does not exist; nothing else does
	}
	return v, append(diags, d...)
}

// exists tells whether there is a variable, a global or a built-in of that name.
func (e *evaluator) exists(name string) bool {
	_, known := e.values[name]
	return known || e.variables[name] != nil || e.globals[name] != nil
}

// unknown reports a name that does not exist, with those in scope to choose from.
func (e *evaluator) unknown(name string, at *hcl.Range, locals map[string]cty.Value) *hcl.Diagnostic {
	names := append(slices.Collect(maps.Keys(e.variables)), slices.Collect(maps.Keys(e.globals))...)
	names = append(names, slices.Collect(maps.Keys(locals))...)
	slices.Sort(names)
	return errorf(at, "Unknown variable", "There is no variable named %q.%s", name, didYouMean(name, names))
}

// lookup returns the value of a variable, a global or a built-in.
func (e *evaluator) lookup(name string, at *hcl.Range) (cty.Value, hcl.Diagnostics) {
	if v, ok := e.values[name]; ok {
		return v, nil
	}
	v, g := e.variables[name], e.globals[name]
	if d := e.enterable(name, at); d != nil {
		return cty.DynamicVal, hcl.Diagnostics{d}
	}
	e.busy = append(e.busy, name)
	defer func() { e.busy = e.busy[:len(e.busy)-1] }()
	value, diags := e.named(v, g)
	if diags.HasErrors() {
		// Others that use it need not say so again.
		e.values[name] = cty.DynamicVal
		return cty.DynamicVal, diags
	}
	e.values[name] = value
	return value, diags
}

// named evaluates a variable or a global; a global is the variable's default when both are there.
func (e *evaluator) named(v *variableBlock, g *hcl.Attribute) (cty.Value, hcl.Diagnostics) {
	if v == nil {
		return e.bounded(g.Expr, nil)
	}
	if g != nil {
		v = v.withDefault(g.Expr)
	}
	return e.variable(v)
}

// bounded evaluates an expression to a value that keeps its marks, and is refused when it is too large.
func (e *evaluator) bounded(expr hcl.Expression, locals map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	v, diags := e.marked(expr, locals)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	plain, _ := v.UnmarkDeep()
	if err := library.CheckValue(plain); err != nil {
		at := expr.Range()
		return cty.DynamicVal, append(diags, errorf(&at, "Value too large", "The value is more than a configuration can hold: %v.", err))
	}
	return v, diags
}

// enterable refuses to evaluate a name that is being evaluated, or one that too many others wait for.
func (e *evaluator) enterable(name string, at *hcl.Range) *hcl.Diagnostic {
	if slices.Contains(e.busy, name) {
		return e.cycle(name, at)
	}
	if len(e.busy) >= referenceDepth {
		return errorf(at, "References too deep", "%s is reached through more than %d others, beginning with %s.", name, referenceDepth, e.busy[0])
	}
	return nil
}

func (e *evaluator) cycle(name string, at *hcl.Range) *hcl.Diagnostic {
	from := slices.Index(e.busy, name)
	path := append(slices.Clone(e.busy[from:]), name)
	return errorf(at, "Reference cycle", "%s depends on itself: %s.", name, strings.Join(path, " -> "))
}

// declare makes a user function callable. A standard function of the same name wins, and of two user functions the later one.
func (e *evaluator) declare(f *functionBlock) {
	if _, taken := e.functions[f.name]; taken && !e.declared[f.name] {
		return
	}
	e.declared[f.name] = true
	spec := &function.Spec{Type: function.StaticReturnType(cty.DynamicPseudoType)}
	for _, p := range f.params {
		spec.Params = append(spec.Params, function.Parameter{Name: p, Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true})
	}
	if f.variadic != "" {
		spec.VarParam = &function.Parameter{Name: f.variadic, Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}
	}
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) { return e.call(f, args) }
	e.functions[f.name] = function.New(spec)
}

func (e *evaluator) call(f *functionBlock, args []cty.Value) (cty.Value, error) {
	if slices.Contains(e.calling, f.name) || len(e.calling) >= callDepth {
		return cty.DynamicVal, fmt.Errorf("function %s calls itself, which functions must not", f.name)
	}
	e.calling = append(e.calling, f.name)
	defer func() { e.calling = e.calling[:len(e.calling)-1] }()
	locals := map[string]cty.Value{}
	for i, p := range f.params {
		locals[p] = args[i]
	}
	if f.variadic != "" {
		locals[f.variadic] = cty.TupleVal(args[len(f.params):])
	}
	v, diags := e.marked(f.result, locals)
	if diags.HasErrors() {
		return cty.DynamicVal, fmt.Errorf("%s: %s", diags[0].Summary, diags[0].Detail)
	}
	return v, nil
}
