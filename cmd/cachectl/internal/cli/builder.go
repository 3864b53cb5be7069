package cli

import (
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/spf13/cobra"
)

func newBuilder(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "builder", Short: "Look at or remove the embedded builder"}
	var dataDir string
	var asJSON bool
	status := &cobra.Command{
		Use: "status", Short: "Show the embedded builder's state", Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			st, err := build.StatusEmbedded(absolute(dataDir))
			if err != nil {
				return err
			}
			if asJSON {
				return view.JSON(g.in.Stdout, st)
			}
			return view.BuilderStatus(g.in.Stdout, st)
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	remove := &cobra.Command{
		Use: "rm", Short: "Stop the embedded builder and delete its state; published caches stay", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return build.RemoveEmbedded(cmd.Context(), absolute(dataDir))
		},
	}
	cmd.PersistentFlags().StringVar(&dataDir, "data-dir", "", "where the state is (default: the user's data directory)")
	cmd.AddCommand(status, remove)
	return cmd
}

func absolute(dir string) string {
	if dir == "" {
		return ""
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
