package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// argumentForms says in help how a cache is named on the command line.
const argumentForms = `A cache is named in one of these forms:

  registry.example.com/team/app-cache:main    a reference
  ./cache, ./cache:main, ./cache@sha256:…     a directory (an OCI layout), with a tag or digest in it
  local:cache:main                            the same; what exists as a directory needs no prefix
  type=registry,ref=…                         attributes as in --cache-from and --cache-to of docker buildx

docker://REF, oci:DIR:TAG and ocidir://DIR:TAG are understood too.`

// argumentsFile is what diagnostics call the command line.
const argumentsFile = "arguments"

// arguments are the caches named on a command line. They are kept as a text with a line for each, so that diagnostics can show which is meant.
type arguments struct {
	g        *globals
	insecure bool
	text     []byte
	lines    int
}

// files is the text that diagnostics point into.
func (a *arguments) files() map[string]*hcl.File {
	return map[string]*hcl.File{argumentsFile: {Bytes: a.text}}
}

// caches reads arguments as caches of one side.
func (a *arguments) caches(args []string, side schema.Side) ([]config.Cache, error) {
	var list []config.Cache
	for _, arg := range args {
		if host, ok := passwordHost(arg); ok {
			return nil, usageError{fmt.Errorf("a cache is named without user and password; log in to %s with docker login, whose credentials are used", host)}
		}
		a.g.secrets.Add(secretFields(arg)...) // before anything is said of it
		c, err := a.cache(arg, side)
		if err != nil {
			return nil, usageError{fmt.Errorf("%q: %w", arg, err)}
		}
		list = append(list, c)
	}
	return list, nil
}

func (a *arguments) cache(arg string, side schema.Side) (config.Cache, error) {
	c, err := cacheArgument(arg, a.g.in.Dir, side)
	if err != nil {
		return c, err
	}
	if a.insecure && c.Type == "registry" && c.Attrs["registry.insecure"] == "" {
		c.Attrs["registry.insecure"] = "true"
	}
	return c.On(a.line(arg)), nil
}

// line adds a line to the text and returns where it stands.
func (a *arguments) line(arg string) hcl.Range {
	arg = strings.ReplaceAll(arg, "\n", " ")
	a.lines++
	at := len(a.text)
	a.text = append(a.text, arg+"\n"...)
	return hcl.Range{
		Filename: argumentsFile,
		Start:    hcl.Pos{Line: a.lines, Column: 1, Byte: at},
		End:      hcl.Pos{Line: a.lines, Column: 1 + len([]rune(arg)), Byte: at + len(arg)},
	}
}

// pathPrefixes mark directories: ours, and those of skopeo, regctl and docker buildx.
func pathPrefixes() []string { return []string{"oci-layout://", "ocidir://", "oci:", "local:"} }

// cacheArgument reads one argument. What starts like a path, or exists as a directory, is one.
func cacheArgument(arg, dir string, side schema.Side) (config.Cache, error) {
	for _, prefix := range pathPrefixes() {
		if path, ok := strings.CutPrefix(arg, prefix); ok {
			return directory(path, dir, side), nil
		}
	}
	switch ref, isRef := strings.CutPrefix(arg, "docker://"); {
	case isRef:
		arg = ref
	case strings.HasPrefix(arg, "."), strings.HasPrefix(arg, "/"):
		return directory(arg, dir, side), nil
	case !strings.Contains(arg, "="):
		if c := directory(arg, dir, side); slices.ContainsFunc([]string{c.Attrs["src"], c.Attrs["dest"]}, func(p string) bool { return isDirectory(p, dir) }) {
			return c, nil
		}
	}
	return config.ParseCache(arg, side)
}

// directory takes DIR, DIR:TAG or DIR@DIGEST apart. A colon is part of the name of a directory that exists.
func directory(arg, dir string, side schema.Side) config.Cache {
	path, attrs := arg, map[string]string{}
	slash := strings.LastIndex(arg, "/")
	if i := strings.LastIndex(arg, "@"); i > slash && strings.Contains(arg[i:], ":") {
		path, attrs["digest"] = arg[:i], arg[i+1:]
	} else if i := strings.LastIndex(arg, ":"); i > slash && !isDirectory(arg, dir) {
		path, attrs["tag"] = arg[:i], arg[i+1:]
	}
	attrs[map[schema.Side]string{schema.From: "src", schema.To: "dest"}[side]] = path
	return config.Cache{Type: "local", Attrs: attrs}
}

func isDirectory(path, dir string) bool {
	if path == "" {
		return false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
