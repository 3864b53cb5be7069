package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/spf13/cobra"
)

func newPlan(g *globals) *cobra.Command {
	var s selection
	var asJSON bool
	var graph string
	cmd := &cobra.Command{
		Use:   "plan [TARGET|GROUP|TRANSFER...]",
		Short: "Show what apply would do",
		Long:  "Plan reads and checks the configuration and shows the steps that apply would take. It contacts nothing: no builder, no registry.",
		Example: `  cachectl plan -f cache.hcl
  cachectl plan -f cache.hcl --graph dot | dot -Tsvg > plan.svg
  cachectl plan -f cache.hcl --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if graph != "" && (asJSON || !slices.Contains(graphFormats, graph)) {
				return usageError{fmt.Errorf("--graph is %s, and excludes --json", strings.Join(graphFormats, ", "))}
			}
			plan, _, err := s.plan(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			switch {
			case graph != "":
				return drawGraph(g, plan, graph)
			case asJSON:
				raw, err := plan.JSON()
				if err != nil {
					return err
				}
				return view.Bytes(g.out, raw)
			}
			return view.Plan(g.out, plan, view.NewStyle(g.in.Stdout, g.in.LookupEnv, g.noColor))
		},
	}
	s.flags(cmd, g)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	cmd.Flags().StringVar(&graph, "graph", "", "print the plan as a graph: "+strings.Join(graphFormats, ", "))
	values(cmd, "graph", graphFormats...)
	return cmd
}
