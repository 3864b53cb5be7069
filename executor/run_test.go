package executor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
)

func outcomeOf(r *executor.Report, id string) executor.Outcome {
	for _, s := range r.Steps {
		if strings.HasPrefix(string(s.Step.ID), id) {
			return s.Outcome
		}
	}
	return ""
}

func TestAMissingSourceIsAWarningAndTheBuildGoesOn(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	missing := testenv.Write(t, nil)
	r := apply(t, app(t), target(t, "app",
		cacheBlock("cache-from", "registry", map[string]string{"ref": reg.Addr + "/nothing:here"})+
			cacheBlock("cache-from", "registry", map[string]string{"ref": "127.0.0.1:1/unreachable:here"})+
			cacheBlock("cache-from", "local", map[string]string{"src": filepath.Join(missing, "gone")})), testenv.Buildkitd(t, ""))
	for _, s := range r.Targets[0].Sources {
		if s.Outcome != executor.OutcomeMissing || s.Err == nil {
			t.Errorf("source %s ended as %s (%v), want missing with a reason", s.Name, s.Outcome, s.Err)
		}
	}
	if r.Targets[0].Outcome != executor.OutcomeDone {
		t.Errorf("the target ended as %s", r.Targets[0].Outcome)
	}
}

// TestASourceWithLostLayersDoesNotFailTheBuild deletes layers behind a cache's manifest, as a registry's garbage collection can.
func TestASourceWithLostLayersDoesNotFailTheBuild(t *testing.T) {
	d := testenv.Buildkitd(t, "")
	dir, dest := app(t), filepath.Join(t.TempDir(), "cache")
	apply(t, dir, target(t, "app", cacheBlock("cache-to", "local", map[string]string{"dest": dest, "mode": "max"})), d)
	blobs, err := filepath.Glob(filepath.Join(dest, "blobs", "sha256", "*"))
	if err != nil || len(blobs) < 3 {
		t.Fatalf("%d blobs, %v", len(blobs), err)
	}
	for _, b := range blobs {
		if st, err := os.Stat(b); err == nil && st.Size() > 100_000 {
			if err := os.Remove(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	empty(t, d)
	r := apply(t, dir, target(t, "app", cacheBlock("cache-from", "local", map[string]string{"src": dest})), d)
	if !strings.Contains(fmt.Sprint(r.Steps[0].Warnings), "has lost") {
		t.Errorf("warnings are %q, want one about lost layers", r.Steps[0].Warnings)
	}
}

func TestAFailureSkipsWhatDependsOnItAndNothingElse(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := testenv.Write(t, map[string]string{
		"Dockerfile":  dockerfile,
		"src/main":    "fine",
		"broken/file": "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"false\"]\n",
	})
	to := func(name string) string {
		return cacheBlock("cache-to", "registry", map[string]string{"ref": reg.Addr + "/fail/" + name + ":main"})
	}
	hcl := target(t, "fine", to("fine")) + target(t, "broken", "  dockerfile = \"broken/file\"\n"+to("broken")) +
		target(t, "reader", cacheBlock("cache-from", "registry", map[string]string{"ref": reg.Addr + "/fail/broken:main"}))
	r, err := run(t.Context(), t, dir, hcl, testenv.Buildkitd(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]executor.Outcome{
		"build broken": executor.OutcomeFailed, "export broken": executor.OutcomeSkipped,
		"build fine": executor.OutcomeDone, "export fine": executor.OutcomeDone,
		"build reader": executor.OutcomeDone, // its source is missing, which fails no build
	} {
		if got := outcomeOf(r, id); got != want {
			t.Errorf("%s ended as %s, want %s", id, got, want)
		}
	}
	if !r.Failed() {
		t.Error("the report does not say that the run failed")
	}
}

func TestAnIgnoredDestinationDoesNotFailTheRunAndTheOtherIsWritten(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "cache")
	r := apply(t, app(t), target(t, "app",
		cacheBlock("cache-to", "registry", map[string]string{"ref": "127.0.0.1:1/down:main", "ignore-error": "true"})+
			cacheBlock("cache-to", "local", map[string]string{"dest": dest})), testenv.Buildkitd(t, ""))
	got := r.Targets[0].Destinations
	if got[0].Outcome != executor.OutcomeIgnored || got[0].Err == nil {
		t.Errorf("the unreachable destination ended as %s (%v), want ignored and reported", got[0].Outcome, got[0].Err)
	}
	if got[1].Outcome != executor.OutcomeDone || got[1].Digest == "" {
		t.Errorf("the other destination ended as %s", got[1].Outcome)
	}
	if r.Failed() {
		t.Error("the run counts as failed")
	}
}

func TestADestinationThatCannotBeWrittenFailsBeforeTheBuild(t *testing.T) {
	file := filepath.Join(testenv.Write(t, map[string]string{"file": ""}), "file")
	r, err := run(t.Context(), t, app(t), target(t, "app", cacheBlock("cache-to", "local", map[string]string{"dest": filepath.Join(file, "cache")})), testenv.Buildkitd(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Targets[0]; got.Outcome != executor.OutcomeFailed || got.Total != 0 {
		t.Errorf("the target ended as %s after %d steps, want failed before any", got.Outcome, got.Total)
	}
}

func TestARegistryWithPasswordAndOneWithAPrivateCA(t *testing.T) {
	secured := testenv.StartRegistry(t, testenv.RegistryOptions{Password: "canary-password"})
	private := testenv.StartRegistry(t, testenv.RegistryOptions{TLS: true})
	secured.DockerConfig(t, "canary-password")
	d := testenv.Buildkitd(t, fmt.Sprintf("[registry.%q]\n  http = false\n  ca = [%q]\n", private.Addr, private.CA))
	dir := app(t)
	a, b := map[string]string{"ref": secured.Addr + "/team/app:main"}, map[string]string{"ref": private.Addr + "/team/app:main"}
	hcl := fmt.Sprintf("registry %q {\n  ca = %q\n}\n", private.Addr, private.CA) + target(t, "app",
		cacheBlock("cache-to", "registry", with(a, "mode", "max"))+cacheBlock("cache-to", "registry", with(b, "mode", "max")))
	apply(t, dir, hcl, d)
	for _, from := range []map[string]string{a, b} {
		empty(t, d)
		r := apply(t, dir, fmt.Sprintf("registry %q {\n  ca = %q\n}\n", private.Addr, private.CA)+target(t, "app", cacheBlock("cache-from", "registry", from)), d)
		if got := r.Targets[0]; got.Cached != got.Total {
			t.Errorf("%s: %d of %d steps cached", from["ref"], got.Cached, got.Total)
		}
	}
}

func TestAWrongPasswordIsToldAndNotShown(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{Password: "right"})
	reg.DockerConfig(t, "canary-wrong")
	r, err := run(t.Context(), t, app(t), target(t, "app", cacheBlock("cache-to", "registry", map[string]string{"ref": reg.Addr + "/team/app:main"})), testenv.Buildkitd(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	got := r.Targets[0].Err
	if !errors.Is(got, blob.ErrDenied) {
		t.Errorf("the error is %v, want one that says denied", got)
	}
	if strings.Contains(fmt.Sprint(got), "canary-wrong") {
		t.Errorf("the error shows the password: %v", got)
	}
}

// TestAnotherBranchsRecordsStay publishes two different contexts to one reference, one after the other: both must be hit afterwards.
func TestAnotherBranchsRecordsStay(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	ref := map[string]string{"ref": reg.Addr + "/branches:shared"}
	one := testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "branch one"})
	two := testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "branch two"})
	for _, dir := range []string{one, two} {
		apply(t, dir, target(t, "app", cacheBlock("cache-to", "registry", with(ref, "mode", "max"))), d)
	}
	for _, dir := range []string{one, two} {
		empty(t, d)
		if steps := plain(t, dir, d, "registry", ref); steps.Cached() != len(steps) {
			t.Errorf("%s: executed %q", dir, steps.Executed())
		}
	}
	apply(t, one, target(t, "app", cacheBlock("cache-to", "registry", with(ref, "mode", "max", "on-conflict", "overwrite"))), d)
	empty(t, d)
	if steps := plain(t, two, d, "registry", ref); steps.Cached() == len(steps) {
		t.Error("on-conflict = overwrite kept the other branch's records")
	}
	r, err := run(t.Context(), t, two, target(t, "app", cacheBlock("cache-to", "registry", with(ref, "mode", "max", "on-conflict", "fail"))), d)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Failed() {
		t.Error("on-conflict = fail replaced records of others")
	}
}

// TestATransferNeedsNoBuilder merges two caches and writes them to a registry in another compression and to a directory.
func TestATransferNeedsNoBuilder(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	archive := filepath.Join(t.TempDir(), "archive")
	one := testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "one"})
	two := testenv.Write(t, map[string]string{"Dockerfile": dockerfile, "src/main": "two"})
	refs := map[string]string{one: reg.Addr + "/app/one:main", two: reg.Addr + "/app/two:main"}
	for dir, ref := range refs {
		apply(t, dir, target(t, "app", cacheBlock("cache-to", "registry", map[string]string{"ref": ref, "mode": "max"})), d)
	}
	both := map[string]string{"ref": reg.Addr + "/app/both:main"}
	// The run is given no builder at all.
	r := apply(t, one, "transfer \"promote\" {\n"+
		cacheBlock("cache-from", "registry", map[string]string{"ref": refs[one]})+
		cacheBlock("cache-from", "registry", map[string]string{"ref": refs[two]})+
		cacheBlock("cache-to", "registry", with(both, "compression", "zstd", "force-compression", "true", "mode", "max"))+
		cacheBlock("cache-to", "local", map[string]string{"dest": archive, "mode": "max"})+"}\n", nil)
	if got := r.Transfers[0]; got.Outcome != executor.OutcomeDone || len(got.Destinations) != 2 {
		t.Fatalf("the transfer ended as %s", got.Outcome)
	}
	for dir := range refs {
		for kind, from := range map[string]map[string]string{"registry": both, "local": {"src": archive}} {
			empty(t, d)
			if steps := plain(t, dir, d, kind, from); steps.Cached() != len(steps) {
				t.Errorf("%s from %s: executed %q", dir, kind, steps.Executed())
			}
		}
	}
}

func TestAnInlineCacheIsReadFromTheImage(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	dir, image := app(t), reg.Addr+"/image:latest"
	apply(t, dir, target(t, "app", fmt.Sprintf("  tags = [%q]\n  output = [\"type=image,push=true\"]\n  cache-to \"inline\" {}\n", image)), d)
	empty(t, d)
	r := apply(t, dir, target(t, "app", cacheBlock("cache-from", "registry", map[string]string{"ref": image})), d)
	if r.Targets[0].Sources[0].Outcome != executor.OutcomeDone || r.Targets[0].Cached == 0 {
		t.Errorf("source %s, %d of %d steps cached", r.Targets[0].Sources[0].Outcome, r.Targets[0].Cached, r.Targets[0].Total)
	}
}

// TestAnImageIsNotReplacedByACache publishes a cache to a reference that holds an image of an earlier run.
func TestAnImageIsNotReplacedByACache(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	dir, image := app(t), reg.Addr+"/image:latest"
	push := func(more string) {
		apply(t, dir, target(t, "app", fmt.Sprintf("  tags = [%q]\n  output = [\"type=image,push=true\"]\n%s", image, more)), d)
	}
	to := cacheBlock("cache-to", "registry", map[string]string{"ref": image})
	for _, more := range []string{"", "  cache-to \"inline\" {}\n"} {
		push(more)
		r, err := run(t.Context(), t, dir, target(t, "app", to), d)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Targets[0].Err); r.Targets[0].Outcome != executor.OutcomeFailed || !strings.Contains(got, "holds an image") {
			t.Errorf("the target ended as %s: %s", r.Targets[0].Outcome, got)
		}
	}
	apply(t, dir, target(t, "app", cacheBlock("cache-to", "registry", map[string]string{"ref": image, "on-conflict": "overwrite"})), d)
}

func TestOutputsAreWritten(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := app(t)
	out := t.TempDir()
	outputs := map[string]string{
		"type=local,dest=" + out + "/local":     "local/out",
		"type=tar,dest=" + out + "/rootfs.tar":  "rootfs.tar",
		"type=oci,dest=" + out + "/image.tar":   "image.tar",
		"type=docker,dest=" + out + "/dock.tar": "dock.tar",
		"type=image,push=true":                  "",
		"type=cacheonly":                        "",
	}
	d := testenv.Buildkitd(t, "")
	for output, file := range outputs {
		apply(t, dir, target(t, "app", fmt.Sprintf("  tags = [%q]\n  output = [%q]\n", reg.Addr+"/out:latest", output)), d)
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(out, file)); err != nil {
			t.Errorf("%s: %v", output, err)
		}
	}
	resp, err := http.Get("http://" + reg.Addr + "/v2/out/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the pushed image is not there: %s", resp.Status)
	}
}

// TestCancelStopsARunningBuild cancels while a step sleeps.
func TestCancelStopsARunningBuild(t *testing.T) {
	dir := testenv.Write(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sleep\", \"600\"]\n"})
	d := testenv.Buildkitd(t, "")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(2*time.Second, func() { cancel(errors.New("stopped by the test")) })
	r, err := run(ctx, t, dir, target(t, "app", ""), d)
	if err == nil || err.Error() != "stopped by the test" {
		t.Errorf("Run returned %v, want the reason of the cancellation", err)
	}
	if r == nil || r.Targets[0].Outcome != executor.OutcomeCanceled {
		t.Fatalf("the report does not tell that the target was canceled")
	}
}

func TestAReaderWaitsForTheWriterOfTheSameRun(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	ref := map[string]string{"ref": reg.Addr + "/chain:main"}
	r := apply(t, app(t), target(t, "writer", cacheBlock("cache-to", "registry", with(ref, "mode", "max")))+
		target(t, "reader", cacheBlock("cache-from", "registry", ref)), testenv.Buildkitd(t, ""))
	for _, target := range r.Targets {
		if target.Name == "reader" && target.Sources[0].Outcome != executor.OutcomeDone {
			t.Errorf("the reader's source ended as %s: it did not wait for the writer", target.Sources[0].Outcome)
		}
	}
}
