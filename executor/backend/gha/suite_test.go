package gha_test

import (
	"fmt"
	"io"
	"maps"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
	actionscache "github.com/tonistiigi/go-actions-cache"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) (string, bool) { return "", false }

func services(t testing.TB, opt gha.Options) *gha.Services {
	t.Helper()
	s := gha.NewServices(opt)
	t.Cleanup(s.Close)
	return s
}

func destination(t testing.TB, s *gha.Services, attrs map[string]string) *gha.Location {
	t.Helper()
	l, err := gha.OpenDestination(config.Cache{Type: "gha", Attrs: attrs}, noEnv, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func source(t testing.TB, s *gha.Services, attrs map[string]string) *gha.Location {
	t.Helper()
	l, err := gha.OpenSource(config.Cache{Type: "gha", Attrs: attrs}, noEnv, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The keys of BuildKit's gha backend, put together here once more.
func indexKey(scope, branch string, n int) string {
	return fmt.Sprintf("index-%s-1-%s#%d", scope, digest.FromString(branch).Encoded()[:8], n)
}

func blobKey(d digest.Digest) string { return "buildkit-blob-1-" + d.String() }

// newest reads the newest config of a scope in main, with BuildKit's client; nil for none.
func newest(t testing.TB, c *testenv.ActionsCache, scope string) []byte {
	t.Helper()
	var last *actionscache.Entry
	for n := 1; ; n++ {
		e := c.Entry(t, indexKey(scope, "refs/heads/main", n))
		if e == nil {
			break
		}
		last = e
	}
	if last == nil {
		return nil
	}
	rac := last.Download(t.Context())
	defer rac.Close()
	raw, err := io.ReadAll(io.NewSectionReader(rac, 0, 100<<20))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestGitHubsCacheKeepsThePromisesOfABackend(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testenv.ActionsCache{
		"version 1": testenv.StartActionsV1,
		"version 2": func(t testing.TB) *testenv.ActionsCache { return &testenv.StartActionsV2(t).ActionsCache },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			open := func(s *gha.Services, t testing.TB, name string, attrs map[string]string) backend.Destination {
				all := c.Attrs(map[string]string{"scope": name})
				maps.Copy(all, attrs)
				return destination(t, s, all)
			}
			backendtest.Run(t, backendtest.Harness{
				SelfDescribed: true, Bare: true,
				Open: func(t testing.TB, name string, attrs map[string]string) backend.Destination {
					return open(services(t, gha.Options{TempDir: t.TempDir()}), t, name, attrs)
				},
				Share: func(t testing.TB, name string, n int) []backend.Destination {
					shared := services(t, gha.Options{})
					var out []backend.Destination
					for range n {
						out = append(out, open(shared, t, name, nil))
					}
					return out
				},
				Seed: func(t testing.TB, name, _ string, root []byte, _ [][]byte) {
					if err := c.Client(t).Save(t.Context(), indexKey(name, "refs/heads/main", 1), actionscache.NewBlob(root)); err != nil {
						t.Fatal(err)
					}
				},
				Remove:  func(t testing.TB, _ string, d digest.Digest) { c.Lose(t, blobKey(d)) },
				Replace: func(t testing.TB, _ string, d digest.Digest, raw []byte) { c.Replace(t, blobKey(d), raw) },
				Root: func(t testing.TB, name string) digest.Digest {
					if raw := newest(t, c, name); raw != nil {
						return digest.FromBytes(raw)
					}
					return ""
				},
			})
		})
	}
}
