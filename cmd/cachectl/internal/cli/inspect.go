package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/spf13/cobra"
)

func newInspect(g *globals) *cobra.Command {
	var asJSON, insecure bool
	var files []string
	cmd := &cobra.Command{
		Use:   "inspect REF|DIR[:TAG]",
		Short: "Show what is in a cache: records, layers, sizes, age",
		Long:  "Inspect reads a cache from a registry or a directory and shows what is in it and whether its layers are there. The registry blocks of -f files say how to reach a host.",
		Example: `  cachectl inspect registry.example.com/team/app-cache:main
  cachectl inspect ./cache
  cachectl inspect localhost:5000/cache:main --json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			env := locations.Env{Dir: g.in.Dir}
			var regs []*config.Registry
			if len(files) > 0 {
				s := selection{files: files}
				res, err := s.resolve(cmd.Context(), g, nil)
				if err != nil {
					return err
				}
				regs = res.Registries
			}
			hosts, err := registry.NewHosts(registry.HostsOptions{Registries: regs, Dir: g.in.Dir})
			if err != nil {
				return err
			}
			env.Hosts = hosts
			servers, err := g.serveEmbedded(cmd.Context(), regs, "", slog.New(slog.DiscardHandler))
			defer servers.close()
			defer hosts.Close() // before the registry, which waits for what is open
			if err != nil {
				return err
			}
			src, err := locations.OpenSource(cacheArgument(args[0], g.in.Dir, insecure), env)
			if err != nil {
				return usageError{err}
			}
			cur, err := src.Read(cmd.Context())
			if errors.Is(err, blob.ErrNotFound) {
				return usageError{fmt.Errorf("%s: there is nothing", src.Name())}
			}
			if err != nil {
				return fmt.Errorf("%s: %w", src.Name(), err)
			}
			missing, err := src.Missing(cmd.Context(), cur)
			if err != nil {
				return fmt.Errorf("%s: look for layers: %w", src.Name(), err)
			}
			if asJSON {
				return view.InspectJSON(g.out, src.Name(), cur, missing)
			}
			return view.Inspect(g.out, src.Name(), cur, missing)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "configuration file with registry blocks")
	return cmd
}

// cacheArgument turns REF or DIR[:TAG] into a cache source: what exists as a directory, or starts like a path, is one.
func cacheArgument(arg, dir string, insecure bool) config.Cache {
	path, tag := arg, "latest"
	if i := strings.LastIndex(arg, ":"); i > strings.LastIndex(arg, "/") {
		path, tag = arg[:i], arg[i+1:]
	}
	for _, p := range [][2]string{{arg, "latest"}, {path, tag}} {
		full := p[0]
		if !filepath.IsAbs(full) {
			full = filepath.Join(dir, full)
		}
		if st, err := os.Stat(full); err == nil && st.IsDir() {
			return config.Cache{Type: "local", Attrs: map[string]string{"src": p[0], "tag": p[1]}}
		}
	}
	if strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "/") {
		return config.Cache{Type: "local", Attrs: map[string]string{"src": path, "tag": tag}}
	}
	return config.Cache{Type: "registry", Attrs: map[string]string{"ref": arg, "registry.insecure": fmt.Sprint(insecure)}}
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}
