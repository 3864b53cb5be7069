package executor_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/moby/buildkit/client"
)

// bucket is a place in an object store.
type bucket struct {
	kind  string
	attrs map[string]string
}

// buckets are the object stores that caches are kept in.
func buckets(t testing.TB) []bucket {
	t.Helper()
	return []bucket{{"s3", testenv.StartS3(t).Attrs()}, {"azblob", testenv.StartAzure(t).Attrs()}}
}

// bucketForms are the ways a cache can be written there, as the attributes of cache-to.
var bucketForms = []struct {
	name  string
	attrs map[string]string
}{
	{"defaults", nil},
	{"gzip level 1", map[string]string{"compression": "gzip", "compression-level": "1"}},
	{"zstd", map[string]string{"compression": "zstd"}},
	{"estargz", map[string]string{"compression": "estargz"}},
	{"uncompressed", map[string]string{"compression": "uncompressed"}},
	{"forced zstd", map[string]string{"compression": "zstd", "force-compression": "true"}},
	{"prefixes", map[string]string{"prefix": "team/", "blobs_prefix": "b/", "manifests_prefix": "m/"}},
}

// checkPlain builds on an empty builder with BuildKit's own client: every step must come from the cache.
func checkPlain(t *testing.T, dir string, d *testenv.Daemon, kind string, from map[string]string) {
	t.Helper()
	empty(t, d)
	steps := plain(t, dir, d, kind, from)
	if executed := steps.Executed(); len(executed) > 0 || len(steps) < 7 {
		t.Errorf("%s: %d of %d steps were cached; executed: %q", kind, steps.Cached(), len(steps), executed)
	}
}

// checkOurs is the same with cachectl.
func checkOurs(t *testing.T, dir string, d *testenv.Daemon, kind string, from map[string]string) {
	t.Helper()
	empty(t, d)
	if got := apply(t, dir, target(t, "app", cacheBlock("cache-from", kind, from)), d).Targets[0]; got.Cached != got.Total || got.Total < 7 {
		t.Errorf("%s: %d of %d steps were cached", kind, got.Cached, got.Total)
	}
}

// TestBuildKitImportsWhatIsPublishedToBuckets is what TestBuildKitImportsWhatIsPublished is for registries and directories.
func TestBuildKitImportsWhatIsPublishedToBuckets(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	dir := app(t)
	for _, b := range buckets(t) {
		for i, form := range bucketForms {
			t.Run(b.kind+" "+form.name, func(t *testing.T) {
				place := with(b.attrs, "name", fmt.Sprint("form-", i))
				apply(t, dir, target(t, "app", cacheBlock("cache-to", b.kind, with(place, append(pairs(form.attrs), "mode", "max")...))), ours)
				for _, attr := range []string{"prefix", "blobs_prefix", "manifests_prefix"} {
					if v, ok := form.attrs[attr]; ok {
						place[attr] = v
					}
				}
				checkPlain(t, dir, theirs, b.kind, place)
			})
		}
		t.Run(b.kind+" under several names", func(t *testing.T) {
			r := apply(t, dir, target(t, "app", cacheBlock("cache-to", b.kind, with(b.attrs, "name", "main;v1", "mode", "max"))), ours)
			if n := len(r.Targets[0].Destinations); n != 2 {
				t.Errorf("%d destinations were published to, want one for each name", n)
			}
			for _, name := range []string{"main", "v1"} {
				checkPlain(t, dir, theirs, b.kind, with(b.attrs, "name", name))
			}
		})
	}
}

// TestWhatBuildKitPutsIntoBucketsIsImported is the other direction, and from there to a registry and a directory and back without a builder.
func TestWhatBuildKitPutsIntoBucketsIsImported(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := app(t)
	for _, b := range buckets(t) {
		t.Run(b.kind, func(t *testing.T) {
			native := with(b.attrs, "name", "theirs")
			testenv.PlainBuild{
				Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)},
				To: []client.CacheOptionsEntry{{Type: b.kind, Attrs: with(native, "mode", "max")}},
			}.Run(t, theirs)
			checkOurs(t, dir, ours, b.kind, native)

			ref, local := map[string]string{"ref": reg.Addr + "/from/" + b.kind + ":max"}, filepath.Join(t.TempDir(), "cache")
			moved(t, dir, b.kind, native,
				cacheBlock("cache-to", "registry", with(ref, "mode", "max"))+cacheBlock("cache-to", "local", map[string]string{"dest": local, "mode": "max"}))
			checkPlain(t, dir, theirs, "registry", ref)
			checkPlain(t, dir, theirs, "local", map[string]string{"src": local})

			back := with(b.attrs, "name", "back", "blobs_prefix", "back/")
			moved(t, dir, "registry", ref, cacheBlock("cache-to", b.kind, with(back, "mode", "max", "compression", "zstd", "force-compression", "true")))
			checkPlain(t, dir, theirs, b.kind, back)

			again := moved(t, dir, "registry", ref, cacheBlock("cache-to", b.kind, with(back, "mode", "max", "compression", "zstd", "force-compression", "true")))
			if d := again.Transfers[0].Destinations[0]; d.Changed {
				t.Error("what was there already was published again")
			}
		})
	}
}

// transfer moves a cache without a builder.
func moved(t *testing.T, dir, kind string, from map[string]string, to string) *executor.Report {
	t.Helper()
	return apply(t, dir, fmt.Sprintf("transfer \"move\" {\n%s%s}\n", cacheBlock("cache-from", kind, from), to), nil)
}

// TestBranchesShareABucketName publishes two states of the sources under one name: both must hit afterwards.
func TestBranchesShareABucketName(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	for _, b := range buckets(t) {
		t.Run(b.kind, func(t *testing.T) {
			place := with(b.attrs, "name", "shared", "mode", "max")
			main, branch := app(t), testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "branch"})
			for _, dir := range []string{main, branch} {
				apply(t, dir, target(t, "app", cacheBlock("cache-to", b.kind, place)), ours)
			}
			for _, dir := range []string{main, branch} {
				checkPlain(t, dir, theirs, b.kind, with(b.attrs, "name", "shared"))
			}
		})
	}
}
