package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/migrate"
	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// migrated is the strict form of a file in a directory.
func migrated(t *testing.T, dir, name string, env func(string) (string, bool)) ([]byte, hcl.Diagnostics) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return migrate.File(t.Context(), src, name, migrate.Options{LookupEnv: env, Dir: dir})
}

// loadRun is what one run of the corpus prints; false for runs with flags that are not about the configuration.
func loadRun(t *testing.T, dir string, run bakecorpus.Run, rename func(string) string) (string, hcl.Diagnostics, bool) {
	t.Helper()
	opt := config.Options{Dir: dir, LookupEnv: lookupIn(run.Env)}
	var sel config.Selection
	for i := 0; i < len(run.Args); i++ {
		flag, value, joined := strings.Cut(run.Args[i], "=")
		if strings.HasPrefix(flag, "-") && !joined {
			i++
			if i == len(run.Args) {
				return "", nil, false
			}
			value = run.Args[i]
		}
		switch {
		case flag == "-f" || flag == "--file":
			opt.Files = append(opt.Files, rename(value))
		case flag == "--var":
			opt.Vars = append(opt.Vars, value)
		case flag == "--set":
			sel.Set = append(sel.Set, value)
		case strings.HasPrefix(flag, "-"):
			return "", nil, false
		default:
			sel.Names = append(sel.Names, run.Args[i])
		}
	}
	c, diags := config.Load(t.Context(), opt)
	if diags.HasErrors() {
		return "", diags, true
	}
	res, more := c.Resolve(sel)
	if more.HasErrors() {
		return "", more, true
	}
	return printedForm(t, res), nil, true
}

func unpack(t *testing.T, c bakecorpus.Case, dir string) {
	t.Helper()
	if err := c.Unpack(dir); err != nil {
		t.Fatal(err)
	}
}

func lookupIn(env []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, e := range slices.Backward(env) {
			if k, v, _ := strings.Cut(e, "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}

// TestMigratedFilesMeanTheSame migrates every file of the corpus that Bake takes, and compares what print says before and after.
func TestMigratedFilesMeanTheSame(t *testing.T) {
	compared, blocks := 0, 0
	for _, c := range bakeCorpus(t) {
		for _, run := range c.Runs {
			before := t.TempDir()
			unpack(t, c, before)
			want, diags, ok := loadRun(t, before, run, func(name string) string { return name })
			_, fromEnv := lookupIn(run.Env)("BUILDX_BAKE_FILE")
			if fromEnv || run.Fails || !ok || diags.HasErrors() {
				continue
			}
			after := t.TempDir()
			unpack(t, c, after)
			names := map[string]string{}
			for _, f := range c.Files {
				ext := filepath.Ext(f.Name)
				if ext != ".hcl" && ext != ".json" {
					continue
				}
				text, diags := migrated(t, before, f.Name, lookupIn(run.Env))
				if diags.HasErrors() {
					t.Fatalf("%s: %s: %v", c.Name, f.Name, diags)
				}
				if bytes.Contains(text, []byte("cache-to \"")) || bytes.Contains(text, []byte("cache-from \"")) {
					blocks++
				}
				if again, diags := migrate.File(t.Context(), text, "cache.hcl", migrate.Options{LookupEnv: lookupIn(run.Env), Dir: before}); diags.HasErrors() || string(again) != string(text) {
					t.Errorf("%s: %s: a second time gives something else:\n%s\n%s", c.Name, f.Name, text, again)
				}
				names[f.Name] = filepath.Join(filepath.Dir(f.Name), filepath.Base(f.Name)+".cache.hcl")
				if err := os.Remove(filepath.Join(after, f.Name)); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(after, names[f.Name]), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			// Default files have been renamed or not; they are named so that both are found, in Bake's order.
			named := run
			if !slices.ContainsFunc(run.Args, func(a string) bool { return a == "-f" || strings.HasPrefix(a, "--file") }) {
				for _, f := range c.Files {
					if strings.Contains(f.Name, "compose.y") {
						named.Args = append(slices.Clone(named.Args), "-f", f.Name)
					}
				}
				for _, name := range []string{"docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"} {
					if names[name] != "" {
						named.Args = append(slices.Clone(named.Args), "-f", name)
					}
				}
			}
			got, diags, _ := loadRun(t, after, named, func(name string) string {
				if to := names[name]; to != "" {
					return to
				}
				return name
			})
			compared++
			if diff := cmp.Diff(want, got); diff != "" || diags.HasErrors() {
				t.Errorf("%s: %s: %v (-before +after):\n%s", c.Name, run.Name, diags, diff)
				for _, to := range names {
					text, _ := os.ReadFile(filepath.Join(after, to))
					t.Logf("%s:\n%s", to, text)
				}
			}
		}
	}
	if compared < 150 || blocks < 10 {
		t.Errorf("%d runs were compared, %d files got labelled blocks", compared, blocks)
	}
}
