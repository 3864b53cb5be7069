package migrate

import (
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// commentIgnored makes comments of attributes and blocks that Bake ignores and cache.hcl refuses. Those of variables hide those of targets, so it
// looks again until there are no more.
func (m *migration) commentIgnored(src []byte) []byte {
	for range 4 {
		f, diags := hclsyntax.ParseConfig(src, m.name, hcl.InitialPos)
		if diags.HasErrors() {
			return src
		}
		_, diags = config.Load(m.ctx, m.options(src))
		unknown := map[int]bool{}
		for _, d := range diags {
			if d.Severity == hcl.DiagError && d.Subject != nil && (d.Summary == "Unknown attribute" || d.Summary == "Unknown block") {
				unknown[d.Subject.Start.Byte] = true
			}
		}
		changes := m.ignored(src, f.Body.(*hclsyntax.Body), unknown)
		if len(changes) == 0 {
			return src
		}
		src = apply(src, changes)
	}
	return src
}

// ignored are the changes that comment out what starts at these places.
func (m *migration) ignored(src []byte, body *hclsyntax.Body, unknown map[int]bool) []change {
	var out []change
	for _, b := range body.Blocks {
		if unknown[b.Range().Start.Byte] {
			out = append(out, m.comment(src, b.Range(), b.Type))
			continue
		}
		if b.Type == "function" {
			continue // Bake refuses what it does not know there
		}
		inner := m.ignored(src, b.Body, unknown)
		for _, a := range b.Body.Attributes {
			if unknown[a.NameRange.Start.Byte] {
				inner = append(inner, m.comment(src, a.SrcRange, a.Name))
			}
		}
		if len(inner) > 0 {
			inner[0].around = append(inner[0].around, opened(b)...)
		}
		out = append(out, inner...)
	}
	return out
}

// comment puts # before every line of a part.
func (m *migration) comment(src []byte, at hcl.Range, name string) change {
	m.warn(&at, "Ignored by Bake", "Bake ignores %q without a word; it is a comment now. Correct it or take it out.", name)
	text := strings.TrimRight(string(src[at.Start.Byte:at.End.Byte]), "\n")
	return change{start: at.Start.Byte, end: at.Start.Byte + len(text), text: "# " + strings.ReplaceAll(text, "\n", "\n# "), at: at}
}

// opened spreads a block on one line over three, so that it can hold blocks and comments.
func opened(b *hclsyntax.Block) []change {
	if b.OpenBraceRange.Start.Line != b.CloseBraceRange.Start.Line {
		return nil
	}
	start, end := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	return []change{{start: start, end: start, text: "\n"}, {start: end, end: end, text: "\n"}}
}
