package compose_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachectl/cachectl/config/compose"
)

const oneService = "services:\n  a:\n    build: .\n"

func TestIsComposeGoesByNameAndThenByContent(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		is, broken    bool
	}{
		{"compose.yaml", oneService, true, false},
		{"x.YML", oneService, true, false},
		{"x.yml", "services: [", true, true},
		{"x.yml", "target: {}", true, true},
		{"docker-bake.hcl", oneService, false, false},
		{"docker-bake.json", "{\"services\": {}}", false, false},
		{"definition", oneService, true, false},
		{"-", oneService, true, false},
		{"definition", "target \"a\" {}\n", false, true},
		{"definition", "{\"target\": {\"a\": {}}}", false, true},
		{"definition", "{\"services\": {\"a\": {\"build\": \".\"}}}", true, false},
		{"compose.yaml", "services:\n  a:\n    depends_on: [elsewhere]\n    build: .\n", true, false},
	} {
		is, err := compose.IsCompose(t.Context(), compose.File{Name: tc.name, Data: []byte(tc.content)}, compose.Options{Dir: t.TempDir()})
		if is != tc.is || (err != nil) != tc.broken {
			t.Errorf("%s %q: %t, %v, want %t and an error: %t", tc.name, tc.content, is, err, tc.is, tc.broken)
		}
	}
}

func TestDirIsWhereDotEnvAndEnvFilesAre(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{".env": "TAG=dotenv\n", "vars.env": "ARG=envfile\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := "services:\n  a:\n    image: a:${TAG}\n    env_file: vars.env\n    build: {context: ., args: [ARG]}\n"
	project := load(t, compose.Options{Dir: dir}, file)
	attrs := project.Targets[0].Attrs
	if got := attrs["tags"].AsValueSlice()[0].AsString(); got != "a:dotenv" {
		t.Errorf("tag %s", got)
	}
	if got := attrs["args"].AsValueMap()["ARG"].AsString(); got != "envfile" {
		t.Errorf("argument %s", got)
	}
	if got := attrs["context"].AsString(); got != dir {
		t.Errorf("context %s", got)
	}
}

func TestOnlySecretsIsAProjectWithoutTargets(t *testing.T) {
	project := load(t, compose.Options{Dir: t.TempDir()}, "secrets:\n  a:\n    file: x\n")
	if diff := cmp.Diff(&compose.Project{}, project); diff != "" {
		t.Errorf("project (-want +got):\n%s", diff)
	}
}

func TestAttributesAreOnlyThoseThatWereSet(t *testing.T) {
	project := load(t, compose.Options{Dir: t.TempDir()}, oneService)
	if diff := cmp.Diff([]string{"context"}, slices.Sorted(maps.Keys(project.Targets[0].Attrs))); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestFetchedFilesCannotNameFilesOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"other.yaml": oneService, "vars.env": "SECRET=x\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ content, want string }{
		{"include: [other.yaml]\n" + oneService, "include"},
		{"services:\n  b:\n    extends: {file: other.yaml, service: a}\n", "extend"},
		{"services:\n  b:\n    env_file: vars.env\n    build: .\n", "env_file"},
		{"services:\n  b:\n    env_file: [{path: vars.env}]\n    build: .\n", "env_file"},
		{"services:\n  b:\n    label_file: vars.env\n    build: .\n", "label_file"},
	} {
		files := []compose.File{{Name: "compose.yaml", Data: []byte(tc.content)}}
		if _, err := compose.Load(t.Context(), files, compose.Options{Dir: dir}); err != nil {
			t.Errorf("%q from this machine: %v", tc.content, err)
		}
		_, err := compose.Load(t.Context(), files, compose.Options{Dir: dir, Remote: true})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q fetched: %v, want an error with %q", tc.content, err, tc.want)
		}
	}
	local := "services:\n  a:\n    extends: b\n  b:\n    build: .\n"
	if _, err := compose.Load(t.Context(), []compose.File{{Name: "x.yaml", Data: []byte(local)}}, compose.Options{Dir: dir, Remote: true}); err != nil {
		t.Errorf("a fetched file that extends its own service: %v", err)
	}
}

func TestHostileFilesAreErrors(t *testing.T) {
	bomb := "x0: &x0 [a,a,a,a,a,a,a,a,a,a]\n"
	for i := range 9 {
		previous := "*x" + string(rune('0'+i))
		bomb += "x" + string(rune('1'+i)) + ": &x" + string(rune('1'+i)) + " [" + strings.TrimSuffix(strings.Repeat(previous+",", 10), ",") + "]\n"
	}
	for name, content := range map[string]string{
		"aliases": bomb + oneService,
		"nesting": strings.Repeat("[", 100_000),
		"large":   oneService + "#" + strings.Repeat("x", compose.MaxFile),
		"cycle":   "services:\n  a: {extends: b}\n  b: {extends: a}\n",
		"nothing": "",
		"scalar":  "x",
		"null":    "services: null\n",
	} {
		t.Run(name, func(t *testing.T) {
			files := []compose.File{{Name: "compose.yaml", Data: []byte(content)}}
			if project, err := compose.Load(t.Context(), files, compose.Options{Dir: t.TempDir()}); err == nil {
				t.Errorf("no error, and %v", project)
			}
		})
	}
}

func TestDotEnvMustBeASmallFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(strings.Repeat("A=b\n", 1<<19)), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []compose.File{{Name: "compose.yaml", Data: []byte(oneService)}}
	if _, err := compose.Load(t.Context(), files, compose.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("large .env: %v", err)
	}
	asDirectory := t.TempDir()
	if err := os.Mkdir(filepath.Join(asDirectory, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := compose.Load(t.Context(), files, compose.Options{Dir: asDirectory}); err != nil {
		t.Errorf(".env that is a directory: %v", err)
	}
}

func load(t *testing.T, opts compose.Options, content string) *compose.Project {
	t.Helper()
	project, err := compose.Load(t.Context(), []compose.File{{Name: "compose.yaml", Data: []byte(content)}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return project
}
