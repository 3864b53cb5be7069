package cli

import (
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor"
	"github.com/spf13/cobra"
)

func newExplain(g *globals) *cobra.Command {
	var s selection
	var fresh upToDate
	var asJSON bool
	var builder, dataDir string
	cmd := &cobra.Command{
		Use:   "explain [TARGET|GROUP...]",
		Short: "Say why targets would be built, and from which step on",
		Long: `Explain compares what targets are built from with what stands beside their published caches. It names the first step of each Dockerfile that will not
be found there, and what changed since: files, arguments, base images, the Dockerfile itself. It needs no builder and changes nothing.`,
		Example: `  cachectl explain api
  cachectl explain -f cache.hcl api --set 'api.args.VERSION=1.2'
  cachectl explain --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			check, err := fresh.check(false)
			if err != nil {
				return err
			}
			plan, res, err := s.plan(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			err = g.assess(cmd.Context(), plan, res, executor.Options{Check: check, MaxAge: fresh.maxAge, Builder: builder, DataDir: g.absolute(dataDir)})
			if err != nil {
				return err
			}
			if asJSON {
				return view.ExplainJSON(g.out, plan)
			}
			return view.Explain(g.out, plan, view.NewStyle(g.in.Stdout, g.in.LookupEnv, g.noColor))
		},
	}
	s.flags(cmd, g)
	fresh.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the explanation as JSON")
	f.StringVar(&builder, "builder", "", "the builder that apply will be given; it is not contacted")
	f.StringVar(&dataDir, "data-dir", "", "where embedded registries keep their state (default: the user's data directory)")
	return cmd
}
