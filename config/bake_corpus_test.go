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

	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/rogpeppe/go-internal/txtar"
)

// updateBake records the corpus again; .tools/bin/buildx must be v0.37.2.
var updateBake = flag.Bool("update-bake", false, "record what buildx says of the corpus again")

// bakeCorpus reads the whole corpus, sorted by name.
func bakeCorpus(t *testing.T) []bakecorpus.Case {
	t.Helper()
	cases, err := bakecorpus.Read("testdata/bake")
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestBakeCorpusIsWhatBakeSays asks the real buildx for every run, and compares its answer with what is recorded.
func TestBakeCorpusIsWhatBakeSays(t *testing.T) {
	cases := bakeCorpus(t)
	if len(cases) < 150 {
		t.Errorf("%d cases; the corpus has at least 150", len(cases))
	}
	for _, c := range cases {
		if len(c.Runs) == 0 {
			t.Errorf("%s has no runs", c.Name)
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			answers := map[string][]byte{}
			for _, run := range c.Runs {
				answers[run.Name] = askBake(t, c, run)
				if !*updateBake && string(answers[run.Name]) != run.Want {
					t.Errorf("run %s: buildx says\n%s\nand recorded is\n%s\n-update-bake records it again", run.Name, answers[run.Name], run.Want)
				}
			}
			if *updateBake {
				record(t, c, answers)
			}
		})
	}
}

// record writes the archive of a case again.
func record(t *testing.T, c bakecorpus.Case, answers map[string][]byte) {
	t.Helper()
	archive := &txtar.Archive{}
	archive.Files = slices.Clone(c.Files)
	var runs bytes.Buffer
	for _, run := range c.Runs {
		words := append(append([]string{"run", run.Name}, run.Env...), "--")
		runs.WriteString(strings.Join(append(words, run.Args...), " ") + "\n")
		archive.Files = append(archive.Files, txtar.File{Name: bakecorpus.WantPrefix + run.Name, Data: answers[run.Name]})
		if run.Ours != "" {
			archive.Files = append(archive.Files, txtar.File{Name: bakecorpus.OursPrefix + run.Name, Data: []byte(run.Ours)})
		}
	}
	archive.Comment = runs.Bytes()
	if err := os.WriteFile(filepath.Join("testdata/bake", c.Name+".txtar"), txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func askBake(t *testing.T, c bakecorpus.Case, run bakecorpus.Run) []byte {
	t.Helper()
	buildx, err := filepath.Abs("../.tools/bin/buildx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buildx); err != nil {
		t.Fatalf("buildx is missing: %v; make tools builds it", err)
	}
	dir := t.TempDir()
	if err := c.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	args := []string{"bake"}
	if !slices.ContainsFunc(run.Args, func(arg string) bool { return strings.HasPrefix(arg, "--list") }) {
		args = append(args, "--print")
	}
	cmd := exec.CommandContext(t.Context(), buildx, append(args, run.Args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "BUILDX_BAKE_ENTITLEMENTS_FS=0"}, run.Env...)
	answer, err := cmd.Output()
	if err != nil {
		return []byte(bakecorpus.Failed)
	}
	return answer
}
