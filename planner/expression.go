package planner

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// expressions finds how values were written. Files that are no HCL, and values from the command line, have no expressions.
type expressions struct {
	files map[string][]*hclsyntax.Attribute // by where they start
	// variables are the defaults of variables, functions the results of functions, by name.
	variables, functions map[string]hclsyntax.Expression
}

func newExpressions(sources map[string]*hcl.File) *expressions {
	e := &expressions{files: map[string][]*hclsyntax.Attribute{}, variables: map[string]hclsyntax.Expression{}, functions: map[string]hclsyntax.Expression{}}
	for name, f := range sources {
		if f == nil {
			continue
		}
		body, ok := f.Body.(*hclsyntax.Body)
		if !ok {
			continue
		}
		list := attributesOf(body)
		slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int { return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte) })
		e.files[name] = list
		for _, b := range body.Blocks {
			if len(b.Labels) != 1 {
				continue
			}
			switch a := b.Body.Attributes; {
			case b.Type == "variable" && a["default"] != nil:
				e.variables[b.Labels[0]] = a["default"].Expr
			case b.Type == "function" && a["result"] != nil:
				e.functions[b.Labels[0]] = a["result"].Expr
			}
		}
	}
	return e
}

func attributesOf(body *hclsyntax.Body) []*hclsyntax.Attribute {
	var list []*hclsyntax.Attribute
	for _, a := range body.Attributes {
		list = append(list, a)
	}
	for _, b := range body.Blocks {
		list = append(list, attributesOf(b.Body)...)
	}
	return list
}

// of is how an attribute of a cache was written: the attribute's own expression, or that of the string or object it stands in. Nil if nobody knows.
func (e *expressions) of(c config.Cache, attr string) hclsyntax.Expression {
	at := *c.At(attr)
	list := e.files[at.Filename]
	after, found := slices.BinarySearchFunc(list, at.Start.Byte, func(a *hclsyntax.Attribute, byte int) int { return cmp.Compare(a.SrcRange.Start.Byte, byte) })
	if !found {
		after--
	}
	if after < 0 || at.Start.Byte >= list[after].SrcRange.End.Byte {
		return nil
	}
	expr := list[after].Expr
	if tuple, ok := expr.(*hclsyntax.TupleConsExpr); ok {
		for _, item := range tuple.Exprs {
			if r := item.Range(); r.Start.Byte <= at.Start.Byte && at.Start.Byte < r.End.Byte {
				return item
			}
		}
	}
	return expr
}

// literal tells whether a value is the same in every run: nothing in it is taken from a variable or a function.
func literal(e hclsyntax.Expression) bool {
	return e != nil && len(e.Variables()) == 0 && len(calls(e)) == 0
}

// calls are the function calls in an expression.
func calls(e hclsyntax.Expression) []*hclsyntax.FunctionCallExpr {
	var list []*hclsyntax.FunctionCallExpr
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			list = append(list, call)
		}
		return nil
	})
	return list
}

// branchName matches names of variables that hold a branch or what else a git reference is.
var branchName = regexp.MustCompile(`(?i)(^|_)(branch|ref|head|git_ref)(_|$)|branch$|refname|ref_name`)

// lossy are the functions with which two names can become one; faithful are those that keep any two names apart.
var (
	lossy    = []string{"replace", "regex_replace", "regexreplace", "sanitize", "substr", "lower", "upper"}
	faithful = []string{"sanitize_ref", "sha1", "sha256", "sha512", "md5", "filehash"}
)

// lossyCall looks for a call that can make one name of two branches, in an expression and in the variables and functions it uses. It returns the function
// and the variable.
func (e *expressions) lossyCall(expr hclsyntax.Expression) (function, variable string) {
	seen := map[hclsyntax.Expression]bool{}
	for queue := []hclsyntax.Expression{expr}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == nil || seen[at] {
			continue
		}
		seen[at] = true
		list := calls(at)
		if slices.ContainsFunc(list, func(c *hclsyntax.FunctionCallExpr) bool { return slices.Contains(faithful, c.Name) }) {
			continue
		}
		for _, call := range list {
			queue = append(queue, e.functions[call.Name])
			if !slices.Contains(lossy, call.Name) {
				continue
			}
			for _, v := range call.Variables() {
				if name := v.RootName(); branchName.MatchString(name) {
					function, variable = call.Name, name
					return function, variable
				}
			}
		}
		for _, v := range at.Variables() {
			queue = append(queue, e.variables[v.RootName()])
		}
	}
	return "", ""
}
