package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns src in the canonical style: spacing and alignment change, nothing else does. A file with syntax errors is
// returned as it is, with them.
func Format(src []byte, name string) ([]byte, hcl.Diagnostics) {
	f := &file{name: name, data: src}
	if diags := checkDepth(f); diags.HasErrors() {
		return src, diags
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		return src, diags
	}
	return hclwrite.Format(src), nil
}
