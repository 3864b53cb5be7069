package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/google/go-cmp/cmp"
)

// resolve loads text as a file of that name and selects names from it.
func resolve(t *testing.T, file, text string, names ...string) *config.Resolution {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{Files: []string{file}, Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{Names: names})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return res
}

// TestVariantsComeInOneOrder holds what Bake leaves to chance.
func TestVariantsComeInOneOrder(t *testing.T) {
	for range 20 {
		res := resolve(t, "docker-bake.hcl", `
target "app" {
  name   = "app-${os}-${tier}-${arch}"
  matrix = { tier = ["web", "job"], arch = ["arm", "amd"], os = ["musl", "glibc"] }
}`, "app")
		i := slices.IndexFunc(res.Groups, func(g *config.Group) bool { return g.Name == "app" })
		want := []string{
			"app-musl-web-arm", "app-musl-job-arm", "app-glibc-web-arm", "app-glibc-job-arm",
			"app-musl-web-amd", "app-musl-job-amd", "app-glibc-web-amd", "app-glibc-job-amd",
		}
		if diff := cmp.Diff(want, res.Groups[i].Targets); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	}
}
