package cli

import (
	"fmt"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/spf13/cobra"
)

func newPrint(g *globals) *cobra.Command {
	var s selection
	var list string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "print [TARGET|GROUP...]",
		Short: "Print the resolved configuration as JSON, in the form of docker buildx bake --print",
		Example: `  cachectl print -f docker-bake.hcl
  cachectl print -f cache.hcl --set '*.platform=linux/arm64' api
  cachectl print -f cache.hcl --list targets
  cachectl print -f cache.hcl --list variables --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if list != "" {
				return s.list(cmd, g, list, asJSON)
			}
			res, err := s.resolve(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			raw, err := res.JSON()
			if err != nil {
				return err
			}
			return view.Bytes(g.out, raw)
		},
	}
	s.flags(cmd, g)
	cmd.Flags().StringVar(&list, "list", "", "list targets or variables instead")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print lists as JSON (a configuration always is)")
	values(cmd, "list", "targets", "variables")
	return cmd
}

// list prints what there is of a kind.
func (s *selection) list(cmd *cobra.Command, g *globals, what string, asJSON bool) error {
	if what != "targets" && what != "variables" {
		return usageError{fmt.Errorf("--list %q is not targets or variables", what)}
	}
	l := &loaded{}
	l.config, l.diags = s.config(cmd.Context(), g)
	if err := g.report(l.diags, l.files()); err != nil {
		return err
	}
	var rows []config.Listing
	for _, n := range l.config.Names() {
		if (n.Kind == "variable") == (what == "variables") && !strings.HasPrefix(n.Name, "_") {
			rows = append(rows, n)
		}
	}
	if asJSON {
		return view.ListingJSON(g.out, rows)
	}
	return view.Listing(g.out, rows)
}
