package planner

import (
	"fmt"
	"strings"
)

// DOT is the plan for Graphviz, with the edges that others do not imply.
func (p *Plan) DOT() string {
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];\n")
	shapes := map[Kind]string{KindImport: "cds", KindBuild: "box", KindMerge: "hexagon", KindExport: "folder"}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %s [label=%s, shape=%s];\n", dotQuote(string(s.ID)), dotQuote(label(s)), shapes[s.Kind])
	}
	p.edges(func(from, to StepID) { fmt.Fprintf(&b, "  %s -> %s;\n", dotQuote(string(from)), dotQuote(string(to))) })
	b.WriteString("}\n")
	return b.String()
}

// dotEscapes are for strings in double quotes. A backslash starts an escape in labels (https://graphviz.org/docs/attr-types/escString/).
var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func dotQuote(s string) string { return `"` + dotEscapes.Replace(s) + `"` }

// Mermaid is the plan as a Mermaid flowchart, with the edges that others do not imply.
func (p *Plan) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	forms := map[Kind][2]string{KindImport: {"[/", "/]"}, KindBuild: {"[", "]"}, KindMerge: {"{{", "}}"}, KindExport: {"[(", ")]"}}
	names := map[StepID]string{}
	for i, s := range p.Steps {
		names[s.ID] = fmt.Sprintf("s%d", i)
		form := forms[s.Kind]
		fmt.Fprintf(&b, "  %s%s\"%s\"%s\n", names[s.ID], form[0], mermaidEscapes.Replace(label(s)), form[1])
	}
	p.edges(func(from, to StepID) { fmt.Fprintf(&b, "  %s --> %s\n", names[from], names[to]) })
	return b.String()
}

// mermaidEscapes are for strings in double quotes, which Mermaid takes for HTML and, between backquotes, for Markdown
// (https://mermaid.js.org/syntax/flowchart.html, "Entity codes to escape characters").
var mermaidEscapes = strings.NewReplacer("#", "#35;", `"`, "#quot;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;", "\n", " ")

// edges calls fn for each edge to draw, from what runs first to what waits for it.
func (p *Plan) edges(fn func(from, to StepID)) {
	reduced := p.graph.Reduced()
	for _, s := range p.Steps {
		for _, n := range reduced[s.ID] {
			fn(n, s.ID)
		}
	}
}

// label is what a step is called in a picture: what it acts on.
func label(s *Step) string {
	switch s.Kind {
	case KindImport:
		return strings.TrimPrefix(string(s.ID), "import ")
	case KindBuild:
		return s.Build.Target.Name
	case KindMerge:
		return "merge " + s.Merge.Transfer.Name
	default:
		return strings.TrimPrefix(string(s.ID), "export "+s.Export.Owner+" to ")
	}
}
