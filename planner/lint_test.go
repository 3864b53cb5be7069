package planner_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/planner/dockerfile"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// mark is a comment on the line that a diagnostic is to point at.
var mark = regexp.MustCompile(`# (ERROR|WARN): (.+)$`)

// lint takes a file as far as a plan and returns all that is said.
func lint(t *testing.T, path string) hcl.Diagnostics {
	t.Helper()
	dir := filepath.Dir(path)
	c, diags := config.Load(t.Context(), config.Options{Files: []string{filepath.Base(path)}, Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, more := c.Resolve(config.Selection{})
	diags = append(diags, more...)
	diags = append(diags, res.Validate()...)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	_, more = planner.New(res, planner.Options{Dir: "/src", Stages: dockerfile.Stages(res.Targets, dir), Sources: c.Sources(), Bake: !c.Strict()})
	return append(diags, more...)
}

// TestMistakesAreTold seeds mistakes, one file each, with the right thing beside some of them: what is said is what the comments say, at their lines.
func TestMistakesAreTold(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, got := map[int][]string{}, map[int][]string{}
			for i, line := range strings.Split(string(raw), "\n") {
				if m := mark.FindStringSubmatch(line); m != nil {
					want[i+1] = append(want[i+1], m[1]+": "+m[2])
				}
			}
			for _, d := range lint(t, path) {
				if d.Subject == nil {
					t.Fatalf("%s: %s has no place", d.Summary, d.Detail)
				}
				kind := map[hcl.DiagnosticSeverity]string{hcl.DiagError: "ERROR", hcl.DiagWarning: "WARN"}[d.Severity]
				got[d.Subject.Start.Line] = append(got[d.Subject.Start.Line], kind+": "+d.Summary)
				if d.Summary != "Attribute without effect" && !strings.ContainsAny(d.Detail, ".") {
					t.Errorf("%s: %q gives no fix", d.Summary, d.Detail)
				}
			}
			for _, list := range got {
				slices.Sort(list)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("diagnostics by line (-want +got):\n%s\n%v", diff, lint(t, path))
			}
		})
	}
}
