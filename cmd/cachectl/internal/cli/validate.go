package cli

import (
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

func newValidate(g *globals) *cobra.Command {
	var s selection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [TARGET|GROUP|TRANSFER...]",
		Short: "Check a configuration without doing anything",
		Example: `  cachectl validate -f cache.hcl
  cachectl validate -f cache.hcl --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			c, diags := s.config(cmd.Context(), g)
			if !diags.HasErrors() {
				diags = append(diags, s.check(c, g, names)...)
			}
			if asJSON {
				if err := view.DiagnosticsJSON(g.in.Stdout, diags); err != nil {
					return err
				}
				if diags.HasErrors() {
					return diagnosed{diags}
				}
				return nil
			}
			if err := g.report(diags, sources(c)); err != nil {
				return err
			}
			return view.Text(g.in.Stdout, "The configuration is valid.\n")
		},
	}
	s.flags(cmd, g)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print diagnostics as JSON")
	return cmd
}

// check goes as far as a plan.
func (s *selection) check(c *config.Config, g *globals, names []string) hcl.Diagnostics {
	res, diags := c.Resolve(config.Selection{Names: names, Set: s.sets})
	if diags.HasErrors() {
		return diags
	}
	diags = append(diags, res.Validate()...)
	if diags.HasErrors() {
		return diags
	}
	_, more := planner.New(res, planner.Options{Dir: g.in.Dir})
	return append(diags, more...)
}
