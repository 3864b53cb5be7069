package executor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/moby/buildkit/client"
)

// actionsServices are the cache services of GitHub Actions, one of each version.
func actionsServices(t *testing.T) map[string]*testenv.ActionsCache {
	return map[string]*testenv.ActionsCache{"version 1": testenv.StartActionsV1(t), "version 2": &testenv.StartActionsV2(t).ActionsCache}
}

// transferBlock is a transfer from one place to another.
func transferBlock(from, to string) string {
	return fmt.Sprintf("transfer \"move\" {\n%s%s}\n", from, to)
}

// checkCached builds on an emptied builder with BuildKit's own client and fails unless every step comes from the cache.
func checkCached(t *testing.T, dir string, d *testenv.Daemon, kind string, from map[string]string) {
	t.Helper()
	empty(t, d)
	steps := plain(t, dir, d, kind, from)
	if executed := steps.Executed(); len(executed) > 0 || len(steps) < 7 {
		t.Errorf("%d of %d steps were cached; executed: %q", steps.Cached(), len(steps), executed)
	}
}

// TestBuildKitImportsWhatIsPublishedToGitHubsCache publishes with cachectl in every compression, which BuildKit itself cannot do there.
func TestBuildKitImportsWhatIsPublishedToGitHubsCache(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	dir := app(t)
	for version, service := range actionsServices(t) {
		for i, form := range forms {
			if form.attrs["oci-mediatypes"] != "" || form.attrs["image-manifest"] != "" {
				continue // there are no manifests here
			}
			t.Run(version+" "+form.name, func(t *testing.T) {
				attrs := service.Attrs(map[string]string{"scope": fmt.Sprintf("form%d", i)})
				hcl := target(t, "app", cacheBlock("cache-to", "gha", with(attrs, append(pairs(form.attrs), "mode", "max")...)))
				if d := apply(t, dir, hcl, ours).Targets[0].Destinations[0]; !d.Changed || d.Layers < 5 {
					t.Errorf("published were %d layers, changed %v", d.Layers, d.Changed)
				}
				checkCached(t, dir, theirs, "gha", attrs)
				if d := apply(t, dir, hcl, ours).Targets[0].Destinations[0]; d.Changed {
					t.Error("the same cache was published again")
				}
			})
		}
	}
}

// TestWhatBuildKitPublishesToGitHubsCacheIsOfUse lets BuildKit export there, and reads that: in a build, and in transfers to a registry and back.
func TestWhatBuildKitPublishesToGitHubsCacheIsOfUse(t *testing.T) {
	ours, theirs := testenv.Buildkitd(t, ""), testenv.Buildkitd(t, "")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := app(t)
	for version, service := range actionsServices(t) {
		t.Run(version, func(t *testing.T) {
			attrs := service.Attrs(map[string]string{"scope": "theirs"})
			testenv.PlainBuild{
				Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)},
				To: []client.CacheOptionsEntry{{Type: "gha", Attrs: with(attrs, "mode", "max")}},
			}.Run(t, theirs)

			empty(t, ours)
			if got := apply(t, dir, target(t, "app", cacheBlock("cache-from", "gha", attrs)), ours).Targets[0]; got.Cached != got.Total || got.Total < 7 {
				t.Errorf("%d of %d steps were cached", got.Cached, got.Total)
			}

			ref := map[string]string{"ref": reg.Addr + "/" + strings.ReplaceAll(version, " ", "") + "/cache:main"}
			r := apply(t, dir, transferBlock(cacheBlock("cache-from", "gha", attrs), cacheBlock("cache-to", "registry", with(ref, "mode", "max"))), nil)
			if d := r.Transfers[0].Destinations[0]; d.Layers < 5 {
				t.Errorf("%d layers were moved to the registry", d.Layers)
			}
			checkCached(t, dir, theirs, "registry", ref)

			back := service.Attrs(map[string]string{"scope": "back"})
			apply(t, dir, transferBlock(cacheBlock("cache-from", "registry", ref), cacheBlock("cache-to", "gha", with(back, "mode", "max", "compression", "zstd", "force-compression", "true"))), nil)
			checkCached(t, dir, theirs, "gha", back)
		})
	}
}

// TestLayersThatTheServiceEvictedAreBuiltAgain loses the newest layer of a cache, as GitHub does when a repository is over its limit: the other steps
// hit, in the build that finds the hole, and all do after it, since what is lost is published again.
func TestLayersThatTheServiceEvictedAreBuiltAgain(t *testing.T) {
	ours := testenv.Buildkitd(t, "")
	dir := app(t)
	for version, service := range actionsServices(t) {
		t.Run(version, func(t *testing.T) {
			attrs := service.Attrs(map[string]string{"scope": "evicted"})
			hcl := target(t, "app", cacheBlock("cache-from", "gha", attrs)+cacheBlock("cache-to", "gha", with(attrs, "mode", "max")))
			empty(t, ours)
			apply(t, dir, hcl, ours)
			service.Lose(t, evictable(t, service, attrs))
			empty(t, ours)
			r := apply(t, dir, hcl, ours)
			if got := r.Targets[0]; got.Cached == 0 || got.Cached == got.Total {
				t.Errorf("%d of %d steps were cached with a layer lost", got.Cached, got.Total)
			}
			if !r.Targets[0].Destinations[0].Changed {
				t.Error("the lost layer was not published again")
			}
			empty(t, ours)
			if got := apply(t, dir, hcl, ours).Targets[0]; got.Cached != got.Total {
				t.Errorf("%d of %d steps were cached after that", got.Cached, got.Total)
			}
		})
	}
}

// evictable is the key of the layer of the newest result in a scope.
func evictable(t *testing.T, service *testenv.ActionsCache, attrs map[string]string) string {
	t.Helper()
	src, err := gha.OpenSource(config.Cache{Type: "gha", Attrs: attrs}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cur, err := src.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var newest cache.Result
	for _, r := range cur.Cache.Records() {
		for _, res := range r.Results {
			if res.CreatedAt.After(newest.CreatedAt) {
				newest = res
			}
		}
	}
	return "buildkit-blob-1-" + cur.Cache.Layers()[newest.Layer].Descriptor.Digest.String()
}

// TestTheConfigurationOfAJobServesADeveloper builds outside of a job, where there is nothing to read and nothing to write, and in one whose steps do not see
// the service, which is a mistake.
func TestTheConfigurationOfAJobServesADeveloper(t *testing.T) {
	for _, name := range []string{"ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_SERVICE_V2"} {
		t.Setenv(name, "")
	}
	d := testenv.Buildkitd(t, "")
	dir := app(t)
	hcl := target(t, "app", cacheBlock("cache-from", "gha", nil)+cacheBlock("cache-to", "gha", nil))
	for inJob, want := range map[string]executor.Outcome{"": executor.OutcomeDone, "true": executor.OutcomeFailed} {
		t.Setenv("GITHUB_ACTIONS", inJob)
		r, err := run(t.Context(), t, dir, hcl, d)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Targets[0].Outcome; got != want {
			t.Errorf("GITHUB_ACTIONS=%s: the build ended as %s, want %s", inJob, got, want)
		}
		said := ""
		for _, s := range r.Steps {
			said += strings.Join(s.Warnings, "\n")
			if s.Err != nil {
				said += s.Err.Error()
			}
		}
		if !strings.Contains(said, "ghaction-github-runtime") {
			t.Errorf("nobody says how to get at the service: %q", said)
		}
	}
}
