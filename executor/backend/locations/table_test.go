package locations_test

import (
	"maps"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/schema"
)

func env(t *testing.T) locations.Env {
	t.Helper()
	hosts, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hosts.Close)
	return locations.Env{Hosts: hosts, Dir: t.TempDir()}
}

// Whatever type the language has is either opened here or left to BuildKit.
func TestEveryTypeHasAWay(t *testing.T) {
	attrs := map[string]string{"ref": "registry.example/team/app:cache", "dest": "cache", "src": "cache", "bucket": "cache", "region": "eu-central-1", "account_url": "https://team.blob.core.windows.net",
		"url": "https://cache.example/", "token": testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/main", Write: true})}
	for _, b := range schema.Backends {
		c := config.Cache{Type: b.Name, Attrs: attrs}
		src, openErr := locations.OpenSource(c, env(t))
		dest, destErr := locations.OpenDestination(c, env(t))
		native, ok := locations.Native(c, func(string) (string, bool) { return "", false })
		if ok != b.ByBuilds {
			t.Errorf("%s: the language says that builds alone have it: %v; here it is %v", b.Name, b.ByBuilds, ok)
		}
		if ok {
			if openErr == nil || destErr == nil {
				t.Errorf("%s is left to BuildKit and opened", b.Name)
			}
			if native.Type != b.Name || !maps.Equal(native.Attrs, attrs) {
				t.Errorf("%s: the entry for BuildKit is %v", b.Name, native)
			}
			continue
		}
		if openErr != nil || destErr != nil {
			t.Errorf("%s: %v, %v", b.Name, openErr, destErr)
			continue
		}
		if src.Name() == "" || dest.Key() == "" {
			t.Errorf("%s has the name %q and the key %q", b.Name, src.Name(), dest.Key())
		}
	}
}

func TestAnEntryForBuildKitIsACopy(t *testing.T) {
	c := config.Cache{Type: "inline", Attrs: map[string]string{"mode": "min"}}
	native, ok := locations.Native(c, func(string) (string, bool) { return "from the environment", true })
	if !ok {
		t.Fatal("inline is not left to BuildKit")
	}
	if native.Attrs["mode"] != "min" {
		t.Errorf("mode is %q", native.Attrs["mode"])
	}
	native.Attrs["mode"] = "changed"
	if c.Attrs["mode"] != "min" || len(c.Attrs) != 1 {
		t.Errorf("the configuration has changed to %v", c.Attrs)
	}
}

func TestAddressesThatAreNoneAreErrors(t *testing.T) {
	for _, c := range []config.Cache{
		{Type: "registry", Attrs: map[string]string{"ref": "Not A Ref"}},
		{Type: "registry", Attrs: map[string]string{"ref": "r.example/app@sha256:short"}},
		{Type: "registry"},
		{Type: "local"},
		{Type: "local", Attrs: map[string]string{"src": "x", "digest": "sha256:../../etc"}},
		{Type: "floppy"},
	} {
		if _, err := locations.OpenSource(c, env(t)); err == nil {
			t.Errorf("%v was opened", c)
		}
	}
}
