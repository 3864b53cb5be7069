package executor_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
)

// forms are the ways a cache can be written, as the attributes of cache-to.
var forms = []struct {
	name  string
	attrs map[string]string
}{
	{"defaults", nil},
	{"gzip", map[string]string{"compression": "gzip"}},
	{"gzip level 1", map[string]string{"compression": "gzip", "compression-level": "1"}},
	{"gzip level 0", map[string]string{"compression": "gzip", "compression-level": "0"}},
	{"zstd", map[string]string{"compression": "zstd"}},
	{"zstd level 19", map[string]string{"compression": "zstd", "compression-level": "19"}},
	{"estargz", map[string]string{"compression": "estargz"}},
	{"uncompressed", map[string]string{"compression": "uncompressed"}},
	{"forced zstd", map[string]string{"compression": "zstd", "force-compression": "true"}},
	{"index", map[string]string{"image-manifest": "false"}},
	{"docker media types", map[string]string{"oci-mediatypes": "false"}},
	{"zstd index", map[string]string{"image-manifest": "false", "compression": "zstd"}},
}

// TestBuildKitImportsWhatIsPublished builds and publishes with cachectl, and then builds on an empty builder with BuildKit's own client: every
// step must come from the cache.
func TestBuildKitImportsWhatIsPublished(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	v3 := testenv.StartRegistry(t, testenv.RegistryOptions{Indexes: true})
	v2 := testenv.StartRegistry(t, testenv.RegistryOptions{V2: true})
	dir := app(t)
	check := func(t *testing.T, kind string, from map[string]string) {
		t.Helper()
		empty(t, theirs)
		steps := plain(t, dir, theirs, kind, from)
		if executed := steps.Executed(); len(executed) > 0 || len(steps) < 7 {
			t.Errorf("%d of %d steps were cached; executed: %q", steps.Cached(), len(steps), executed)
		}
	}
	for i, form := range forms {
		for name, addr := range map[string]string{"registry v3": v3.Addr, "registry 2.8": v2.Addr} {
			t.Run(name+" "+form.name, func(t *testing.T) {
				ref := fmt.Sprintf("%s/interop/%d:max", addr, i)
				apply(t, dir, target(t, "app", cacheBlock("cache-to", "registry", with(map[string]string{"ref": ref, "mode": "max"}, pairs(form.attrs)...))), ours)
				check(t, "registry", map[string]string{"ref": ref})
			})
		}
		t.Run("local "+form.name, func(t *testing.T) {
			dest := filepath.Join(t.TempDir(), "cache")
			apply(t, dir, target(t, "app", cacheBlock("cache-to", "local", with(map[string]string{"dest": dest, "mode": "max"}, pairs(form.attrs)...))), ours)
			check(t, "local", map[string]string{"src": dest})
		})
	}
}

func pairs(m map[string]string) []string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, k, m[k])
	}
	return out
}

// TestWhatBuildKitPublishesIsImported is the other direction.
func TestWhatBuildKitPublishesIsImported(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{Indexes: true})
	dir := app(t)
	export := func(t *testing.T, kind string, attrs map[string]string) {
		t.Helper()
		testenv.PlainBuild{
			Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)}, To: []client.CacheOptionsEntry{{Type: kind, Attrs: attrs}},
		}.Run(t, theirs)
	}
	check := func(t *testing.T, kind string, attrs map[string]string) {
		t.Helper()
		empty(t, ours)
		r := apply(t, dir, target(t, "app", cacheBlock("cache-from", kind, attrs)), ours)
		if got := r.Targets[0]; got.Cached != got.Total || got.Total < 7 {
			t.Errorf("%d of %d steps were cached", got.Cached, got.Total)
		}
	}
	for i, form := range forms {
		t.Run("registry "+form.name, func(t *testing.T) {
			ref := fmt.Sprintf("%s/theirs/%d:max", reg.Addr, i)
			export(t, "registry", with(map[string]string{"ref": ref, "mode": "max"}, pairs(form.attrs)...))
			check(t, "registry", map[string]string{"ref": ref})
		})
		t.Run("local "+form.name, func(t *testing.T) {
			dest := filepath.Join(t.TempDir(), "cache")
			export(t, "local", with(map[string]string{"dest": dest, "mode": "max"}, pairs(form.attrs)...))
			check(t, "local", map[string]string{"src": dest})
		})
	}
}

// TestMinIsWhatBuildKitsMinIs compares what an empty builder hits with a cache of ours, derived from max, with what it hits with BuildKit's own.
func TestMinIsWhatBuildKitsMinIs(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := app(t)
	min, max := reg.Addr+"/min:ours", reg.Addr+"/max:ours"
	r := apply(t, dir, target(t, "app",
		cacheBlock("cache-to", "registry", map[string]string{"ref": min, "mode": "min"})+
			cacheBlock("cache-to", "registry", map[string]string{"ref": max, "mode": "max"})), ours)
	if a, b := r.Targets[0].Destinations[0], r.Targets[0].Destinations[1]; a.Layers >= b.Layers {
		t.Errorf("min has %d layers, max %d: min must be the smaller", a.Layers, b.Layers)
	}
	native := reg.Addr + "/min:theirs"
	testenv.PlainBuild{
		Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)},
		To: []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": native, "mode": "min"}}},
	}.Run(t, theirs)
	empty(t, theirs)
	want := plain(t, dir, theirs, "registry", map[string]string{"ref": native})
	empty(t, theirs)
	got := plain(t, dir, theirs, "registry", map[string]string{"ref": min})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps cached with BuildKit's min (-) and ours (+):\n%s", diff)
	}
}
