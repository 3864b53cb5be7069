package config_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The corpus under testdata/bake holds build definitions of our own and what Docker Bake prints for them. Each archive starts with
// its runs, one a line:
//
//	run NAME [VARIABLE=VALUE ...] -- [ARGUMENT ...]
//
// then come the files, and for each run a section want/NAME with the recorded output, or "error" where Bake fails.

// updateBake records the corpus again; .tools/bin/buildx must be v0.37.2.
var updateBake = flag.Bool("update-bake", false, "record what buildx says of the corpus again")

const (
	bakeFailed = "error\n"
	wantPrefix = "want/"
)

// bakeCase is one archive of the corpus.
type bakeCase struct {
	name  string
	runs  []bakeRun
	files []txtar.File
}

// bakeRun is one call of bake --print in the directory of the files, with nothing but env and HOME in its environment.
type bakeRun struct {
	name      string
	env, args []string
	// want is the JSON (or the listing) that Bake prints; fails is set where it ends with an error.
	want  string
	fails bool
}

// bakeCorpus reads the whole corpus, sorted by name.
func bakeCorpus(t *testing.T) []bakeCase {
	t.Helper()
	names, err := filepath.Glob("testdata/bake/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var cases []bakeCase
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, readBakeCase(t, strings.TrimSuffix(filepath.Base(name), ".txtar"), archive))
	}
	return cases
}

func readBakeCase(t *testing.T, name string, archive *txtar.Archive) bakeCase {
	t.Helper()
	c := bakeCase{name: name}
	wants := map[string]string{}
	for _, f := range archive.Files {
		if run, ok := strings.CutPrefix(f.Name, wantPrefix); ok {
			wants[run] = string(f.Data)
			continue
		}
		c.files = append(c.files, f)
	}
	for line := range strings.Lines(string(archive.Comment)) {
		before, after, ok := strings.Cut(strings.TrimSpace(line)+" ", "--")
		words := strings.Fields(before)
		if !ok || len(words) < 2 || words[0] != "run" {
			t.Fatalf("%s: %q is not a run", name, line)
		}
		want := wants[words[1]]
		c.runs = append(c.runs, bakeRun{
			name: words[1], env: words[2:], args: strings.Fields(after), want: want, fails: want == bakeFailed,
		})
	}
	return c
}

// unpack writes the files of the case to dir.
func (c bakeCase) unpack(t *testing.T, dir string) {
	t.Helper()
	for _, f := range c.files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBakeCorpusIsRecorded(t *testing.T) {
	cases := bakeCorpus(t)
	if len(cases) < 150 {
		t.Errorf("%d cases; the corpus has at least 150", len(cases))
	}
	if *updateBake {
		for _, c := range cases {
			recordBake(t, c)
		}
		cases = bakeCorpus(t)
	}
	for _, c := range cases {
		if len(c.runs) == 0 {
			t.Errorf("%s has no runs", c.name)
		}
		for _, run := range c.runs {
			if run.want == "" {
				t.Errorf("%s: run %s is not recorded; -update-bake records it", c.name, run.name)
			}
		}
	}
}

// recordBake asks buildx for every run of the case and writes the archive again.
func recordBake(t *testing.T, c bakeCase) {
	t.Helper()
	buildx, err := filepath.Abs("../.tools/bin/buildx")
	if err != nil {
		t.Fatal(err)
	}
	archive := &txtar.Archive{}
	archive.Files = slices.Clone(c.files)
	var runs bytes.Buffer
	for _, run := range c.runs {
		words := append(append([]string{"run", run.name}, run.env...), "--")
		runs.WriteString(strings.Join(append(words, run.args...), " ") + "\n")
		archive.Files = append(archive.Files, txtar.File{Name: wantPrefix + run.name, Data: askBake(t, buildx, c, run)})
	}
	archive.Comment = runs.Bytes()
	if err := os.WriteFile(filepath.Join("testdata/bake", c.name+".txtar"), txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func askBake(t *testing.T, buildx string, c bakeCase, run bakeRun) []byte {
	t.Helper()
	dir := t.TempDir()
	c.unpack(t, dir)
	args := []string{"bake"}
	if !slices.ContainsFunc(run.args, func(arg string) bool { return strings.HasPrefix(arg, "--list") }) {
		args = append(args, "--print")
	}
	cmd := exec.CommandContext(t.Context(), buildx, append(args, run.args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "BUILDX_BAKE_ENTITLEMENTS_FS=0"}, run.env...)
	answer, err := cmd.Output()
	if err != nil {
		return []byte(bakeFailed)
	}
	return answer
}
