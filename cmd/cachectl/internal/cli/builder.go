package cli

import (
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/spf13/cobra"
)

func newBuilder(g *globals) *cobra.Command {
	cmd := group(&cobra.Command{Use: "builder", Short: "Look at or remove the embedded builder",
		Long: "The embedded builder is a buildkitd that cachectl starts when it finds no other, and stops when nobody uses it any more."})
	var dataDir string
	var asJSON bool
	status := &cobra.Command{
		Use:   "status",
		Short: "Show the embedded builder's state",
		Example: `  cachectl builder status
  cachectl builder status --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			st, err := build.StatusEmbedded(g.absolute(dataDir))
			if err != nil {
				return err
			}
			if asJSON {
				return view.JSON(g.out, struct {
					FormatVersion string `json:"format_version"`
					*build.EmbeddedStatus
				}{"1.0", st})
			}
			return view.BuilderStatus(g.out, st)
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	remove := &cobra.Command{
		Use:     "rm",
		Short:   "Stop the embedded builder and delete its state; published caches stay",
		Example: "  cachectl builder rm",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := build.StatusEmbedded(g.absolute(dataDir))
			if err != nil {
				return err
			}
			if err := build.RemoveEmbedded(cmd.Context(), g.absolute(dataDir)); err != nil {
				return err
			}
			view.Removed(g.err, st)
			return nil
		},
	}
	cmd.PersistentFlags().StringVar(&dataDir, "data-dir", "", "where the state is (default: the user's data directory)")
	cmd.AddCommand(status, remove)
	return cmd
}
