package executor_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/planner"
)

// uploads is a registry behind a proxy that notes layers as they come in and can refuse them.
type uploads struct {
	addr string

	mu     sync.Mutex
	stored map[string]int // digest → how often its bytes came in
	refuse bool
	// first is closed when the first upload has been answered.
	first chan struct{}
	once  sync.Once
}

func watchUploads(t *testing.T) *uploads {
	t.Helper()
	u := &uploads{stored: map[string]int{}, first: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: testenv.StartRegistry(t, testenv.RegistryOptions{}).Addr})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch upload := req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/blobs/uploads/"); {
		case !upload:
			proxy.ServeHTTP(w, req)
		case u.refuses():
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			u.once.Do(func() { close(u.first) })
		default:
			proxy.ServeHTTP(w, req)
			u.note(req)
			u.once.Do(func() { close(u.first) })
		}
	}))
	t.Cleanup(front.Close)
	u.addr = front.Listener.Addr().String()
	return u
}

func (u *uploads) note(req *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stored[req.URL.Query().Get("digest")]++
}

func (u *uploads) refuses() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.refuse
}

func (u *uploads) setRefuse(refuse bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refuse = refuse
}

// digests are those of the blobs that came in.
func (u *uploads) digests() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(maps.Keys(u.stored))
}

// gate is an observer that keeps a build step from ending until it is opened: a build ends when its status stream has been read.
type gate struct {
	executor.Events
	t    *testing.T
	open <-chan struct{}
	// ended is called when the build step ends.
	ended func()
	once  sync.Once
}

func gated(t *testing.T, open <-chan struct{}, ended func()) func(*executor.Options) {
	return func(opt *executor.Options) { opt.Events = &gate{Events: quiet{}, t: t, open: open, ended: ended} }
}

// BuildStatus waits at the first word of the export of the cache.
func (g *gate) BuildStatus(_ string, st *executor.BuildStatus) {
	for _, v := range st.Vertexes {
		if !strings.HasPrefix(v.Name, "exporting cache") {
			continue
		}
		g.once.Do(func() {
			select {
			case <-g.open:
			case <-time.After(time.Minute):
				g.t.Error("nothing was pushed while the build step was held")
			}
		})
	}
}

// StepEnded tells of the end of the build.
func (g *gate) StepEnded(res *executor.StepResult) {
	if res.Step.Kind == planner.KindBuild {
		g.ended()
	}
}

// quiet hears nothing.
type quiet struct{}

func (quiet) StepStarted(*planner.Step)                         {}
func (quiet) StepEnded(*executor.StepResult)                    {}
func (quiet) StepProgress(planner.StepID, string, int64, int64) {}
func (quiet) StepWarning(planner.StepID, string)                {}
func (quiet) BuildStatus(string, *executor.BuildStatus)         {}

// TestLayersArePushedWhileTheBuildStepRuns holds the build step until the destination has a layer. Each layer is sent once, and the report counts what
// was sent early. A destination of mode=min, which not all layers are for, gets none before the build step has ended.
func TestLayersArePushedWhileTheBuildStepRuns(t *testing.T) {
	early, late := watchUploads(t), watchUploads(t)
	whole, part := map[string]string{"ref": early.addr + "/app:main", "mode": "max"}, map[string]string{"ref": late.addr + "/app:main", "mode": "min"}
	hcl := target(t, "app", cacheBlock("cache-to", "registry", whole)+cacheBlock("cache-to", "registry", part))
	r := apply(t, app(t), hcl, testenv.Buildkitd(t, ""), gated(t, early.first, func() {
		if len(early.digests()) == 0 {
			t.Error("the build step ended before a layer was pushed")
		}
		if got := late.digests(); len(got) > 0 {
			t.Errorf("%q were pushed before it was known whether they are wanted", got)
		}
	}))
	for i, u := range []*uploads{early, late} {
		d := r.Targets[0].Destinations[i]
		for digest, n := range u.stored {
			if n != 1 {
				t.Errorf("%s was sent %d times", digest, n)
			}
		}
		if n := len(u.stored) - 1; n != d.Layers { // and the config
			t.Errorf("%d layers were sent to %s, which holds %d", n, d.Name, d.Layers)
		}
		if d.Pushed != d.Bytes {
			t.Errorf("%d bytes are reported as sent to %s, which holds layers of %d", d.Pushed, d.Name, d.Bytes)
		}
	}
	if a, b := len(early.stored), len(late.stored); a <= b {
		t.Errorf("mode=max has %d blobs, mode=min %d", a, b)
	}
}

// TestAFailedEarlyPushIsTheExportsBusiness refuses layers while the build step runs. The build succeeds. If layers are taken later, they are published;
// if not, the export fails, or is ignored.
func TestAFailedEarlyPushIsTheExportsBusiness(t *testing.T) {
	d := testenv.Buildkitd(t, "")
	for name, c := range map[string]struct {
		heals bool
		more  []string
		want  executor.Outcome
	}{
		"heals":   {heals: true, want: executor.OutcomeDone},
		"stays":   {want: executor.OutcomeFailed},
		"ignored": {more: []string{"ignore-error", "true"}, want: executor.OutcomeIgnored},
	} {
		t.Run(name, func(t *testing.T) {
			u := watchUploads(t)
			u.setRefuse(true)
			to := with(map[string]string{"ref": u.addr + "/app:main", "mode": "max"}, c.more...)
			other := map[string]string{"dest": filepath.Join(t.TempDir(), "cache"), "mode": "max"}
			r, err := run(t.Context(), t, app(t), target(t, "app", cacheBlock("cache-to", "registry", to)+cacheBlock("cache-to", "local", other)), d,
				gated(t, u.first, func() { u.setRefuse(!c.heals) }))
			if err != nil {
				t.Fatal(err)
			}
			if got := outcomeOf(r, "build app"); got != executor.OutcomeDone {
				t.Errorf("the build ended as %s", got)
			}
			got := r.Targets[0].Destinations
			if got[0].Outcome != c.want || got[1].Outcome != executor.OutcomeDone {
				t.Errorf("the destinations ended as %s and %s, want %s and done", got[0].Outcome, got[1].Outcome, c.want)
			}
			if c.want == executor.OutcomeDone {
				if got[0].Pushed != got[0].Bytes {
					t.Errorf("%d bytes are reported as sent of %d", got[0].Pushed, got[0].Bytes)
				}
				return
			}
			var failure *executor.StepError
			if !errors.As(got[0].Err, &failure) || failure.Op != "publish" || !strings.Contains(failure.Error(), "413") {
				t.Errorf("the error is %v, want that of the publication", got[0].Err)
			}
			if got[0].Pushed != 0 {
				t.Errorf("%d bytes are reported as sent to a registry that took none", got[0].Pushed)
			}
		})
	}
}

// TestACanceledBuildLeavesNothingVisible cancels when the first layer has been pushed.
func TestACanceledBuildLeavesNothingVisible(t *testing.T) {
	u := watchUploads(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the test")
	go func() {
		<-u.first
		cancel(stopped)
	}()
	canceled := make(chan struct{})
	context.AfterFunc(ctx, func() { close(canceled) })
	hcl := target(t, "app", cacheBlock("cache-to", "registry", map[string]string{"ref": u.addr + "/app:main", "mode": "max"}))
	r, err := run(ctx, t, app(t), hcl, testenv.Buildkitd(t, ""), gated(t, canceled, func() {}))
	if !errors.Is(err, stopped) {
		t.Errorf("Run returned %v", err)
	}
	if got := r.Targets[0]; got.Outcome != executor.OutcomeCanceled {
		t.Errorf("the target ended as %s", got.Outcome)
	}
	resp, err := http.Get("http://" + u.addr + "/v2/app/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the tags of a canceled build are answered with %s", resp.Status)
	}
}

// TestEachDestinationHasNewLayersAsItAsksForThem publishes one build to two repositories of a registry, in two compressions.
func TestEachDestinationHasNewLayersAsItAsksForThem(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	blocks := ""
	at := map[string]config.Cache{}
	for _, compression := range []string{"gzip", "zstd"} {
		attrs := map[string]string{"ref": reg.Addr + "/" + compression + ":main", "mode": "max"}
		at[compression] = config.Cache{Type: "registry", Attrs: attrs}
		blocks += cacheBlock("cache-to", "registry", with(attrs, "compression", compression))
	}
	apply(t, app(t), target(t, "app", blocks), testenv.Buildkitd(t, ""))
	for compression, place := range at {
		for _, l := range backendtest.Read(t, openCache(t, place)).Cache.Layers() {
			if got := blob.CompressionOf(l.Descriptor); string(got) != compression {
				t.Errorf("%s has a layer in %s", place.Name(), got)
			}
		}
	}
}
