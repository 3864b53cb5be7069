package executor_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
)

// TestStepsThatMissAreAsForetold changes a file, builds with nothing but the published cache, and hears nothing of it. Then the builder gets nothing of that
// cache: it executes steps that were to be cached, and that is said.
func TestStepsThatMissAreAsForetold(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: reg.Addr})
	var deaf atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if deaf.Load() && strings.HasPrefix(req.UserAgent(), "buildkit/") {
			http.NotFound(w, req)
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	ref := map[string]string{"ref": strings.TrimPrefix(server.URL, "http://") + "/foretold:main"}
	hcl := target(t, "app", cacheBlock("cache-from", "registry", ref)+cacheBlock("cache-to", "registry", with(ref, "mode", "max")))
	d := testenv.Buildkitd(t, "")
	dir := app(t)
	apply(t, dir, hcl, d, checked)
	for _, c := range []struct {
		content string
		deaf    bool
		want    string
	}{
		{content: "changed"},
		{content: "changed again", deaf: true, want: "[build 1/3] COPY (Dockerfile:5) was expected to be the first step that misses, and the builder executed [base "},
	} {
		if err := os.WriteFile(filepath.Join(dir, "src", "main"), []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		empty(t, d)
		deaf.Store(c.deaf)
		r := apply(t, dir, hcl, d, checked)
		deaf.Store(false)
		var said []string
		for _, s := range r.Steps {
			said = append(said, s.Warnings...)
		}
		if text := strings.Join(said, "\n"); !strings.Contains(text, c.want) || c.want == "" && text != "" {
			t.Errorf("%s: the warnings are %q, want %q", c.content, said, c.want)
		}
		if r.Targets[0].Total == r.Targets[0].Cached {
			t.Errorf("%s: nothing was executed", c.content)
		}
	}
}
