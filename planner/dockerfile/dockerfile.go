// Package dockerfile reads what a plan is advised by from the Dockerfiles of its targets, with BuildKit's own parser. What it cannot read it leaves out: whether
// a Dockerfile is right is for the builder to say. Package planner itself touches no files.
package dockerfile

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// largest is the size in bytes above which a Dockerfile is not looked at.
const largest = 1 << 20

// Stages are the stages of the targets' Dockerfiles, by target. Relative paths are resolved against dir. A target whose Dockerfile is elsewhere, for another
// frontend or cannot be read is left out.
func Stages(targets []*config.Target, dir string) map[string][]planner.Stage {
	r := reader{files: map[string][]byte{}, parsed: map[string]*file{}}
	out := map[string][]planner.Stage{}
	for _, t := range targets {
		if f := r.parse(r.content(t, dir)); f != nil {
			out[t.Name] = f.stages(t)
		}
	}
	return out
}

// Files are the contents of the targets' Dockerfiles, by path relative to dir or absolute as the target has it. Those written in the configuration are left
// out, and those that cannot be read.
func Files(targets []*config.Target, dir string) map[string][]byte {
	r := reader{files: map[string][]byte{}}
	for _, t := range targets {
		if t.DockerfileInline == nil {
			r.content(t, dir)
		}
	}
	out := map[string][]byte{}
	for path, content := range r.files {
		if content == nil {
			continue
		}
		if below, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(below) {
			path = below
		}
		out[filepath.ToSlash(path)] = content
	}
	return out
}

// reader reads and parses each file once, however many targets share it.
type reader struct {
	files  map[string][]byte
	parsed map[string]*file
}

// file is a parsed Dockerfile.
type file struct {
	list   []instructions.Stage
	args   []instructions.ArgCommand
	escape rune
}

// content is the text of a target's Dockerfile, nil if it is not at hand.
func (r *reader) content(t *config.Target, dir string) []byte {
	if t.DockerfileInline != nil {
		return []byte(*t.DockerfileInline)
	}
	path := value(t.Dockerfile, "Dockerfile")
	context := value(t.Context, ".")
	if remote(context) || remote(path) || path == "-" || context == "-" {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(context, path)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	content, known := r.files[path]
	if !known {
		content = read(path)
		r.files[path] = content
	}
	return content
}

func value(s *string, otherwise string) string {
	if s == nil || *s == "" {
		return otherwise
	}
	return *s
}

// remote tells whether a context is a URL or a git reference (BuildKit: frontend/dockerui/context.go).
func remote(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "github.com/") || strings.HasPrefix(s, "target:")
}

// read reads a regular file of a sensible size; nil if it is none.
func read(path string) []byte {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() || st.Size() > largest {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return nil
	}
	return content
}

// parse returns nil for what is no Dockerfile of docker's own frontend.
func (r *reader) parse(content []byte) *file {
	if content == nil {
		return nil
	}
	f, known := r.parsed[string(content)]
	if !known {
		f = parse(content)
		r.parsed[string(content)] = f
	}
	return f
}

func parse(content []byte) *file {
	if syntax, _, _, ok := parser.DetectSyntax(content); ok && !strings.HasPrefix(strings.TrimPrefix(syntax, "docker.io/"), "docker/dockerfile") {
		return nil
	}
	ast, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return nil
	}
	list, args, err := instructions.Parse(ast.AST, nil)
	if err != nil {
		return nil
	}
	return &file{list: list, args: args, escape: ast.EscapeToken}
}

// stages are the file's stages as a target builds them: the names of bases can hang on its arguments.
func (f *file) stages(t *config.Target) []planner.Stage {
	env := f.env(t)
	lex := shell.NewLex(f.escape)
	var out []planner.Stage
	for _, s := range f.list {
		base, _, err := lex.ProcessWord(s.BaseName, env)
		if err != nil {
			base = s.BaseName
		}
		stage := planner.Stage{Name: strings.ToLower(s.Name), Base: strings.ToLower(base)}
		for _, c := range s.Commands {
			switch c := c.(type) {
			case *instructions.RunCommand:
				stage.Runs = true
				for _, m := range instructions.GetMounts(c) {
					stage.Copies = appendName(stage.Copies, m.From)
				}
			case *instructions.CopyCommand:
				stage.Copies = appendName(stage.Copies, c.From)
			}
		}
		out = append(out, stage)
	}
	return out
}

func appendName(list []string, name string) []string {
	if name == "" {
		return list
	}
	return append(list, strings.ToLower(name))
}

// env is the arguments before the first stage, with the target's values in place of the defaults.
func (f *file) env(t *config.Target) shell.EnvGetter {
	lex := shell.NewLex(f.escape)
	var list []string
	for _, cmd := range f.args {
		for _, arg := range cmd.Args {
			if given := t.Args[arg.Key]; given != nil {
				list = append(list, arg.Key+"="+*given)
				continue
			}
			if arg.Value == nil {
				continue
			}
			if v, _, err := lex.ProcessWord(*arg.Value, shell.EnvsFromSlice(list)); err == nil {
				list = append(list, arg.Key+"="+v)
			}
		}
	}
	return shell.EnvsFromSlice(list)
}
