package executor_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
)

// checked looks whether targets are up to date.
func checked(opt *executor.Options) { opt.Check = executor.CheckManifest }

// noBuilder is a run that fails if it needs a builder.
func noBuilder(opt *executor.Options) { opt.Builder = "unix:///nonexistent/buildkitd.sock" }

// counted is a registry behind a proxy that notes the requests.
type counted struct {
	addr string
	mu   sync.Mutex
	seen []string
}

func count(t *testing.T, reg *testenv.Registry) *counted {
	t.Helper()
	c := &counted{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: reg.Addr})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		c.seen = append(c.seen, req.Method+" "+req.URL.Path)
		c.mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	c.addr = strings.TrimPrefix(server.URL, "http://")
	return c
}

// take returns the requests since it was called last, without the one by which a client asks a host how to log in.
func (c *counted) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, r := range c.seen {
		if r != "GET /v2/" {
			out = append(out, r)
		}
	}
	c.seen = nil
	return out
}

func outcomes(r *executor.Report) map[executor.Outcome]int {
	n := map[executor.Outcome]int{}
	for _, t := range r.Targets {
		n[t.Outcome]++
	}
	return n
}

// TestNothingChangedNeedsNoBuilder applies 24 targets a second time: no builder is looked for, and each destination is asked once. Then one file of
// one target changes, and that target is built, and no other.
func TestNothingChangedNeedsNoBuilder(t *testing.T) {
	reg := count(t, testenv.StartRegistry(t, testenv.RegistryOptions{}))
	dir, hcl := monorepo(t, true, reg.addr+"/same")
	d := testenv.Buildkitd(t, "")
	if got := outcomes(apply(t, dir, hcl, d, checked)); got[executor.OutcomeDone] != manyTargets {
		t.Fatalf("the first run ended as %v", got)
	}
	for _, check := range []executor.Check{executor.CheckNone, executor.CheckManifest} {
		reg.take()
		r := apply(t, dir, hcl, nil, noBuilder, func(opt *executor.Options) { opt.Check = check })
		if got := outcomes(r); got[executor.OutcomeUpToDate] != manyTargets {
			t.Errorf("%s: the targets ended as %v, want all up to date: %q", check, got, r.Targets[0].Reasons)
		}
		if n := len(reg.take()); n != manyTargets {
			t.Errorf("%s: %d requests for %d destinations", check, n, manyTargets)
		}
	}
	if got := outcomes(apply(t, dir, hcl, nil, noBuilder, func(opt *executor.Options) { opt.Check = executor.CheckBlobs })); got[executor.OutcomeUpToDate] != manyTargets {
		t.Errorf("blobs: the targets ended as %v, want all up to date", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "svc07", "src"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := apply(t, dir, hcl, d, checked)
	for _, target := range r.Targets {
		want := executor.OutcomeUpToDate
		if target.Name == "svc07" {
			want = executor.OutcomeDone
			if got := strings.Join(target.Reasons, "; "); !strings.HasPrefix(got, "context: src changed, used from step [build 1/2] COPY") {
				t.Errorf("svc07 was built because %q", got)
			}
		}
		if target.Outcome != want || (target.Total > 0) != (want == executor.OutcomeDone) {
			t.Errorf("%s ended as %s after %d steps, want %s", target.Name, target.Outcome, target.Total, want)
		}
	}
	if got := outcomes(apply(t, dir, hcl, nil, noBuilder, checked)); got[executor.OutcomeUpToDate] != manyTargets {
		t.Errorf("after the change was built the targets ended as %v", got)
	}
}

// TestWhatMakesATargetStale takes a target that is up to date at two destinations and changes one thing at a time.
func TestWhatMakesATargetStale(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	local := filepath.Join(t.TempDir(), "cache")
	image := reg.Addr + "/stale/image:latest"
	ref := map[string]string{"ref": reg.Addr + "/stale/app:main", "mode": "max"}
	body := "  tags = [\"" + image + "\"]\n  output = [\"type=image,push=true\"]\n"
	to := cacheBlock("cache-to", "registry", ref) + cacheBlock("cache-to", "local", map[string]string{"dest": local, "mode": "max"})
	dir := app(t)
	write := func(t *testing.T, name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, reason string
		hcl          string
		change       func(*testing.T)
		opt          func(*executor.Options)
	}{
		{name: "a file", reason: "context: src/main changed", change: func(t *testing.T) { write(t, "src/main", "stale") }},
		{name: "an argument", reason: "Dockerfile changed, from step [stage-2 1/2] COPY", change: func(t *testing.T) {
			write(t, "Dockerfile", strings.Replace(dockerfile, "COPY --from=build /out /out", "COPY --from=build /out /out2", 1))
		}},
		{name: "a label", reason: "the image's labels, command, tags or other settings changed", hcl: target(t, "app", body+"  labels = { a = \"b\" }\n"+to)},
		{name: "the directory is gone", reason: "destination missing: local " + local, change: func(t *testing.T) {
			if err := os.RemoveAll(local); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a layer is gone", reason: "destination local " + local + " is not usable: 1 of its 7 layers are gone", change: func(t *testing.T) { loseLayer(t, local) },
			opt: func(opt *executor.Options) { opt.Check = executor.CheckBlobs }},
		{name: "the image was overwritten", reason: "image " + image + " is not the one that was pushed", change: func(t *testing.T) {
			apply(t, app(t), target(t, "other", "  tags = [\""+image+"\"]\n  output = [\"type=image,push=true\"]\n  labels = { other = \"1\" }\n"), d)
		}},
		{name: "another form", reason: "registry " + ref["ref"] + " was written in another form",
			hcl: target(t, "app", body+cacheBlock("cache-to", "registry", with(ref, "compression", "zstd"))+cacheBlock("cache-to", "local", map[string]string{"dest": local, "mode": "max"}))},
		{name: "too old", reason: "older than 1ns", opt: func(opt *executor.Options) { opt.MaxAge = 1 }},
		{name: "too old for the target", reason: "older than 1ms", hcl: target(t, "app", body+"  max-age = \"1ms\"\n"+to)},
		{name: "no-cache", reason: "no-cache is set", hcl: target(t, "app", body+"  no-cache = true\n"+to)},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, "src/main", "main")
			write(t, "Dockerfile", dockerfile)
			apply(t, dir, target(t, "app", body+to), d, checked)
			if r := apply(t, dir, target(t, "app", body+to), nil, noBuilder, checked); r.Targets[0].Outcome != executor.OutcomeUpToDate {
				t.Fatalf("not up to date before the change: %q", r.Targets[0].Reasons)
			}
			if c.change != nil {
				c.change(t)
			}
			if c.hcl == "" {
				c.hcl = target(t, "app", body+to)
			}
			if c.opt == nil {
				c.opt = checked
			}
			r := apply(t, dir, c.hcl, d, checked, c.opt)
			if got := strings.Join(r.Targets[0].Reasons, "; "); r.Targets[0].Outcome != executor.OutcomeDone || !strings.HasPrefix(got, c.reason) {
				t.Errorf("the target ended as %s because %q, want %q", r.Targets[0].Outcome, got, c.reason)
			}
		})
	}
}

// loseLayer deletes the largest blob of a layout.
func loseLayer(t *testing.T, layout string) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(layout, "blobs", "sha256", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatal(err, len(blobs))
	}
	largest, size := "", int64(0)
	for _, b := range blobs {
		if st, err := os.Stat(b); err == nil && st.Size() > size {
			largest, size = b, st.Size()
		}
	}
	if err := os.Remove(largest); err != nil {
		t.Fatal(err)
	}
}

// TestTargetsShareADestination publishes two targets to one reference, one after the other: both are up to date then. What writes the reference
// without saying what it was built from makes both stale.
func TestTargetsShareADestination(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	ref := map[string]string{"ref": reg.Addr + "/shared:main", "mode": "max"}
	dirs := map[string]string{"one": app(t), "two": app(t)}
	for name, dir := range dirs {
		if err := os.WriteFile(filepath.Join(dir, "src", "main"), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		apply(t, dir, target(t, name, cacheBlock("cache-to", "registry", ref)), d, checked)
	}
	for name, dir := range dirs {
		if r := apply(t, dir, target(t, name, cacheBlock("cache-to", "registry", ref)), nil, noBuilder, checked); r.Targets[0].Outcome != executor.OutcomeUpToDate {
			t.Errorf("%s is built because %q", name, r.Targets[0].Reasons)
		}
	}
	for _, dir := range dirs {
		empty(t, d)
		if steps := plain(t, dir, d, "registry", ref); steps.Cached() != len(steps) {
			t.Errorf("BuildKit executed %q: it does not import what stands beside fingerprints", steps.Executed())
		}
	}
	apply(t, dirs["one"], target(t, "one", cacheBlock("cache-to", "registry", with(ref, "on-conflict", "overwrite"))), d, checked, func(opt *executor.Options) { opt.Check = executor.CheckOff })
	for name, want := range map[string]executor.Outcome{"one": executor.OutcomeUpToDate, "two": executor.OutcomeDone} {
		if r := apply(t, dirs[name], target(t, name, cacheBlock("cache-to", "registry", ref)), d, checked); r.Targets[0].Outcome != want {
			t.Errorf("%s ended as %s after its records were overwritten, want %s: %q", name, r.Targets[0].Outcome, want, r.Targets[0].Reasons)
		}
	}
}

// TestAChangeDuringTheBuildIsNotUpToDate changes a file while the target is built, for good and for a moment.
func TestAChangeDuringTheBuildIsNotUpToDate(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	for name, after := range map[string]string{"stays": "", "is-undone": "before"} {
		t.Run(name, func(t *testing.T) {
			dir := testenv.Write(t, map[string]string{
				"Dockerfile": "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nCOPY file /file\nRUN [\"/bin/busybox\", \"sleep\", \"3\"]\n", "file": "before",
			})
			write := func(content string) { _ = os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o644) }
			hcl := target(t, "app", cacheBlock("cache-to", "registry", map[string]string{"ref": reg.Addr + "/race:" + name}))
			timer := time.AfterFunc(2*time.Second, func() {
				write("meanwhile " + name)
				if after != "" {
					write(after)
				}
			})
			defer timer.Stop()
			r := apply(t, dir, hcl, d, checked)
			if len(r.Steps[0].Warnings) == 0 || !strings.Contains(r.Steps[0].Warnings[0], "changed while it was built") {
				t.Errorf("warnings are %q, want one about the change", r.Steps[0].Warnings)
			}
			write("before")
			if r := apply(t, dir, hcl, d, checked); r.Targets[0].Outcome != executor.OutcomeDone {
				t.Errorf("the target ended as %s: what was published may be of the changed file", r.Targets[0].Outcome)
			}
			empty(t, d)
		})
	}
}
