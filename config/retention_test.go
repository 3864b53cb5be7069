package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestARetentionIsRead(t *testing.T) {
	for name, file := range map[string]string{"cache.hcl": `
variable "days" { default = 14 }
retention "team" {
  description = "what branches leave"
  targets     = ["api-*", "promote"]
  max-age     = "${days}d"
  max-idle    = "36h"
  max-size    = "20GB"
  max-results = 1000
  keep        = ["main", "release-*"]
  names       = ["app-*"]
  branches    = true
}
retention "all" { max-size = "1.5GiB" }
target "api-server" {}
transfer "promote" {}
`, "cache.json": `{
  "retention": {
    "team": {
      "description": "what branches leave", "targets": ["api-*", "promote"], "max-age": "14d", "max-idle": "36h", "max-size": "20GB", "max-results": 1000,
      "keep": ["main", "release-*"], "names": ["app-*"], "branches": true
    },
    "all": {"max-size": "1.5GiB"}
  },
  "target": {"api-server": {}}, "transfer": {"promote": {}}
}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			c, diags := config.Load(t.Context(), config.Options{Dir: dir})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			res, diags := c.Resolve(config.Selection{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			want := []*config.Retention{
				{Name: "all", MaxSize: 3 << 29, Grace: config.DefaultGrace},
				{
					Name: "team", Description: "what branches leave", Targets: []string{"api-*", "promote"}, MaxAge: 14 * 24 * time.Hour, MaxIdle: 36 * time.Hour,
					MaxSize: 20e9, MaxResults: 1000, Keep: []string{"main", "release-*"}, Names: []string{"app-*"}, Branches: true, Grace: config.DefaultGrace,
				},
			}
			if diff := cmp.Diff(want, res.Retentions, cmpopts.IgnoreFields(config.Retention{}, "Range")); diff != "" {
				t.Errorf("retentions (- wanted, + read):\n%s", diff)
			}
			for target, governed := range map[string]bool{"api-server": true, "promote": true, "web": false} {
				if want[1].Governs(target) != governed {
					t.Errorf("team governs %s: %v", target, !governed)
				}
				if !want[0].Governs(target) {
					t.Errorf("all does not govern %s", target)
				}
			}
		})
	}
}

func TestUnitsOfAgesAndSizes(t *testing.T) {
	for text, want := range map[string]time.Duration{"14d": 336 * time.Hour, "336h": 336 * time.Hour, "90m": 90 * time.Minute, "0": 0} {
		if got, err := config.ParseAge(text); err != nil || got != want {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "14", "d", "-1d", "-1h", "999999d", "1w"} {
		if got, err := config.ParseAge(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for text, want := range map[string]int64{"20GB": 20e9, "20GiB": 20 << 30, "512": 512, "1.5 kB": 1500, "0": 0} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("%s is read as %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "1XB", "1e30", "20GBs"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
