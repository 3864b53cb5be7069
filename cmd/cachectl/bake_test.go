package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/google/go-cmp/cmp"
)

// TestPrintSaysWhatBakeSays compares print with what is recorded of docker buildx bake --print, for every run of the corpus. Where we differ on
// purpose the archive says how, and docs/bake-differences.md why.
func TestPrintSaysWhatBakeSays(t *testing.T) {
	cases, err := bakecorpus.Read("../../config/testdata/bake")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/bake-differences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, run := range c.Runs {
			t.Run(c.Name+"/"+run.Name, func(t *testing.T) {
				t.Parallel()
				if run.Ours != "" && !strings.Contains(string(page), "`"+c.Name+"`") {
					t.Errorf("docs/bake-differences.md does not explain %s", c.Name)
				}
				comparePrint(t, c, run)
			})
		}
	}
}

func comparePrint(t *testing.T, c bakecorpus.Case, run bakecorpus.Run) {
	t.Helper()
	dir := t.TempDir()
	if err := c.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "cachectl", append([]string{"print"}, run.Args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, run.Env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	want := run.Want
	if run.Ours != "" {
		want = run.Ours
	}
	if want == bakecorpus.Failed {
		if err == nil {
			t.Errorf("is an error for Bake, and prints\n%s", out)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if diff := cmp.Diff(document(want), document(string(out))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// document is JSON as values, or the words of each line of something else.
func document(text string) any {
	var doc any
	if json.Unmarshal([]byte(text), &doc) == nil {
		return doc
	}
	var rows [][]string
	for line := range strings.Lines(text) {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}
