package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// largestText is the largest file that is formatted, in bytes.
const largestText = 16 << 20

// errUnformatted says that --check found files to format.
var errUnformatted = errors.New("some files are not formatted; run cachectl fmt")

// formatting is the flags of fmt.
type formatting struct {
	check, diff, write bool
}

func newFmt(g *globals) *cobra.Command {
	var f formatting
	cmd := &cobra.Command{
		Use:   "fmt [FILE|-...]",
		Short: "Format configuration files",
		Long: `Fmt brings files into the canonical style: spacing and alignment change, nothing else does. It rewrites files in place and prints the names of
those that changed; - reads standard input and prints the result. Without files it formats cache.hcl. A single dash does for its flags, as in
terraform fmt.`,
		Example: `  cachectl fmt
  cachectl fmt -check -diff cache.hcl docker-bake.hcl
  cachectl fmt - < cache.hcl`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				files = []string{"cache.hcl"}
			}
			changed := false
			for _, name := range files {
				c, err := f.file(g, name)
				if err != nil {
					return err
				}
				changed = changed || c
			}
			if f.check && changed {
				return usageError{errUnformatted}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; print the files that would change and exit with 2 if there are any")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "show what changes")
	cmd.Flags().BoolVarP(&f.write, "write", "w", true, "write the files; --write=false prints the result instead")
	return cmd
}

// file formats one file and tells whether that changed it.
func (f formatting) file(g *globals, name string) (bool, error) {
	path := g.absolute(name)
	src, err := readText(g, name, path)
	if err != nil {
		return false, usageError{fmt.Errorf("fmt: %s", unreadable(name, err))}
	}
	shown := name
	if name == "-" {
		shown = "<stdin>"
	}
	out, diags := config.Format(src, shown)
	if diags.HasErrors() {
		if json.Valid(src) {
			return false, usageError{fmt.Errorf("fmt: %s is JSON; only HCL has a canonical style", shown)}
		}
		return false, g.report(diags, map[string]*hcl.File{shown: {Bytes: src}})
	}
	changed := !bytes.Equal(src, out)
	if f.diff && changed {
		if err := view.Bytes(g.out, view.Diff(name, src, out)); err != nil {
			return changed, err
		}
	}
	write := f.write && !f.check && name != "-"
	if write && changed {
		if err := replaceFile(path, out); err != nil {
			return changed, fmt.Errorf("write %s: %w", name, err)
		}
	}
	switch {
	case f.diff:
		return changed, nil
	case write || f.check:
		if !changed {
			return false, nil
		}
		return true, view.Text(g.out, name+"\n")
	}
	return changed, view.Bytes(g.out, out)
}

// unreadable says that a file could not be read, and where none of that name is, that another can be named.
func unreadable(name string, err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	text := fmt.Sprintf("%s cannot be read: %v", name, err)
	if errors.Is(err, fs.ErrNotExist) {
		text += "; name the file to take"
	}
	return text
}

func readText(g *globals, name, path string) ([]byte, error) {
	r := g.in.Stdin
	if name != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // read side
		r = f
	}
	src, err := io.ReadAll(io.LimitReader(r, largestText+1))
	if err == nil && len(src) > largestText {
		err = fmt.Errorf("more than %d bytes are no configuration", largestText)
	}
	return src, err
}

// replaceFile replaces a file as a whole: a reader sees the old content or the new one. An existing file keeps its mode, a link its name.
func replaceFile(path string, content []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := os.FileMode(0o644)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
