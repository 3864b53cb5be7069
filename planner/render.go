package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// FormatVersion is the version of the JSON form. Within a major version fields are only added.
const FormatVersion = "1.0"

type planJSON struct {
	FormatVersion string     `json:"format_version"`
	Steps         []stepJSON `json:"steps"`
}

type stepJSON struct {
	ID       StepID            `json:"id"`
	Kind     Kind              `json:"kind"`
	Needs    []StepID          `json:"needs,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	At       string            `json:"at,omitempty"`
	Target   string            `json:"target,omitempty"`
	Transfer string            `json:"transfer,omitempty"`
	For      []string          `json:"for,omitempty"`
	Cache    map[string]string `json:"cache,omitempty"`
	Native   []string          `json:"native,omitempty"`
}

// JSON is the plan for programs. It holds no secret: of a cache only attributes that are not secret.
func (p *Plan) JSON() ([]byte, error) {
	doc := planJSON{FormatVersion: FormatVersion, Steps: []stepJSON{}}
	for _, s := range p.Steps {
		j := stepJSON{ID: s.ID, Kind: s.Kind, Needs: s.Needs, Reason: s.Reason}
		if s.Range.Filename != "" {
			j.At = place(s.Range)
		}
		switch s.Kind {
		case KindImport:
			j.For, j.Cache = s.Import.For, shown(s.Import.Source)
		case KindBuild:
			j.Target = s.Build.Target.Name
			for _, n := range s.Build.Native {
				j.Native = append(j.Native, n.Name())
			}
		case KindMerge:
			j.Transfer = s.Merge.Transfer.Name
		case KindExport:
			j.For, j.Cache = []string{s.Export.Owner}, shown(s.Export.Destination)
		}
		doc.Steps = append(doc.Steps, j)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return buf.Bytes(), err
}

// shown are the attributes of a cache that may be shown.
func shown(c config.Cache) map[string]string {
	out := map[string]string{"type": c.Type}
	b := schema.LookupBackend(c.Type)
	for k, v := range c.Attrs {
		if a := b.Attribute(k); a != nil && !a.Secret {
			out[k] = v
		}
	}
	return out
}

// DOT is the plan for Graphviz, with the edges that others do not imply.
func (p *Plan) DOT() string {
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];\n")
	shapes := map[Kind]string{KindImport: "cds", KindBuild: "box", KindMerge: "hexagon", KindExport: "folder"}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %q [label=%q, shape=%s];\n", s.ID, label(s), shapes[s.Kind])
	}
	p.edges(func(from, to StepID) { fmt.Fprintf(&b, "  %q -> %q;\n", from, to) })
	b.WriteString("}\n")
	return b.String()
}

// Mermaid is the plan as a Mermaid flowchart.
func (p *Plan) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	forms := map[Kind][2]string{KindImport: {"[/", "/]"}, KindBuild: {"[", "]"}, KindMerge: {"{{", "}}"}, KindExport: {"[(", ")]"}}
	names := map[StepID]string{}
	for i, s := range p.Steps {
		names[s.ID] = fmt.Sprintf("s%d", i)
		form := forms[s.Kind]
		fmt.Fprintf(&b, "  %s%s\"%s\"%s\n", names[s.ID], form[0], strings.ReplaceAll(label(s), `"`, "#quot;"), form[1])
	}
	p.edges(func(from, to StepID) { fmt.Fprintf(&b, "  %s --> %s\n", names[from], names[to]) })
	return b.String()
}

// edges calls fn for each edge to draw, from what runs first to what waits for it.
func (p *Plan) edges(fn func(from, to StepID)) {
	reduced := p.graph.Reduced()
	for _, s := range p.Steps {
		for _, n := range reduced[s.ID] {
			fn(n, s.ID)
		}
	}
}

// label is what a step is called in a picture.
func label(s *Step) string {
	switch s.Kind {
	case KindImport:
		return s.Import.Source.Name()
	case KindBuild:
		return s.Build.Target.Name
	case KindMerge:
		return "merge " + s.Merge.Transfer.Name
	default:
		return s.Export.Destination.Name()
	}
}
