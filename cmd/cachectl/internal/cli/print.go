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
	cmd := &cobra.Command{
		Use:   "print [TARGET|GROUP...]",
		Short: "Print the resolved configuration as JSON, in the form of docker buildx bake --print",
		Example: `  cachectl print -f docker-bake.hcl
  cachectl print -f cache.hcl --set '*.platform=linux/arm64' api
  cachectl print -f cache.hcl --list targets`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if list != "" {
				return s.list(cmd, g, list)
			}
			res, _, err := s.resolve(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			raw, err := res.JSON()
			if err != nil {
				return err
			}
			return view.Bytes(g.in.Stdout, raw)
		},
	}
	s.flags(cmd, g)
	cmd.Flags().StringVar(&list, "list", "", "list targets or variables instead")
	return cmd
}

// list prints what there is of a kind.
func (s *selection) list(cmd *cobra.Command, g *globals, what string) error {
	if what != "targets" && what != "variables" {
		return usageError{fmt.Errorf("--list %q is not targets or variables", what)}
	}
	c, diags := s.config(cmd.Context(), g)
	if err := g.report(diags, sources(c)); err != nil {
		return err
	}
	var rows []config.Listing
	for _, l := range c.Names() {
		if (l.Kind == "variable") == (what == "variables") && !strings.HasPrefix(l.Name, "_") {
			rows = append(rows, l)
		}
	}
	return view.Listing(g.in.Stdout, rows)
}
