package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"
)

// errUnformatted says that --check found files to format.
var errUnformatted = errors.New("some files are not formatted; run cachectl fmt")

func newFmt(g *globals) *cobra.Command {
	var check, diff bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE|-...]",
		Short: "Format configuration files",
		Long:  "Fmt rewrites files in the canonical style: spacing and alignment change, nothing else does. Without files it formats cache.hcl; - formats standard input.",
		Example: `  cachectl fmt
  cachectl fmt --check --diff cache.hcl
  cachectl fmt - < cache.hcl`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				files = []string{"cache.hcl"}
			}
			changed := false
			for _, name := range files {
				c, err := formatFile(g, name, check, diff)
				if err != nil {
					return err
				}
				changed = changed || c
			}
			if check && changed {
				return usageError{errUnformatted}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit 2 if something would change")
	cmd.Flags().BoolVar(&diff, "diff", false, "show what changes")
	return cmd
}

// formatFile formats one file and tells whether that changed it.
func formatFile(g *globals, name string, check, diff bool) (bool, error) {
	path := name
	if name != "-" && !filepath.IsAbs(name) {
		path = filepath.Join(g.in.Dir, name)
	}
	src, err := readSource(g, path)
	if err != nil {
		return false, usageError{fmt.Errorf("fmt %s: %w", name, err)}
	}
	out, diags := config.Format(src, name)
	if diags.HasErrors() {
		parsed, _ := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
		return false, g.report(diags, map[string]*hcl.File{name: parsed})
	}
	changed := !bytes.Equal(src, out)
	switch {
	case name == "-" && !check:
		return changed, view.Bytes(g.in.Stdout, out)
	case diff && changed:
		view.Diff(g.in.Stdout, name, src, out)
	case check && changed:
		_ = view.Text(g.in.Stdout, name+"\n")
	}
	if check || !changed || name == "-" {
		return changed, nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return changed, err
	}
	return changed, os.WriteFile(path, out, st.Mode().Perm())
}

func readSource(g *globals, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(g.in.Stdin, 2<<20))
	}
	return os.ReadFile(path)
}
