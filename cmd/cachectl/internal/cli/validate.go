package cli

import (
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/spf13/cobra"
)

func newValidate(g *globals) *cobra.Command {
	var s selection
	var asJSON, online bool
	cmd := &cobra.Command{
		Use:   "validate [TARGET|GROUP|TRANSFER...]",
		Short: "Check a configuration without doing anything",
		Long: `Validate goes as far as a plan, contacts nothing, and reports every problem at once, sorted by place. It ends with 0 if there are no
errors; warnings do not count. With --online it looks at the caches besides; it writes nothing.`,
		Example: `  cachectl validate -f cache.hcl
  cachectl validate -f docker-bake.hcl release
  cachectl validate --json | jq '.diagnostics[].summary'
  cachectl validate --online
  cachectl validate --diagnostics github`,
		RunE: func(cmd *cobra.Command, names []string) error {
			l := s.take(cmd.Context(), g, names)
			l.check(g)
			if online {
				if _, err := l.look(cmd.Context(), g); err != nil {
					return err
				}
			}
			if !asJSON {
				if err := g.report(l.diags, l.files()); err != nil {
					return err
				}
				return view.Text(g.out, "The configuration is valid.\n")
			}
			if err := view.DiagnosticsJSON(g.out, l.diags, l.files()); err != nil {
				return err
			}
			if l.diags.HasErrors() {
				return diagnosed{l.diags}
			}
			return nil
		},
	}
	s.flags(cmd, g)
	onlineFlag(cmd, &online)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print diagnostics as JSON")
	return cmd
}
