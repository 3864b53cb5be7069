// Package bakecorpus is build definitions for tests and benchmarks: those under config/testdata/bake with what Docker Bake prints for them, and
// generated ones. It runs neither Bake nor cachectl.
//
// Each txtar archive starts with its runs, one a line:
//
//	run NAME [VARIABLE=VALUE ...] -- [ARGUMENT ...]
//
// then come the files, and for each run a section want/NAME with the recorded output, or "error" where Bake fails. A section ours/NAME holds
// what cachectl prints where that is to be something else.
package bakecorpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// What stands in an archive.
const (
	// Failed is the recorded output of a run that Bake ended with an error.
	Failed = "error\n"
	// WantPrefix starts the name of the section that holds a run's recorded output.
	WantPrefix = "want/"
	// OursPrefix starts the name of the section that holds what cachectl prints instead.
	OursPrefix = "ours/"
)

// Case is one archive of the corpus.
type Case struct {
	Name  string
	Runs  []Run
	Files []txtar.File
}

// Run is one call of bake --print in the directory of the files, with nothing but Env and HOME in its environment.
type Run struct {
	Name      string
	Env, Args []string
	// Want is the JSON (or the listing) that Bake prints; Fails is set where it ends with an error.
	Want  string
	Fails bool
	// Ours is what cachectl prints where it differs on purpose, or Failed; "" where it does not differ.
	Ours string
}

// Read reads all archives of a directory, sorted by name.
func Read(dir string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			return nil, err
		}
		c, err := readCase(strings.TrimSuffix(filepath.Base(name), ".txtar"), archive)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func readCase(name string, archive *txtar.Archive) (Case, error) {
	c := Case{Name: name}
	wants, ours := map[string]string{}, map[string]string{}
	for _, f := range archive.Files {
		if run, ok := strings.CutPrefix(f.Name, WantPrefix); ok {
			wants[run] = string(f.Data)
			continue
		}
		if run, ok := strings.CutPrefix(f.Name, OursPrefix); ok {
			ours[run] = string(f.Data)
			continue
		}
		c.Files = append(c.Files, f)
	}
	for line := range strings.Lines(string(archive.Comment)) {
		before, after, ok := strings.Cut(strings.TrimSpace(line)+" ", "--")
		words := strings.Fields(before)
		if !ok || len(words) < 2 || words[0] != "run" {
			return c, fmt.Errorf("%q is not a run", line)
		}
		want := wants[words[1]]
		c.Runs = append(c.Runs, Run{Name: words[1], Env: words[2:], Args: strings.Fields(after), Want: want, Fails: want == Failed, Ours: ours[words[1]]})
	}
	return c, nil
}

// Unpack writes the files of the case to dir.
func (c Case) Unpack(dir string) error {
	for _, f := range c.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
