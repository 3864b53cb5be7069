package cli

import (
	"errors"
	"fmt"

	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/spf13/cobra"
)

func newInspect(g *globals) *cobra.Command {
	var asJSON, insecure, records bool
	var graph string
	var files []string
	cmd := &cobra.Command{
		Use:   "inspect CACHE",
		Short: "Show what is in a cache: records, layers, sizes, age",
		Long: `Inspect reads a cache and shows what is in it and whether its layers are there. The registry blocks of -f files say how to reach a host.

` + argumentForms,
		Example: `  cachectl inspect registry.example.com/team/app-cache:main
  cachectl inspect ./cache --records
  cachectl inspect ./cache --graph dot | dot -Tsvg > cache.svg
  cachectl inspect localhost:5000/cache:main --json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if graph != "" && (asJSON || records || graph != "dot" && graph != "mermaid") {
				return usageError{errors.New("--graph is dot or mermaid, and excludes --json and --records")}
			}
			places, err := openPlaces(cmd.Context(), g, files)
			defer places.close()
			if err != nil {
				return err
			}
			src, cur, err := places.read(cmd.Context(), args[0], insecure)
			if err != nil {
				return err
			}
			if graph != "" {
				return view.CacheGraph(g.out, cur.Cache, graph)
			}
			missing, err := src.Missing(cmd.Context(), cur)
			if err != nil {
				return fmt.Errorf("%s: look for layers: %w", src.Name(), err)
			}
			if asJSON {
				return view.InspectJSON(g.out, src.Name(), cur, missing)
			}
			return view.Inspect(g.out, src.Name(), cur, missing, records)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&records, "records", false, "list the records too: what each stands on and leads to")
	cmd.Flags().StringVar(&graph, "graph", "", "print the records as a graph instead: dot or mermaid")
	values(cmd, "graph", "dot", "mermaid")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "configuration file with registry blocks")
	return cmd
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		_, verb, _ := strings.Cut(cmd.CommandPath(), " ")
		wrong := strings.NewReplacer("1 arg(s)", "1 argument", "arg(s)", "arguments").Replace(err.Error())
		if strings.HasSuffix(wrong, fmt.Sprintf("for %q", cmd.CommandPath())) { // cobra speaks of commands and flags
			wrong = fmt.Sprintf("does not take %q", args[0])
		}
		return usageError{fmt.Errorf("%s %s; usage: %s; see %s --help", verb, wrong, cmd.UseLine(), cmd.CommandPath())}
	}
}
