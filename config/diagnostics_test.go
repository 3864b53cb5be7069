package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// expectation is a comment on the line that a diagnostic is to point at.
var expectation = regexp.MustCompile(`# (ERROR|WARNING): (.+)$`)

// diagnose takes a file as far as it goes: loaded, resolved, validated, planned. It is read as cache.hcl, unless it is called after Bake's file.
func diagnose(t *testing.T, path string) hcl.Diagnostics {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(path)
	if !strings.HasPrefix(name, "docker-bake") {
		name = "cache.hcl"
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{name}, Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }})
	if !c.Complete() {
		return diags
	}
	res, more := c.Resolve(config.Selection{})
	diags = append(diags, more...)
	if more.HasErrors() {
		return diags
	}
	diags = append(diags, res.Validate()...)
	if diags.HasErrors() {
		return diags
	}
	_, more = planner.New(res, planner.Options{Dir: "/src"})
	return append(diags, more...)
}

// TestMistakesAreToldAtTheirLines compares the diagnostics of each file with the comments in it, all of them and nothing else.
func TestMistakesAreToldAtTheirLines(t *testing.T) {
	files, err := filepath.Glob("testdata/error/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := map[int][]string{}
			for i, line := range strings.Split(string(raw), "\n") {
				if m := expectation.FindStringSubmatch(line); m != nil {
					want[i+1] = append(want[i+1], m[1]+": "+m[2])
				}
			}
			got := map[int][]string{}
			for _, d := range diagnose(t, path) {
				if d.Subject == nil {
					t.Errorf("%s: %s has no place", d.Summary, d.Detail)
					continue
				}
				kind := "ERROR"
				if d.Severity == hcl.DiagWarning {
					kind = "WARNING"
				}
				got[d.Subject.Start.Line] = append(got[d.Subject.Start.Line], kind+": "+d.Summary)
				if d.Detail == "" || !strings.HasSuffix(strings.TrimSpace(d.Detail), ".") && !strings.HasSuffix(d.Detail, "?") {
					t.Errorf("%s: the detail %q is not a sentence", d.Summary, d.Detail)
				}
			}
			for _, line := range slices.Collect(maps.Keys(got)) {
				slices.Sort(got[line])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("diagnostics by line (-want +got):\n%s", diff)
			}
		})
	}
}
