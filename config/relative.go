package config

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// relativeToFiles tells whether contexts are relative to the file that names them rather than to the working directory: BUILDX_BAKE_FILE_RELATIVE_PATHS.
func relativeToFiles(lookupEnv func(string) (string, bool)) (bool, hcl.Diagnostics) {
	v, _ := lookupEnv("BUILDX_BAKE_FILE_RELATIVE_PATHS")
	if v = strings.TrimSpace(v); v == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, hcl.Diagnostics{errorf(nil, "Invalid environment variable", "BUILDX_BAKE_FILE_RELATIVE_PATHS is %q; it can be true or false.", v)}
	}
	return on, nil
}

// rebaseOwn makes the contexts that one block of a target names relative to its file. A context that is copied from another target stays
// relative to that one's file.
func (c *Config) rebaseOwn(tb *targetBlock, attrs attributes) {
	base := fileDir(tb.block.def.Filename)
	if v := attrs["context"]; v != nil && v.text != nil {
		from := base
		if other := c.contextOf(tb.block.attrs["context"]); other != nil {
			from = fileDir(other.def.Filename)
		}
		moved := rebase(from, *v.text)
		attrs["context"] = &value{text: &moved, rng: v.rng}
	}
	if v := attrs["contexts"]; v != nil {
		moved := map[string]*string{}
		for name, s := range v.dict {
			if s != nil {
				m := rebase(base, *s)
				s = &m
			}
			moved[name] = s
		}
		attrs["contexts"] = &value{dict: moved, rng: v.rng}
	}
}

// contextOf returns the block whose context an attribute copies: target.NAME.context and nothing else.
func (c *Config) contextOf(a *hcl.Attribute) *block {
	if a == nil {
		return nil
	}
	t, diags := hcl.AbsTraversalForExpr(a.Expr)
	if diags.HasErrors() || len(t) != 3 || t.RootName() != "target" || stepName(t[2]) != "context" {
		return nil
	}
	other := c.targets[stepName(t[1])]
	if other == nil || len(other.blocks) == 0 {
		return nil
	}
	last := other.blocks[len(other.blocks)-1].block
	for _, tb := range other.blocks {
		if tb.block.attrs["context"] != nil {
			last = tb.block
		}
	}
	return last
}

// fileDir is the directory of a file of the configuration, "" for standard input.
func fileDir(name string) string {
	if name == "" || name == stdinName {
		return ""
	}
	if IsRemote(name) {
		return "" // contexts are relative to the repository
	}
	return filepath.Dir(strings.TrimPrefix(name, cwd))
}

// rebase makes a local path relative to base. Other kinds of contexts stay.
func rebase(base, p string) string {
	if base == "" || p == "" || filepath.IsAbs(p) || IsRemote(p) {
		return p
	}
	for _, prefix := range []string{"cwd://", "target:", "docker-image:", "oci-layout://"} {
		if strings.HasPrefix(p, prefix) {
			return p
		}
	}
	return filepath.Join(base, p)
}
