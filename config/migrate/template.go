package migrate

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// quoted is a string as HCL, with nothing in it evaluated.
func quoted(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

// template writes a string of JSON, which HCL evaluates as a template, in the native syntax. An interpolation by itself is its expression.
func template(s string) (string, error) {
	if _, diags := hclsyntax.ParseTemplate([]byte(s), "", hcl.InitialPos); diags.HasErrors() {
		return "", fmt.Errorf("%q is no valid template", s)
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(s), "", hcl.InitialPos)
	var b strings.Builder
	depth, end := 0, 0
	for _, t := range tokens {
		// The lexer leaves out the spaces inside expressions.
		text := s[end:t.Range.End.Byte]
		end = t.Range.End.Byte
		switch t.Type {
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit:
			if depth == 0 {
				b.WriteString(escaped(string(t.Bytes)))
				continue
			}
		case hclsyntax.TokenEOF:
			continue
		}
		b.WriteString(text)
	}
	if inner, ok := alone(tokens, s); ok && !strings.Contains(inner, "\n") {
		return inner, nil
	}
	return `"` + b.String() + `"`, nil
}

// alone is the expression of a template that is nothing but one interpolation.
func alone(tokens hclsyntax.Tokens, s string) (string, bool) {
	if len(tokens) < 3 || tokens[0].Type != hclsyntax.TokenTemplateInterp || len(tokens[0].Bytes) != 2 {
		return "", false
	}
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenTemplateSeqEnd:
			depth--
		}
		if depth == 0 {
			last := i+1 == len(tokens) || tokens[i+1].Type == hclsyntax.TokenEOF
			if !last || len(t.Bytes) != 1 {
				return "", false
			}
			return strings.TrimSpace(s[tokens[0].Range.End.Byte:t.Range.Start.Byte]), true
		}
	}
	return "", false
}

// escaped is literal text of a template between quotes. $${ and %%{ are written the same there.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}
