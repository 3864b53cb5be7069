package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/google/go-cmp/cmp"
)

// advice are the summaries of what a plan is advised of, beyond what is wrong with a file.
var advice = []string{
	"Cache written twice", "Cache in place of an image", "Stages left out of the cache", "Cache at the reference of an image", "Image pushed twice",
	"Unreachable cache source", "Branches can share a cache", "Layers compressed again", "Compression without effect",
}

// rightlyTold is what is true of definitions of the corpus, by case.
var rightlyTold = map[string][]string{
	"set-lists": {"Cache written twice"}, // --set gives a destination to a target and to the one that inherits it
}

// TestNothingIsInventedOnBakeFiles takes every run of the corpus of Bake's definitions as far as a plan: of all of them nothing is said but what is known to
// be true of a few.
func TestNothingIsInventedOnBakeFiles(t *testing.T) {
	cases, err := bakecorpus.Read("../../config/testdata/bake")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, run := range c.Runs {
				if run.Fails || run.Ours == bakecorpus.Failed {
					continue
				}
				for _, summary := range validate(t, c, run) {
					if slices.Contains(advice, summary) && !slices.Contains(got, summary) {
						got = append(got, summary)
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(rightlyTold[c.Name], got); diff != "" {
				t.Errorf("(-true +told)\n%s", diff)
			}
		})
	}
}

// validate returns the summaries of what validate says of a run.
func validate(t *testing.T, c bakecorpus.Case, run bakecorpus.Run) []string {
	t.Helper()
	dir := t.TempDir()
	if err := c.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	args := slices.DeleteFunc(slices.Clone(run.Args), func(arg string) bool { return strings.HasPrefix(arg, "--list") || strings.HasPrefix(arg, "--call") })
	cmd := exec.CommandContext(t.Context(), "cachectl", append([]string{"validate", "--json"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, run.Env...)
	out, _ := cmd.Output() // errors in the file are among the diagnostics
	var doc struct {
		Diagnostics []struct {
			Summary string `json:"summary"`
		} `json:"diagnostics"`
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%s %q: %v in %q", c.Name, run.Args, err, out)
	}
	var summaries []string
	for _, d := range doc.Diagnostics {
		summaries = append(summaries, d.Summary)
	}
	return summaries
}

func TestAdviceIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/advice.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, summary := range advice {
		if !strings.Contains(string(page), "| "+summary+" |") {
			t.Errorf("docs/advice.md does not explain %q", summary)
		}
	}
}
