package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/migrate"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// migration is the flags of migrate.
type migration struct {
	out   string
	force bool
}

func newMigrate(g *globals) *cobra.Command {
	var m migration
	cmd := &cobra.Command{
		Use:   "migrate [FILE|-]",
		Short: "Write a Bake file in the strict form of cache.hcl",
		Long: `Migrate makes labelled blocks of the caches in a Bake file, and comments of what Bake ignores. Everything else stays: order, comments, variables,
functions. JSON and Compose files become HCL. Old and new form are compared; what would not mean the same is left as it was, with a warning. Without a
file it takes docker-bake.hcl, and prints the result unless -o names a file.`,
		Example: `  cachectl migrate docker-bake.hcl -o cache.hcl
  cachectl migrate docker-compose.yml
  cachectl migrate - < docker-bake.json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "docker-bake.hcl"
			if len(args) > 0 {
				name = args[0]
			}
			return m.run(cmd, g, name)
		},
	}
	cmd.Flags().StringVarP(&m.out, "output", "o", "", "write the result to this file")
	cmd.Flags().BoolVar(&m.force, "force", false, "replace the file of -o if it exists")
	return cmd
}

func (m *migration) run(cmd *cobra.Command, g *globals, name string) error {
	src, err := readText(g, name, g.absolute(name))
	if err != nil {
		return usageError{fmt.Errorf("migrate: %s", unreadable(name, err))}
	}
	out := g.absolute(m.out)
	if _, err := os.Lstat(out); err == nil && m.out != "" && !m.force {
		return usageError{fmt.Errorf("migrate %s: %s exists; --force replaces it", name, m.out)}
	}
	shown := filepath.Base(name)
	if name == "-" {
		shown = "<stdin>"
	}
	text, diags := migrate.File(cmd.Context(), src, shown, migrate.Options{LookupEnv: g.in.LookupEnv, Dir: g.in.Dir})
	formatted, _ := config.Format(src, shown)
	if err := g.report(diags, map[string]*hcl.File{shown: {Bytes: formatted}, "<stdin>": {Bytes: src}}); err != nil {
		return err
	}
	if m.out == "" {
		return view.Bytes(g.out, text)
	}
	if err := replaceFile(out, text); err != nil {
		return fmt.Errorf("write %s: %w", m.out, err)
	}
	return nil
}
