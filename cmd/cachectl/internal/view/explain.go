package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/cachectl/cachectl/planner"
)

// Explain prints of each target what would be done, from which step on, and why.
func Explain(w io.Writer, p *planner.Plan, style Style) error {
	var b strings.Builder
	list := explained(p)
	idle := 0
	for _, e := range list {
		if len(list) >= manyRows && e.Action == planner.ActionUpToDate {
			idle++
			continue
		}
		paint := style.green
		switch e.Action {
		case planner.ActionUpToDate:
			paint = style.faint
		case planner.ActionBlocked:
			paint = style.red
		}
		fmt.Fprintf(&b, "%s: %s\n", style.bold(e.Target), paint(string(e.Action)))
		if e.Miss != "" {
			fmt.Fprintf(&b, "  from  step %s\n", printable(e.Miss))
		}
		for _, reason := range e.Why {
			fmt.Fprintf(&b, "  why   %s\n", printable(reason))
		}
	}
	if idle > 0 {
		fmt.Fprintf(&b, "%s: %s\n", style.bold(count(idle, "target")), style.faint(string(planner.ActionUpToDate)))
	}
	return Text(w, b.String())
}

// explanation is one target's.
type explanation struct {
	Target string         `json:"target"`
	Action planner.Action `json:"action"`
	Miss   string         `json:"first_miss,omitempty"`
	Why    []string       `json:"why,omitempty"`
}

// explained are the targets that are built or not, in the plan's order.
func explained(p *planner.Plan) []explanation {
	list := []explanation{}
	for _, s := range p.Steps {
		if a := p.Assessment(s.ID); a != nil && s.Build != nil {
			list = append(list, explanation{Target: s.Build.Target.Name, Action: a.Action, Miss: a.Miss, Why: a.Why})
		}
	}
	return list
}

// ExplainFormatVersion is the version of the explanation's JSON form. Within a major version fields are only added.
const ExplainFormatVersion = "1.0"

// ExplainJSON prints the same for programs.
func ExplainJSON(w io.Writer, p *planner.Plan) error {
	return JSON(w, struct {
		FormatVersion string        `json:"format_version"`
		Targets       []explanation `json:"targets"`
	}{ExplainFormatVersion, explained(p)})
}
