package function

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// files holds the functions that read files below the root of fsys.
func files(fsys fs.FS) []entry {
	return []entry{
		{name: "file", fn: fileFunc(fsys)},
		{name: "fileexists", fn: fileExistsFunc(fsys)},
		{name: "filehash", fn: fileHashFunc(fsys)},
		{name: "glob", fn: globFunc(fsys)},
	}
}

func fileFunc(fsys fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the text of a file, which must be UTF-8.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var content strings.Builder
			if err := read(fsys, args[0].AsString(), MaxFile, &content); err != nil {
				return cty.NilVal, err
			}
			if !utf8.ValidString(content.String()) {
				return cty.NilVal, fmt.Errorf("%s is not UTF-8 text; filehash takes any file", args[0].AsString())
			}
			return cty.StringVal(content.String()), nil
		},
	})
}

func fileHashFunc(fsys fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the SHA-256 of a file's content in hexadecimal.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			hash := sha256.New()
			if err := read(fsys, args[0].AsString(), MaxHashedFile, hash); err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(hex.EncodeToString(hash.Sum(nil))), nil
		},
	})
}

func fileExistsFunc(fsys fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Reports whether a file exists. A directory is not a file.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := local(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			info, err := fs.Stat(fsys, name)
			if errors.Is(err, fs.ErrNotExist) {
				return cty.False, nil
			}
			if err != nil {
				return cty.NilVal, fmt.Errorf("look for file: %w", err)
			}
			return cty.BoolVal(info.Mode().IsRegular()), nil
		},
	})
}

// read copies a regular file of at most limit bytes to w.
func read(fsys fs.FS, name string, limit int64, w io.Writer) error {
	name, err := local(name)
	if err != nil {
		return err
	}
	// Asked before it is opened: opening a named pipe waits for a writer.
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("read file: %s is not a regular file", name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	defer f.Close() //nolint:errcheck // read side
	n, err := io.Copy(w, io.LimitReader(f, limit+1))
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if n > limit {
		return fmt.Errorf("read file: %s is larger than %d bytes", name, limit)
	}
	return nil
}

// local turns a path of the configuration into one of fs.FS, or says why it cannot.
func local(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || path.IsAbs(clean) || !fs.ValidPath(clean) {
		return "", function.NewArgErrorf(0, "%q is not a path below the directory of the configuration", name)
	}
	return clean, nil
}
