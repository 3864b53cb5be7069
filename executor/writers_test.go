package executor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// writers is how many write one cache at the same time.
const writers = 16

// openCache opens a cache to look at it, past any run.
func openCache(t *testing.T, c config.Cache) backend.Destination {
	t.Helper()
	hosts, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hosts.Close)
	dest, err := locations.OpenDestination(c, locations.Env{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return dest
}

// TestManyWritersOfOneTagLoseNothing has runs that know nothing of each other, each with connections of its own, publish to one place at once.
func TestManyWritersOfOneTagLoseNothing(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	old := testenv.StartRegistry(t, testenv.RegistryOptions{V2: true})
	for name, to := range map[string]config.Cache{
		"registry":     {Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/shared:main", "mode": "max"}},
		"registry 2.8": {Type: "registry", Attrs: map[string]string{"ref": old.Addr + "/shared:main", "mode": "max"}},
		"local":        {Type: "local", Attrs: map[string]string{"dest": filepath.Join(t.TempDir(), "shared"), "mode": "max"}},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*writer
			for i := range writers {
				all = append(all, newWriter(t, fmt.Sprint(name, " writer ", i), to))
			}
			var group sync.WaitGroup
			start := make(chan struct{})
			for _, w := range all {
				group.Go(func() {
					<-start
					w.publish(t)
				})
			}
			close(start)
			group.Wait()
			holdsAll(t, to, all)
		})
	}
}

// writer publishes a cache of its own somewhere.
type writer struct {
	sample *backendtest.Sample
	from   string
	to     config.Cache
}

func newWriter(t *testing.T, seed string, to config.Cache) *writer {
	t.Helper()
	w := &writer{sample: backendtest.NewSample(t, seed, 2), from: filepath.Join(t.TempDir(), "own"), to: to}
	dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": w.from}}, "")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Publish(t, dest, w.sample, ocispec.Descriptor{})
	return w
}

// publish transfers the writer's cache in a run of its own.
func (w *writer) publish(t *testing.T) {
	hcl := "transfer \"own\" {\n" + cacheBlock("cache-from", "local", map[string]string{"src": w.from}) + cacheBlock("cache-to", w.to.Type, w.to.Attrs) + "}\n"
	r, err := run(context.WithoutCancel(t.Context()), t, t.TempDir(), hcl, nil)
	if err != nil {
		t.Error(err)
		return
	}
	for _, s := range r.Steps {
		if s.Outcome != executor.OutcomeDone {
			t.Errorf("%s ended as %s: %v", s.Step.ID, s.Outcome, s.Err)
		}
	}
}

// holdsAll fails unless a place holds what all writers have published, with all layers.
func holdsAll(t *testing.T, place config.Cache, all []*writer) {
	t.Helper()
	dest := openCache(t, place)
	cur := backendtest.Read(t, dest)
	for i, w := range all {
		if !cur.Cache.Covers(w.sample.Cache) {
			t.Errorf("what writer %d published is lost", i)
		}
	}
	if lost, err := dest.Missing(t.Context(), cur); err != nil || len(lost) > 0 {
		t.Errorf("%d layers are missing, %v", len(lost), err)
	}
}

// before puts a proxy before a registry. It calls see for each request, which may wait, before it is passed on, and done after it was answered.
func before(t *testing.T, addr string, see, done func(*http.Request)) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		see(req)
		proxy.ServeHTTP(w, req)
		done(req)
	}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// TestAWriterThatPassesUnseenDoesNotLoseTheOther: one has looked at the tag, and moves it only when the other has moved it too and found it where it
// put it. No request of either shows that there is another. Both come through proxies of their own, as from different machines.
func TestAWriterThatPassesUnseenDoesNotLoseTheOther(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	const tag = "/v2/shared/manifests/main"
	slowLooked, fastDone, slowMoved := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var slowOnce, movedOnce, doneOnce sync.Once
	slow := before(t, reg.Addr, func(req *http.Request) {
		if req.Method == http.MethodPut && req.URL.Path == tag {
			slowOnce.Do(func() { close(slowLooked); <-fastDone })
		}
	}, func(req *http.Request) {
		if req.Method == http.MethodPut && req.URL.Path == tag {
			movedOnce.Do(func() { close(slowMoved) })
		}
	})
	var mu sync.Mutex
	looks, moved := 0, false // of the fast one: how often it has looked since it moved the tag
	look := func(req *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case req.URL.Path != tag:
			return 0
		case req.Method == http.MethodPut:
			moved = true
		case req.Method == http.MethodHead && moved:
			looks++
			return looks
		}
		return 0
	}
	fast := before(t, reg.Addr, func(req *http.Request) {
		if look(req) == 2 {
			doneOnce.Do(func() { close(fastDone) }) // it has read the tag back, and what it does now is all that can help
			<-slowMoved
		}
	}, func(*http.Request) {})

	at := func(addr string) config.Cache {
		return config.Cache{Type: "registry", Attrs: map[string]string{"ref": addr + "/shared:main", "mode": "max"}}
	}
	all := []*writer{newWriter(t, "slow", at(slow)), newWriter(t, "fast", at(fast))}
	var group sync.WaitGroup
	group.Go(func() { all[0].publish(t) })
	<-slowLooked
	group.Go(func() {
		all[1].publish(t)
		doneOnce.Do(func() { close(fastDone) })
	})
	group.Wait()
	holdsAll(t, at(reg.Addr), all)
}
