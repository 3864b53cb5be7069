package gha_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/gha"
)

// TestTheServiceIsFoundAsBuildKitFindsIt covers docker buildx's and BuildKit's rules together (build/opt.go, addGithubToken; cache/remotecache/gha,
// getConfig).
func TestTheServiceIsFoundAsBuildKitFindsIt(t *testing.T) {
	job := map[string]string{"ACTIONS_RUNTIME_TOKEN": "T", "ACTIONS_CACHE_URL": "https://cache.example/", "ACTIONS_RESULTS_URL": "https://results.example/"}
	v2 := map[string]string{"ACTIONS_RUNTIME_TOKEN": "T", "ACTIONS_CACHE_URL": "https://cache.example/", "ACTIONS_RESULTS_URL": "https://results.example/", "ACTIONS_CACHE_SERVICE_V2": "True"}
	for name, tc := range map[string]struct {
		attrs, env map[string]string
		address    string
		version    int
	}{
		"a job with version 1":             {nil, job, "https://cache.example/", 1},
		"a job with version 2":             {nil, v2, "https://results.example/", 2},
		"version 1 asked for":              {map[string]string{"version": "1"}, v2, "https://cache.example/", 1},
		"version 2 asked for":              {map[string]string{"version": "2"}, job, "https://results.example/", 2},
		"a written address":                {map[string]string{"url": "https://own.example/"}, job, "https://own.example/", 1},
		"a written address of version 2":   {map[string]string{"url_v2": "https://own.example/"}, job, "https://own.example/", 2},
		"both written":                     {map[string]string{"url": "https://a.example/", "url_v2": "https://b.example/"}, nil, "https://b.example/", 2},
		"both written, version 1":          {map[string]string{"url": "https://a.example/", "url_v2": "https://b.example/", "version": "1"}, nil, "https://a.example/", 1},
		"the results address alone":        {nil, map[string]string{"ACTIONS_RUNTIME_TOKEN": "T", "ACTIONS_RESULTS_URL": "https://ghes.example/"}, "https://ghes.example/", 1},
		"GitHub's own address":             {map[string]string{"url": "https://results-receiver.actions.githubusercontent.com/"}, job, "https://results-receiver.actions.githubusercontent.com/", 2},
		"version 2 at the older attribute": {map[string]string{"url": "https://a.example/", "version": "2"}, nil, "https://a.example/", 2},
	} {
		if tc.env == nil {
			tc.attrs["token"] = "T"
		}
		address, version, token, timeout, err := gha.Settings(config.Cache{Type: "gha", Attrs: tc.attrs}, tc.env)
		if err != nil || address != tc.address || version != tc.version || token != "T" || timeout != 10*time.Minute {
			t.Errorf("%s: %s, version %d, token %s, %s, %v; want %s, version %d", name, address, version, token, timeout, err, tc.address, tc.version)
		}
	}
}

func TestWhatIsNoServiceIsSaid(t *testing.T) {
	env := map[string]string{"ACTIONS_RUNTIME_TOKEN": "T"}
	for text, attrs := range map[string]map[string]string{
		"ghaction-github-runtime":          {},
		"not an address":                   {"url": "cache.example"},
		`version "3" of the cache service`: {"url": "https://a.example/", "version": "3"},
		`timeout "soon" is not a duration`: {"url": "https://a.example/", "timeout": "soon"},
	} {
		if _, _, _, _, err := gha.Settings(config.Cache{Type: "gha", Attrs: attrs}, env); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v, want %q", attrs, err, text)
		}
	}
}

// TestOutsideOfAJobThereIsNoService tells that from a job whose steps do not see the service.
func TestOutsideOfAJobThereIsNoService(t *testing.T) {
	for name, tc := range map[string]struct {
		attrs, env map[string]string
		elsewhere  bool
	}{
		"a developer's machine":               {nil, nil, true},
		"a job":                               {nil, map[string]string{"GITHUB_ACTIONS": "true"}, false},
		"a developer who has written a token": {map[string]string{"token": "T"}, nil, false},
	} {
		c := config.Cache{Type: "gha", Attrs: tc.attrs}
		lookup := func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }
		src, err := gha.OpenSource(c, lookup, services(t, gha.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if cur, err := src.Read(t.Context()); cur != nil || err == nil || !strings.Contains(err.Error(), "there is no cache service") {
			t.Errorf("%s: reading: %v, %v", name, cur, err)
		}
		if src.Name() != "gha buildkit" || src.Host() == "" {
			t.Errorf("%s: it is called %q at %q", name, src.Name(), src.Host())
		}
		if _, err := gha.OpenDestination(c, lookup, services(t, gha.Options{})); err == nil || errors.Is(err, backend.ErrElsewhere) != tc.elsewhere {
			t.Errorf("%s: opening a destination: %v", name, err)
		}
	}
}
