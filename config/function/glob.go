package function

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func globFunc(fsys fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the files and directories that match a pattern, sorted. * and ? stay within a name, ** spans directories.",
		Params:      []function.Parameter{{Name: "pattern", Type: cty.String}},
		Type:        function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			names, err := glob(fsys, args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			if len(names) == 0 {
				return cty.ListValEmpty(cty.String), nil
			}
			values := make([]cty.Value, len(names))
			for i, name := range names {
				values[i] = cty.StringVal(name)
			}
			return cty.ListVal(values), nil
		},
	})
}

// walk collects the names below a root that match a pattern.
type walk struct {
	fsys  fs.FS
	found map[string]bool
	seen  int
}

// glob returns the sorted names in fsys that match pattern. Symbolic links are not followed, and ** passes over .git.
func glob(fsys fs.FS, pattern string) ([]string, error) {
	clean, err := local(pattern)
	if err != nil {
		return nil, err
	}
	segments := slices.CompactFunc(strings.Split(clean, "/"), func(a, b string) bool { return a == "**" && b == "**" })
	for _, segment := range segments {
		if _, err := path.Match(segment, ""); err != nil {
			return nil, function.NewArgErrorf(0, "%q is not a pattern: %w", pattern, err)
		}
	}
	w := walk{fsys: fsys, found: map[string]bool{}}
	if err := w.match(".", segments); err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	names := make([]string, 0, len(w.found))
	for name := range w.found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// match looks below dir for names that match the segments.
func (w *walk) match(dir string, segments []string) error {
	entries, err := fs.ReadDir(w.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if w.seen += len(entries); w.seen > MaxWalked {
		return fmt.Errorf("the pattern has to look at more than %d names", MaxWalked)
	}
	if segments[0] == "**" && len(segments) > 1 {
		if err := w.match(dir, segments[1:]); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		if err := w.visit(path.Join(dir, entry.Name()), entry, segments); err != nil {
			return err
		}
	}
	return nil
}

// visit takes one entry of a directory: whether it matches, and what is below it.
func (w *walk) visit(name string, entry fs.DirEntry, segments []string) error {
	last := len(segments) == 1
	if segments[0] == "**" {
		if entry.Name() == ".git" {
			return nil
		}
		if last {
			w.found[name] = true
		}
		if entry.IsDir() {
			return w.match(name, segments)
		}
		return nil
	}
	matched, err := path.Match(segments[0], entry.Name())
	if err != nil || !matched {
		return err
	}
	if last {
		w.found[name] = true
		return tooMany(len(w.found))
	}
	if entry.IsDir() {
		return w.match(name, segments[1:])
	}
	return nil
}
