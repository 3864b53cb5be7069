package cli

import (
	"fmt"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor"
	"github.com/spf13/cobra"
)

func newPlan(g *globals) *cobra.Command {
	var s selection
	var asJSON, offline bool
	var graph, builder, dataDir string
	var fresh upToDate
	cmd := &cobra.Command{
		Use:   "plan [TARGET|GROUP|TRANSFER...]",
		Short: "Show what apply would do",
		Long: `Plan reads and checks the configuration and shows the steps that apply would take: which targets are up to date, which are built and why, and which
sources hold something. It needs no builder and changes nothing; each source and destination is asked once. With --offline it contacts nothing.`,
		Example: `  cachectl plan -f cache.hcl
  cachectl plan -f cache.hcl --graph dot | dot -Tsvg > plan.svg
  cachectl plan -f cache.hcl --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if graph != "" && (asJSON || graph != "dot" && graph != "mermaid") {
				return usageError{fmt.Errorf("--graph is dot or mermaid, and excludes --json")}
			}
			check, err := fresh.check(false)
			if err != nil {
				return err
			}
			plan, res, err := s.plan(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			if !offline && graph == "" {
				if err := g.look(cmd.Context(), plan, res, executor.Options{
					Check: check, MaxAge: fresh.maxAge, Builder: builder, DataDir: g.absolute(dataDir),
				}); err != nil {
					return err
				}
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
	f := cmd.Flags()
	f.BoolVar(&offline, "offline", false, "contact nothing: show the steps alone")
	f.StringVar(&builder, "builder", "", "the builder that apply will be given; it is not contacted")
	f.StringVar(&dataDir, "data-dir", "", "where embedded registries keep their state (default: the user's data directory)")
	fresh.flags(cmd)
	values(cmd, "graph", "dot", "mermaid")
	return cmd
}
