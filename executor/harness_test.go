package executor_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
)

// dockerfile has three stages; the last takes from both of the others, so that min and max differ.
const dockerfile = `FROM scratch AS base
COPY --from=busybox busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base AS build
COPY src /src
RUN head -c 300000 /dev/urandom > /lib.bin && cat /src/* > /out
RUN sha256sum /lib.bin > /lib.sum
FROM base
COPY --from=build /out /out
RUN echo done > /done
`

// app is a build context with that Dockerfile. Named contexts need a directory with busybox in it.
func app(t testing.TB) string {
	t.Helper()
	return testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "main " + t.Name()})
}

func busyboxDir(t testing.TB) string { return filepath.Dir(testenv.Busybox(t)) }

// run applies a configuration in dir with a daemon and returns the report. Errors in the configuration fail the test.
func run(ctx context.Context, t testing.TB, dir, hcl string, d *testenv.Daemon, changes ...func(*executor.Options)) (*executor.Report, error) {
	t.Helper()
	plan, opt := planned(ctx, t, dir, hcl, d, changes...)
	return executor.Run(ctx, plan, opt)
}

// planned plans a configuration in dir, with a daemon or none.
func planned(ctx context.Context, t testing.TB, dir, hcl string, d *testenv.Daemon, changes ...func(*executor.Options)) (*planner.Plan, executor.Options) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache.hcl")
	if err := os.WriteFile(path, []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(ctx, config.Options{Files: []string{path}, Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if diags := res.Validate(); diags.HasErrors() {
		t.Fatal(diags)
	}
	plan, diags := planner.New(res, planner.Options{Dir: dir})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	opt := executor.Options{Dir: dir, Registries: res.Registries, TempDir: t.TempDir(), CacheDir: t.TempDir()}
	if d != nil {
		opt.Builder = d.Address
	}
	for _, change := range changes {
		change(&opt)
	}
	return plan, opt
}

// apply is run for configurations that must succeed.
func apply(t testing.TB, dir, hcl string, d *testenv.Daemon, changes ...func(*executor.Options)) *executor.Report {
	t.Helper()
	r, err := run(t.Context(), t, dir, hcl, d, changes...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Steps {
		if s.Outcome == executor.OutcomeFailed {
			t.Errorf("%s: %v", s.Step.ID, s.Err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return r
}

// target is a target block with the app's context and further lines.
func target(t testing.TB, name, body string) string {
	return fmt.Sprintf("target %q {\n  context = \".\"\n  contexts = { busybox = %q }\n%s\n}\n", name, busyboxDir(t), body)
}

// cacheBlock is a cache-from or cache-to block.
func cacheBlock(side, kind string, attrs map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s %q {\n", side, kind)
	for _, k := range sortedKeys(attrs) {
		fmt.Fprintf(&b, "    %s = %q\n", k, attrs[k])
	}
	return b.String() + "  }\n"
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// empty drops a daemon's whole cache.
func empty(t testing.TB, d *testenv.Daemon) {
	t.Helper()
	if err := d.Client(t).Prune(t.Context(), nil, client.PruneAll); err != nil {
		t.Fatal(err)
	}
}

// plain builds the app with BuildKit's own client, importing from one cache.
func plain(t testing.TB, dir string, d *testenv.Daemon, kind string, attrs map[string]string) testenv.Steps {
	t.Helper()
	return testenv.PlainBuild{
		Dir: dir, Contexts: map[string]string{"busybox": busyboxDir(t)},
		From: []client.CacheOptionsEntry{{Type: kind, Attrs: attrs}},
	}.Run(t, d)
}

// with is attrs and more of them.
func with(attrs map[string]string, more ...string) map[string]string {
	out := maps.Clone(attrs)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}
