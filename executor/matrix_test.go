package executor_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

// shelf is a backend, and how a cache in it is named.
type shelf struct {
	kind string
	from func(name string) map[string]string
	to   func(name string) map[string]string
}

// shelves are all places that caches can be read from and written to, by name.
func shelves(t *testing.T) map[string]shelf {
	t.Helper()
	reg, old := testenv.StartRegistry(t, testenv.RegistryOptions{}), testenv.StartRegistry(t, testenv.RegistryOptions{V2: true})
	s3, azure := testenv.StartS3(t), testenv.StartAzure(t)
	dir := t.TempDir()
	both := func(kind string, attrs func(name string) map[string]string) shelf { return shelf{kind, attrs, attrs} }
	all := map[string]shelf{
		"registry":     both("registry", func(name string) map[string]string { return map[string]string{"ref": reg.Addr + "/" + name + ":main"} }),
		"registry 2.8": both("registry", func(name string) map[string]string { return map[string]string{"ref": old.Addr + "/" + name + ":main"} }),
		"local": {
			"local",
			func(name string) map[string]string { return map[string]string{"src": filepath.Join(dir, name)} },
			func(name string) map[string]string { return map[string]string{"dest": filepath.Join(dir, name)} },
		},
		"s3":     both("s3", func(name string) map[string]string { return with(s3.Attrs(), "name", name) }),
		"azblob": both("azblob", func(name string) map[string]string { return with(azure.Attrs(), "name", name) }),
	}
	for version, service := range actionsServices(t) {
		all["gha "+version] = both("gha", func(name string) map[string]string { return service.Attrs(map[string]string{"scope": name}) })
	}
	return all
}

// TestEveryCacheMovesFromEveryPlaceToEveryOther builds once and moves the cache from each backend to each, in both compressions. What arrives is the
// same whatever it came from, to the byte, and BuildKit takes every step of the build from it.
func TestEveryCacheMovesFromEveryPlaceToEveryOther(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	dir, all := app(t), shelves(t)
	names := slices.Sorted(maps.Keys(all))
	// One build, published everywhere.
	everywhere := ""
	for _, name := range names {
		everywhere += cacheBlock("cache-to", all[name].kind, with(all[name].to("origin"), "mode", "max"))
	}
	apply(t, dir, target(t, "app", everywhere), ours)
	for _, compression := range []string{"gzip", "zstd"} {
		for _, to := range names {
			t.Run(compression+" to "+to, func(t *testing.T) {
				digests := map[string][]string{}
				for i, from := range names {
					name := fmt.Sprintf("%s-from-%d", compression, i)
					hcl := transferBlock(cacheBlock("cache-from", all[from].kind, all[from].from("origin")),
						cacheBlock("cache-to", all[to].kind, with(all[to].to(name), "compression", compression, "force-compression", "true")))
					d := apply(t, dir, hcl, nil).Transfers[0].Destinations[0]
					digests[d.Digest] = append(digests[d.Digest], from)
				}
				if len(digests) != 1 {
					t.Errorf("what arrives depends on where it came from: %v", digests)
				}
				checkPlain(t, dir, theirs, all[to].kind, all[to].from(compression+"-from-0"))
			})
		}
	}
}

// TestAnInlineCacheMovesToEveryPlace: what an image carries hits as much from anywhere as from the image.
func TestAnInlineCacheMovesToEveryPlace(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	dir, all := app(t), shelves(t)
	image := all["registry"].from("image")
	apply(t, dir, target(t, "app", fmt.Sprintf("  tags = [%q]\n  output = [\"type=registry\"]\n", image["ref"])+cacheBlock("cache-to", "inline", nil)), ours)
	empty(t, theirs)
	want := plain(t, dir, theirs, "registry", image)
	if want.Cached() == 0 {
		t.Fatal("nothing is cached in the image")
	}
	for _, to := range slices.Sorted(maps.Keys(all)) {
		hcl := transferBlock(cacheBlock("cache-from", "registry", image), cacheBlock("cache-to", all[to].kind, all[to].to("from-image")))
		apply(t, dir, hcl, nil)
		empty(t, theirs)
		if diff := cmp.Diff(want, plain(t, dir, theirs, all[to].kind, all[to].from("from-image"))); diff != "" {
			t.Errorf("steps cached from the image (-) and from %s (+):\n%s", to, diff)
		}
	}
}
