package config

import (
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/cachectl/cachectl/config/function"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// newEvaluator returns an evaluator that knows what is there without being declared, and the globals.
func (c *Config) newEvaluator(globals map[string]*hcl.Attribute) *evaluator {
	return &evaluator{
		opt: c.opt, variables: map[string]*variableBlock{}, globals: globals, values: c.builtins(), vars: map[string]string{}, declared: map[string]bool{},
		functions: marking(function.Library(function.Options{Env: c.opt.LookupEnv, FS: c.guard(c.files()), Dir: c.gitDir()})),
	}
}

// builtins are the variables that exist without being declared.
func (c *Config) builtins() map[string]cty.Value {
	context := c.opt.CommandContext
	if context == "" {
		context = cwd
	}
	return map[string]cty.Value{
		"BAKE_CMD_CONTEXT":    cty.StringVal(context),
		"BAKE_LOCAL_PLATFORM": cty.StringVal(runtime.GOOS + "/" + runtime.GOARCH),
	}
}

// files are what file functions may read: what lies in and below the directory.
func (c *Config) files() fs.FS {
	root, err := os.OpenRoot(c.opt.Dir)
	if err != nil {
		return nil
	}
	return root.FS()
}

// set takes "NAME=value" settings of variables.
func (e *evaluator) set(vars []string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, v := range vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			diags = append(diags, errorf(nil, "Invalid --var", "--var %s is not NAME=value.", v))
			continue
		}
		e.vars[name] = value
	}
	return diags
}
