package cli

import (
	"fmt"

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
			if graph != "" && (asJSON || graph != "dot" && graph != "mermaid") {
				return usageError{fmt.Errorf("--graph is dot or mermaid, and excludes --json")}
			}
			plan, _, err := s.plan(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			switch {
			case graph == "dot":
				return view.Text(g.out, plan.DOT())
			case graph == "mermaid":
				return view.Text(g.out, plan.Mermaid())
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
	cmd.Flags().StringVar(&graph, "graph", "", "print the plan as a graph: dot or mermaid")
	values(cmd, "graph", "dot", "mermaid")
	return cmd
}
