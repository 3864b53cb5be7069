package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// What is accepted from outside.
const (
	fileLimit    = 16 << 20
	bracketLimit = 200
	matrixLimit  = 10_000
)

// Files that are looked for when none is named, in the order they are merged. cachectl's own come first; where there is one of them, Bake's are not
// looked for.
var (
	ownFiles  = []string{"cache.hcl", "cache.json", "cache.override.hcl", "cache.override.json"}
	bakeFiles = []string{
		"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
		"docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
	}
)

// stdinName is what standard input is called in diagnostics.
const stdinName = "<stdin>"

// file is one file of the configuration.
type file struct {
	name string
	data []byte
	// strict is set for files of our own; in Bake's, unknown names are ignored as Bake does, with a warning. See isOwn.
	strict bool
	body   hcl.Body
}

// readFiles reads what opt names, or what lies in the directory.
func readFiles(opt Options) ([]*file, hcl.Diagnostics) {
	names := opt.Files
	if len(names) == 0 {
		names = filesFromEnv(opt.LookupEnv)
	}
	if len(names) == 0 {
		names = defaultFiles(opt.Dir)
	}
	if len(names) == 0 {
		return nil, hcl.Diagnostics{errorf(nil, "No configuration file",
			"There is no cache.hcl, docker-bake.hcl or compose file in this directory. Name one with -f, or start from cache.hcl.example.")}
	}
	var files []*file
	var diags hcl.Diagnostics
	for _, name := range names {
		f, err := newFile(name, opt)
		if err != nil {
			diags = append(diags, errorf(nil, "Unreadable file", "%s cannot be read: %v.", name, err))
			continue
		}
		files = append(files, f)
	}
	return files, diags
}

func newFile(name string, opt Options) (*file, error) {
	data, err := readFile(name, opt)
	if err != nil {
		return nil, err
	}
	if name == "-" {
		if name = stdinName; opt.StdinName != "" {
			name = opt.StdinName
		}
	}
	return &file{name: name, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}, nil
}

// regularFile is newFile for files that a configuration names: what would wait for a writer, or has no end, is refused.
func regularFile(name string, opt Options) (*file, error) {
	if err := regular(under(opt.Dir, name)); err != nil {
		return nil, err
	}
	return newFile(name, opt)
}

func regular(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return unwrapPath(err)
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("it is not a regular file")
	}
	return nil
}

// filesFromEnv are the files that BUILDX_BAKE_FILE names, separated as paths are or by BUILDX_BAKE_PATH_SEPARATOR.
func filesFromEnv(lookupEnv func(string) (string, bool)) []string {
	list, _ := lookupEnv("BUILDX_BAKE_FILE")
	separator, _ := lookupEnv("BUILDX_BAKE_PATH_SEPARATOR")
	if separator == "" {
		separator = string(os.PathListSeparator)
	}
	var names []string
	for name := range strings.SplitSeq(list, separator) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func defaultFiles(dir string) []string {
	for _, set := range [][]string{ownFiles, bakeFiles} {
		var found []string
		for _, name := range set {
			if st, err := os.Stat(filepath.Join(dir, name)); err == nil && !st.IsDir() {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func readFile(name string, opt Options) ([]byte, error) {
	var r io.Reader
	if name == "-" {
		r = opt.Stdin
		if r == nil {
			r = os.Stdin
		}
	} else {
		path := strings.TrimPrefix(name, "cwd://")
		if !filepath.IsAbs(path) {
			path = filepath.Join(opt.Dir, path)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, unwrapPath(err)
		}
		defer f.Close() //nolint:errcheck // read side
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, fileLimit+1))
	if err == nil && len(data) > fileLimit {
		err = fmt.Errorf("it is larger than %d bytes", fileLimit)
	}
	return data, err
}

// unwrapPath drops the path from a file error; the caller names the file.
func unwrapPath(err error) error {
	if pe, ok := err.(*os.PathError); ok { //nolint:errorlint // as os.Open returns it
		return pe.Err
	}
	return err
}

// parse reads the syntax of a file: HCL, or JSON by its ending or its first character.
func (f *file) parse(parser map[string]*hcl.File) hcl.Diagnostics {
	if diags := checkDepth(f); diags.HasErrors() {
		return diags
	}
	var parsed *hcl.File
	var diags hcl.Diagnostics
	if f.isJSON() {
		parsed, diags = hcljson.Parse(f.data, f.name)
	} else {
		parsed, diags = hclsyntax.ParseConfig(f.data, f.name, hcl.InitialPos)
	}
	if parsed != nil {
		parser[f.name] = parsed
		f.body = parsed.Body
		f.strict = f.isOwn()
	}
	return diags
}

func (f *file) isJSON() bool {
	if strings.HasSuffix(strings.ToLower(f.name), ".json") {
		return true
	}
	if strings.HasSuffix(strings.ToLower(f.name), ".hcl") {
		return false
	}
	return bytes.HasPrefix(bytes.TrimSpace(f.data), []byte("{"))
}

// isOwn tells whether a file is ours rather than Bake's: it is called cache.hcl, cache.json, or NAME.cache.hcl and the like, or has something
// in it that Bake does not know.
func (f *file) isOwn() bool {
	base := strings.ToLower(filepath.Base(f.name))
	stem := strings.TrimSuffix(strings.TrimSuffix(base, filepath.Ext(base)), ".override")
	if stem == "cache" || strings.HasSuffix(stem, ".cache") {
		return true
	}
	body, ok := f.body.(*hclsyntax.Body)
	if !ok {
		return false
	}
	for _, b := range body.Blocks {
		if kind := schema.Lookup(b.Type); kind != nil && kind.Own {
			return true
		}
		for _, nested := range b.Body.Blocks {
			if b.Type == "target" && (nested.Type == "cache-from" || nested.Type == "cache-to") {
				return true
			}
		}
	}
	return false
}

// checkDepth refuses brackets nested so deeply that parsing them would exhaust the stack, which cannot be recovered from.
func checkDepth(f *file) hcl.Diagnostics {
	depth, line, column := 0, 1, 1
	for i, c := range f.data {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '\n':
			line, column = line+1, 0
		}
		column++
		if depth > bracketLimit {
			pos := hcl.Pos{Line: line, Column: column - 1, Byte: i}
			end := hcl.Pos{Line: line, Column: column, Byte: i + 1}
			return hcl.Diagnostics{errorf(&hcl.Range{Filename: f.name, Start: pos, End: end}, "Nesting too deep",
				"Brackets are nested more than %d deep here.", bracketLimit)}
		}
	}
	return nil
}
