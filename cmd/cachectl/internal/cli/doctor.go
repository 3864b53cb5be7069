package cli

import (
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/schema"
	"github.com/spf13/cobra"
)

func newDoctor(g *globals) *cobra.Command {
	var asJSON, insecure bool
	var files []string
	cmd := &cobra.Command{
		Use:   "doctor CACHE",
		Short: "Try out what a registry or directory can do, and say what cachectl does about it",
		Long: `Doctor writes small blobs and manifests under scratch names beside the named cache, looks at what is answered, and removes them again. It never
reads or writes the named cache itself. In a registry it uses the same repository with the tag cachectl-doctor; what a registry does not let anybody
delete stays there, and is used again the next time. Nothing is tried twice: what is shown is the first answer.

` + argumentForms,
		Example: `  cachectl doctor type=registry,ref=registry.example.com/team/app-cache
  cachectl doctor ./cache
  cachectl doctor localhost:5000/app-cache --json | jq '.findings[] | select(.answer == "no")'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			places, err := openPlaces(cmd.Context(), g, files)
			defer places.close()
			if err != nil {
				return err
			}
			c, err := places.checked(args[0], insecure, schema.To)
			if err != nil {
				return err
			}
			dest, err := locations.OpenDestination(c, places.env)
			if err != nil {
				return usageError{err}
			}
			prober, ok := dest.(backend.Prober)
			if !ok {
				return usageError{fmt.Errorf("a cache of type %s cannot be tried out", c.Type)}
			}
			exam := view.NewExam(g.out, dest.Name(), asJSON, view.NewStyle(g.in.Stdout, g.in.LookupEnv, g.noColor))
			var unfit []error
			err = prober.Probe(cmd.Context(), func(f backend.Finding) {
				exam.Found(f)
				if f.Err != nil {
					unfit = append(unfit, fmt.Errorf("%s: %w", dest.Name(), f.Err))
				}
			})
			if err != nil {
				err = fmt.Errorf("%s: %w", dest.Name(), err)
			}
			return errors.Join(exam.Close(), err, errors.Join(unfit...))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "configuration file whose registry blocks say how to reach hosts")
	return cmd
}
