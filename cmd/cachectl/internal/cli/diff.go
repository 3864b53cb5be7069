package cli

import (
	"errors"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/spf13/cobra"
)

// errDiffers says that a difference was found, and shown, where that was asked for as an exit code.
var errDiffers = errors.New("the caches differ")

func newDiff(g *globals) *cobra.Command {
	var asJSON, insecure, exitCode bool
	var files []string
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show what two caches have alone and together: records, layers, bytes",
		Long: `Diff compares what is in two caches, wherever they are and in whatever form. A record is its cache key, a layer its content whatever its
compression, and bytes are those of the blobs. Times do not count.

` + argumentForms,
		Example: `  cachectl diff registry.example.com/app-cache:feature registry.example.com/app-cache:main
  cachectl diff ./cache localhost:5000/app-cache:main --json
  cachectl diff --exit-code ./before ./after || echo "something was rebuilt"`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			places, err := openPlaces(cmd.Context(), g, files)
			defer places.close()
			if err != nil {
				return err
			}
			var sides [2]view.DiffSide
			for i, arg := range args {
				src, cur, err := places.read(cmd.Context(), arg, insecure)
				if err != nil {
					return err
				}
				sides[i] = view.DiffSide{Name: src.Name(), Current: cur}
			}
			d := cache.Compare(sides[0].Current.Cache, sides[1].Current.Cache)
			if asJSON {
				err = view.DiffJSON(g.out, sides[0], sides[1], d)
			} else {
				err = view.CacheDiff(g.out, sides[0], sides[1], d)
			}
			if err == nil && exitCode && !d.Equal() {
				return errDiffers
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 if the caches differ, as git diff does")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "configuration file whose registry blocks say how to reach hosts")
	return cmd
}
