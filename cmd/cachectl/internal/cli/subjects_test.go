package cli

import (
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/google/go-cmp/cmp"
)

// TestSubjectsAreTheCachesOfAConfigurationEachOnce has names of one bucket, a cache that two targets share, and one that is read only.
func TestSubjectsAreTheCachesOfAConfigurationEachOnce(t *testing.T) {
	c, diags := config.Load(t.Context(), config.Options{Files: []string{"-"}, Dir: t.TempDir(), StdinName: "cache.hcl", Stdin: strings.NewReader(`
target "api" {
  cache-from "local" { src = "shared" }
  cache-to "s3" {
    bucket = "b"
    region = "r"
    name   = "api;main"
  }
}
target "web" {
  cache-to "local" { dest = "shared" }
  cache-from "s3" {
    bucket = "b"
    region = "r"
    name   = "main"
  }
  cache-from "local" { src = "other" }
}
`)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	type found struct {
		Cache   string
		Written bool
		Owners  []string
	}
	var got []found
	for _, s := range subjectsOf(res) {
		got = append(got, found{s.cache.Name(), s.written, s.owners})
	}
	want := []found{
		{"s3 b/api", true, []string{"api"}}, {"s3 b/main", true, []string{"api", "web"}}, {"local shared", true, []string{"api", "web"}}, {"local other", false, []string{"web"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
}
