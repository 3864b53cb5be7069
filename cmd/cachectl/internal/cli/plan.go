package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/spf13/cobra"
)

func newPlan(g *globals) *cobra.Command {
	var s selection
	var asJSON, online bool
	var graph, html string
	cmd := &cobra.Command{
		Use:   "plan [TARGET|GROUP|TRANSFER...]",
		Short: "Show what apply would do",
		Long:  "Plan reads and checks the configuration and shows the steps that apply would take. It contacts nothing: no builder, no registry; with --online it looks at the caches.",
		Example: `  cachectl plan -f cache.hcl
  cachectl plan -f cache.hcl --graph dot | dot -Tsvg > plan.svg
  cachectl plan -f cache.hcl --online
  cachectl plan -f cache.hcl --html plan.html
  cachectl plan -f cache.hcl --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if graph != "" && (asJSON || !slices.Contains(graphFormats, graph)) {
				return usageError{fmt.Errorf("--graph is %s, and excludes --json", strings.Join(graphFormats, ", "))}
			}
			l := s.take(cmd.Context(), g, names)
			l.check(g)
			if online {
				if _, err := l.look(cmd.Context(), g); err != nil {
					return err
				}
			}
			if err := g.report(l.diags, l.files()); err != nil {
				return err
			}
			plan := l.plan
			if html != "" {
				doc, err := page.Plan(plan, l.diags, g.pageOptions())
				if err != nil {
					return err
				}
				if err := replaceFile(g.absolute(html), doc); err != nil {
					return fmt.Errorf("write the page: %w", err)
				}
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
	onlineFlag(cmd, &online)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	cmd.Flags().StringVar(&graph, "graph", "", "print the plan as a graph: "+strings.Join(graphFormats, ", "))
	cmd.Flags().StringVar(&html, "html", "", "write the plan as a page to this file as well")
	values(cmd, "graph", graphFormats...)
	return cmd
}
