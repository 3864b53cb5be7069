package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/cachectl/cachectl/planner"
	"github.com/spf13/cobra"
)

// graphFormats are the forms a plan can be drawn in.
var graphFormats = []string{"dot", "mermaid", "svg", "html"}

func newGraph(g *globals) *cobra.Command {
	var s selection
	format := "dot"
	cmd := &cobra.Command{
		Use:   "graph [TARGET|GROUP|TRANSFER...]",
		Short: "Draw what apply would do",
		Long: `Graph draws the steps that apply would take and what waits for what: sources, builds and transfers, destinations. It contacts nothing. An SVG
picture and an HTML page are whole in themselves; DOT is for Graphviz, Mermaid for Markdown pages.`,
		Example: `  cachectl graph -f cache.hcl --format svg > plan.svg
  cachectl graph --format html > plan.html
  cachectl graph --format mermaid api web
  cachectl graph | dot -Tpng > plan.png`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if !slices.Contains(graphFormats, format) {
				return usageError{fmt.Errorf("--format %q is not %s", format, strings.Join(graphFormats, ", "))}
			}
			plan, _, err := s.plan(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			return drawGraph(g, plan, format)
		},
	}
	s.flags(cmd, g)
	cmd.Flags().StringVar(&format, "format", format, "form: "+strings.Join(graphFormats, ", "))
	values(cmd, "format", graphFormats...)
	return cmd
}

// drawGraph prints a plan in one of graphFormats.
func drawGraph(g *globals, plan *planner.Plan, format string) error {
	switch format {
	case "mermaid":
		return view.Text(g.out, plan.Mermaid())
	case "svg":
		return view.Text(g.out, plan.SVG(nil))
	case "html":
		doc, err := page.Plan(plan, nil, g.pageOptions())
		if err != nil {
			return err
		}
		return view.Bytes(g.out, doc)
	}
	return view.Text(g.out, plan.DOT())
}

// pageOptions are what pages need to know of the program and its surroundings.
func (g *globals) pageOptions() page.Options {
	return page.Options{Version: currentVersion().Version, Hide: g.secrets.Hide}
}
