package planner_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/planner"
	"github.com/google/go-cmp/cmp"
)

func saved(p *planner.Plan) *planner.Saved {
	return &planner.Saved{
		Names: []string{}, Configs: []string{}, Given: []string{"--var BRANCH"}, Salt: "00", Settings: p.Settings([]byte{0}),
		Files:  []planner.SavedFile{{Name: "cache.hcl", Digest: "sha256:aa"}},
		Places: []planner.SavedPlace{{Step: p.Steps[0].ID, Digest: "sha256:bb"}, {Step: p.Steps[1].ID}},
	}
}

func planText(t *testing.T, text string) *planner.Plan {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cache.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return plan(t, dir, "cache.hcl")
}

const savedConfig = `target "default" {
  args = { VERSION = "canary-1", OTHER = "x" }
  cache-from "registry" { ref = "registry.example.com/app:main" }
  cache-from "registry" { ref = "registry.example.com/app:next" }
  cache-to "s3" {
    bucket            = "b"
    region            = "r"
    secret_access_key = "canary-2"
  }
}
`

func TestASavedPlanTellsWhatMovedAndNamesBothSides(t *testing.T) {
	p := planText(t, savedConfig)
	raw, err := p.Save(saved(p))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("canary")) {
		t.Errorf("values are in the file:\n%s", raw)
	}
	read, err := planner.ReadSaved(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config string
		change func(*planner.Saved)
		want   []string
	}{
		"nothing": {config: savedConfig},
		"a file": {config: savedConfig, change: func(s *planner.Saved) { s.Files[0].Digest = "sha256:cc" },
			want: []string{"file cache.hcl: was sha256:aa, is sha256:cc"}},
		"another file": {config: savedConfig, change: func(s *planner.Saved) {
			s.Files = append(s.Files, planner.SavedFile{Name: "b.hcl", Digest: "sha256:cc"})
		},
			want: []string{"file b.hcl: was not there, is sha256:cc"}},
		"a source": {config: savedConfig, change: func(s *planner.Saved) { s.Places[0].Digest = "sha256:dd" },
			want: []string{"import registry registry.example.com/app:main: was sha256:bb, is sha256:dd"}},
		"a source that is gone": {config: savedConfig, change: func(s *planner.Saved) { s.Places[0].Digest = "" },
			want: []string{"import registry registry.example.com/app:main: was sha256:bb, is empty"}},
		"a source that came": {config: savedConfig, change: func(s *planner.Saved) { s.Places[1].Digest = "sha256:dd" },
			want: []string{"import registry registry.example.com/app:next: was empty, is sha256:dd"}},
		"an argument":        {config: strings.Replace(savedConfig, "canary-1", "canary-3", 1), want: []string{"default.args.VERSION: was one value, is another"}},
		"an argument less":   {config: strings.Replace(savedConfig, `, OTHER = "x"`, "", 1), want: []string{"default.args.OTHER: was one value, is not set"}},
		"a secret attribute": {config: strings.Replace(savedConfig, "canary-2", "canary-3", 1), want: []string{"default.cacheto[0]: was one value, is another"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := planText(t, c.config)
			s := saved(now)
			if c.change != nil {
				c.change(s)
			}
			var got []string
			for _, m := range read.Moved(now, s) {
				got = append(got, m.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestStepsTellWhatNothingElseExplains(t *testing.T) {
	p := planText(t, savedConfig)
	raw, err := p.Save(saved(p))
	if err != nil {
		t.Fatal(err)
	}
	read, err := planner.ReadSaved(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	other := planText(t, `target "default" {
  cache-from "registry" { ref = "registry.example.com/other:main" }
}`)
	s := saved(p)
	s.Places = read.Saved().Places
	moved := read.Moved(other, s)
	if len(moved) == 0 || !strings.HasPrefix(moved[0].What, "step ") {
		t.Errorf("got %v", moved)
	}
}

func TestWhatIsNoSavedPlanIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "target {}", "a plan that was printed": `{"format_version": "1.0", "steps": []}`, "a Bake file": `{"target": {"a": {}}}`, "a list": `[]`,
	} {
		if _, err := planner.ReadSaved(strings.NewReader(text)); !errors.Is(err, planner.ErrNotSaved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := planner.ReadSaved(strings.NewReader(`{"format_version": "2.3", "steps": [], "saved": {}}`))
	if err == nil || errors.Is(err, planner.ErrNotSaved) || !strings.Contains(err.Error(), "2.3") {
		t.Errorf("another major version: %v", err)
	}
}
