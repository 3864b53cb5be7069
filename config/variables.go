package config

import (
	"encoding/csv"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// variableBlock is a variable as it was written.
type variableBlock struct {
	name        string
	at          hcl.Range
	typeExpr    hcl.Expression
	def         hcl.Expression
	description hcl.Expression
	validations []validationBlock
}

type validationBlock struct {
	condition, message hcl.Expression
	at                 hcl.Range
}

// functionBlock is a function as it was written.
type functionBlock struct {
	name     string
	params   []string
	variadic string
	result   hcl.Expression
	at       hcl.Range
}

func (v *variableBlock) withDefault(def hcl.Expression) *variableBlock {
	copied := *v
	copied.def = def
	return &copied
}

// variable finds a variable's value: --var, then the environment, then the default.
func (e *evaluator) variable(v *variableBlock) (cty.Value, hcl.Diagnostics) {
	typ, diags := v.constraint()
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	def, diags := e.defaultOf(v, typ)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	text, isJSON, given := e.given(v, typ)
	if !given {
		return def, nil
	}
	value, err := parseGiven(text, isJSON, typ, def)
	if err != nil {
		return cty.DynamicVal, hcl.Diagnostics{errorf(&v.at, "Invalid value for variable", "The value given for variable %q from outside does not fit: %v.", v.name, err)}
	}
	return value, nil
}

// constraint is the declared type, cty.NilType for none.
func (v *variableBlock) constraint() (cty.Type, hcl.Diagnostics) {
	if v.typeExpr == nil {
		return cty.NilType, nil
	}
	return typeexpr.TypeConstraint(v.typeExpr)
}

func (e *evaluator) defaultOf(v *variableBlock, typ cty.Type) (cty.Value, hcl.Diagnostics) {
	if v.def == nil {
		if typ == cty.NilType {
			return cty.StringVal(""), nil
		}
		return cty.NullVal(typ), nil
	}
	def, diags := e.bounded(v.def, nil)
	if diags.HasErrors() || typ == cty.NilType {
		return def, diags
	}
	converted, err := convert.Convert(def, typ)
	if err != nil {
		at := v.def.Range()
		return cty.DynamicVal, append(diags, errorf(&at, "Invalid default", "The default of variable %q is not of its type %s: %v.", v.name, typ.FriendlyName(), err))
	}
	return converted, diags
}

// given returns what was given for a variable from outside. NAME_JSON wins over NAME for typed variables.
func (e *evaluator) given(v *variableBlock, typ cty.Type) (text string, isJSON, ok bool) {
	if typ != cty.NilType && e.variables[v.name+"_JSON"] == nil {
		if text, ok := e.outside(v.name + "_JSON"); ok {
			return text, true, true
		}
	}
	text, ok = e.outside(v.name)
	return text, false, ok
}

func (e *evaluator) outside(name string) (string, bool) {
	if text, ok := e.vars[name]; ok {
		return text, true
	}
	if off, ok := e.opt.LookupEnv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP"); ok {
		if b, err := strconv.ParseBool(off); err == nil && b {
			return "", false
		}
	}
	return e.opt.LookupEnv(name)
}

// parseGiven converts a string from outside to the variable's type, or to that of its default.
func parseGiven(text string, isJSON bool, typ cty.Type, def cty.Value) (cty.Value, error) {
	if typ == cty.NilType {
		typ = def.Type()
		if def.IsNull() || typ == cty.DynamicPseudoType {
			typ = cty.String
		}
		if !typ.IsPrimitiveType() {
			return cty.DynamicVal, fmt.Errorf("a variable whose default is of type %s needs a type to be set from outside", typ.FriendlyName())
		}
	}
	if isJSON {
		return ctyjson.Unmarshal([]byte(text), typ)
	}
	switch typ {
	case cty.String:
		return cty.StringVal(text), nil
	case cty.Bool:
		b, err := strconv.ParseBool(text)
		return cty.BoolVal(b), plain(err)
	case cty.Number:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return cty.DynamicVal, plain(err)
		}
		return cty.NumberVal(new(big.Float).SetFloat64(f)), nil
	}
	return parseCSV(text, typ)
}

// plain drops the function name from a strconv error.
func plain(err error) error {
	if ne, ok := err.(*strconv.NumError); ok { //nolint:errorlint // as strconv returns it
		return fmt.Errorf("%q: %w", ne.Num, ne.Err)
	}
	return err
}

// parseCSV reads "a,b" for lists and "k:v,k:v" for maps.
func parseCSV(text string, typ cty.Type) (cty.Value, error) {
	var fields []string
	if text != "" {
		var err error
		if fields, err = csv.NewReader(strings.NewReader(text)).Read(); err != nil {
			return cty.DynamicVal, err
		}
	}
	if typ.IsMapType() {
		if !typ.ElementType().IsPrimitiveType() {
			return cty.DynamicVal, fmt.Errorf("set it as JSON in a variable of that name with _JSON behind it")
		}
		entries := map[string]cty.Value{}
		for _, f := range fields {
			k, v, ok := strings.Cut(f, ":")
			if !ok {
				return cty.DynamicVal, fmt.Errorf("%q is not key:value", f)
			}
			entries[k] = cty.StringVal(v)
		}
		if len(entries) == 0 {
			return cty.MapValEmpty(typ.ElementType()), nil
		}
		return convert.Convert(cty.MapVal(entries), typ)
	}
	if !typ.IsListType() && !typ.IsSetType() && !typ.IsTupleType() {
		return cty.DynamicVal, fmt.Errorf("set it as JSON in a variable of that name with _JSON behind it")
	}
	values := make([]cty.Value, 0, len(fields))
	for _, f := range fields {
		values = append(values, cty.StringVal(f))
	}
	return convert.Convert(cty.TupleVal(values), typ)
}

// validate checks a variable's rules.
func (e *evaluator) validate(v *variableBlock) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, rule := range v.validations {
		got, d := e.eval(rule.condition, nil)
		if d.HasErrors() {
			diags = append(diags, d...)
			continue
		}
		at := rule.condition.Range()
		ok, err := convert.Convert(got, cty.Bool)
		if err != nil || ok.IsNull() || !ok.IsKnown() {
			diags = append(diags, errorf(&at, "Invalid validation", "The condition of variable %q must be true or false.", v.name))
			continue
		}
		if ok.True() {
			continue
		}
		message := "The value is not allowed."
		if rule.message != nil {
			if m, d := e.eval(rule.message, nil); !d.HasErrors() && m.Type() == cty.String && !m.IsNull() {
				message = m.AsString()
			}
		}
		diags = append(diags, errorf(&at, "Validation failed", "Variable %q: %s", v.name, message))
	}
	return diags
}

// checkVariables evaluates and validates every variable, used or not.
func (c *Config) checkVariables() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.variables) {
		v := c.eval.variables[name]
		_, d := c.eval.lookup(name, &v.at)
		diags = append(diags, d...)
		if !d.HasErrors() {
			diags = append(diags, c.eval.validate(v)...)
		}
	}
	return diags
}

// checkGlobals evaluates every global, used or not.
func (c *Config) checkGlobals() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.globals) {
		at := c.eval.globals[name].NameRange
		_, d := c.eval.lookup(name, &at)
		diags = append(diags, d...)
	}
	return diags
}

// unknownVars warns of settings that no variable takes: Bake passes over them, and a misspelt one looks as if it had been taken.
func (c *Config) unknownVars() hcl.Diagnostics {
	for name := range c.eval.variables {
		c.varNames = append(c.varNames, name)
	}
	if len(c.importing) > 0 {
		return nil
	}
	slices.Sort(c.varNames)
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.eval.vars) {
		if slices.Contains(c.varNames, name) || slices.Contains(c.varNames, strings.TrimSuffix(name, "_JSON")) {
			continue
		}
		diags = append(diags, warningf(nil, "Unknown variable", "--var %s=… sets nothing: there is no variable %q.%s", name, name, didYouMean(name, c.varNames)))
	}
	return diags
}
