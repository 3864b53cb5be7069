package executor_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/prune"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
)

const prunedStages = 6

// stages is a Dockerfile of several stages on one base, each of three steps that write a file of their own.
func stages() string {
	var b strings.Builder
	b.WriteString("FROM scratch AS base\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n")
	for i := range prunedStages {
		fmt.Fprintf(&b, "FROM base AS s%d\n", i)
		for _, step := range "abc" {
			fmt.Fprintf(&b, "RUN head -c 200000 /dev/urandom > /s%d-%c\n", i, step)
		}
	}
	return b.String()
}

// TestWhatStaysOfPrunedCachesHits lets BuildKit export a cache for each stage, prunes all of them together to half their size, and then lets BuildKit
// build each stage on an empty builder: the steps whose results have stayed are cached, the others are executed.
func TestWhatStaysOfPrunedCachesHits(t *testing.T) {
	daemon := testenv.Buildkitd(t, "")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	root := t.TempDir()
	for name, at := range map[string]struct {
		to, from func(stage string) config.Cache
	}{
		"registry": {
			func(s string) config.Cache {
				return config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/pruned:" + s, "mode": "max"}}
			},
			func(s string) config.Cache {
				return config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/pruned:" + s}}
			},
		},
		"local": {
			func(s string) config.Cache {
				return config.Cache{Type: "local", Attrs: map[string]string{"dest": filepath.Join(root, "cache"), "tag": s, "mode": "max"}}
			},
			func(s string) config.Cache {
				return config.Cache{Type: "local", Attrs: map[string]string{"src": filepath.Join(root, "cache"), "tag": s}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testenv.Write(t, map[string]string{"Dockerfile": stages()})
			build := func(stage string, from, to []client.CacheOptionsEntry) testenv.Steps {
				return testenv.PlainBuild{
					Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)}, Attrs: map[string]string{"target": stage}, From: from, To: to,
				}.Run(t, daemon)
			}
			empty(t, daemon)
			for i := range prunedStages {
				c := at.to(fmt.Sprint("s", i))
				build(fmt.Sprint("s", i), nil, []client.CacheOptionsEntry{{Type: c.Type, Attrs: c.Attrs}})
			}
			env := registryEnv(t)
			before := pruneAll(t, env, at.to("s0"), config.Retention{Names: []string{"s?"}}).Before
			done := pruneAll(t, env, at.to("s0"), config.Retention{Names: []string{"s?"}, MaxSize: before / 2})
			if done.After > before/2 || done.After < before/4 {
				t.Errorf("%d → %d bytes", before, done.After)
			}
			stayed, hit := []string{}, []string{}
			for i := range prunedStages {
				stage := fmt.Sprint("s", i)
				stayed = append(stayed, filesIn(t, env, at.to(stage))...)
				empty(t, daemon)
				c := at.from(stage)
				hit = append(hit, writtenBy(build(stage, []client.CacheOptionsEntry{{Type: c.Type, Attrs: c.Attrs}}, nil))...)
			}
			if diff := cmp.Diff(stayed, hit); diff != "" {
				t.Errorf("steps whose results stayed (-) and that hit (+):\n%s", diff)
			}
			if len(stayed) == 0 || len(stayed) > 2*prunedStages {
				t.Errorf("of %d results these stayed: %q", 3*prunedStages, stayed)
			}
		})
	}
}

func registryEnv(t *testing.T) locations.Env {
	t.Helper()
	h, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return locations.Env{Hosts: h}
}

func pruneAll(t *testing.T, env locations.Env, c config.Cache, policy config.Retention) *prune.Store {
	t.Helper()
	stores, err := prune.Run(t.Context(), []prune.Input{{Cache: c, Policy: &policy}}, prune.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if stores[0].Failed() {
		t.Fatalf("%+v", stores[0])
	}
	return stores[0]
}

// filesIn lists the files "sN-x" in the topmost layers of a cache's results, sorted; none where there is no cache.
func filesIn(t *testing.T, env locations.Env, c config.Cache) []string {
	t.Helper()
	src, err := locations.OpenSource(c, env)
	if err != nil {
		t.Fatal(err)
	}
	cur, err := src.Read(t.Context())
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range cur.Cache.Records() {
		for _, res := range r.Results {
			out = append(out, filesOf(t, cur, res.Layer)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func filesOf(t *testing.T, cur *backend.Current, layer int) []string {
	t.Helper()
	rc, err := cur.Blobs.Fetch(t.Context(), cur.Cache.Layers()[layer].Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	plain, err := blob.NewDecoder(rc)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var out []string
	for tr := tar.NewReader(plain); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if stage, _, ok := strings.Cut(h.Name, "-"); ok && len(stage) == 2 && stage[0] == 's' {
			out = append(out, h.Name)
		}
	}
}

// writtenBy lists the files that cached steps had written, sorted.
func writtenBy(steps testenv.Steps) []string {
	var out []string
	for name, cached := range steps {
		if _, file, ok := strings.Cut(name, "> /"); ok && cached {
			out = append(out, file)
		}
	}
	slices.Sort(out)
	return out
}
