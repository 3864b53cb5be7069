package executor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
)

const (
	manyTargets = 24
	manyRuns    = 10
)

const sharedStages = `FROM scratch AS base
COPY --from=busybox busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base AS sdk
RUN head -c 100000 /dev/urandom > /sdk
RUN echo tools > /tools
`

const ownStages = `FROM sdk AS deps
COPY deps /deps
RUN head -c 20000 /dev/urandom > /vendor && cat /deps
FROM deps AS build
COPY src /src
RUN cat /src > /out
FROM base
COPY --from=build /out /out
`

// monorepo is a directory with many services on shared stages: repeated in each Dockerfile (flat), or taken from targets that are linked to.
func monorepo(t *testing.T, linked bool, registry string) (dir, hcl string) {
	t.Helper()
	files := map[string]string{"base/Dockerfile": sharedStages}
	var b strings.Builder
	if linked {
		for _, stage := range []string{"base", "sdk"} {
			fmt.Fprintf(&b, "target %q {\n  context = \"base\"\n  target = %q\n  contexts = { busybox = %q }\n}\n", "_"+stage, stage, busyboxDir(t))
		}
	}
	for i := range manyTargets {
		name := fmt.Sprintf("svc%02d", i)
		own := ownStages
		contexts := `{ base = "target:_base", sdk = "target:_sdk" }`
		if !linked {
			own = sharedStages + ownStages
			contexts = fmt.Sprintf("{ busybox = %q }", busyboxDir(t))
		}
		files[name+"/Dockerfile"] = own
		files[name+"/deps"] = name + " deps"
		files[name+"/src"] = name + " src"
		ref := map[string]string{"ref": registry + "/" + name + ":main"}
		fmt.Fprintf(&b, "target %q {\n  context = %q\n  contexts = %s\n%s%s}\n", name, name, contexts,
			cacheBlock("cache-from", "registry", ref), cacheBlock("cache-to", "registry", with(ref, "mode", "max")))
	}
	return testenv.Write(t, files), b.String()
}

// TestManyTargetsHitOnAnEmptyBuilder applies 24 targets at once on a builder with nothing in it, with a filled registry: every step of every
// target is cached, nothing is published, and no layer moves. It does so every time.
func TestManyTargetsHitOnAnEmptyBuilder(t *testing.T) {
	for _, layout := range []string{"flat", "linked"} {
		t.Run(layout, func(t *testing.T) {
			reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
			dir, hcl := monorepo(t, layout == "linked", reg.Addr+"/"+layout)
			apply(t, dir, hcl, testenv.Buildkitd(t, ""))
			for i := range manyRuns {
				r := apply(t, dir, hcl, testenv.Buildkitd(t, ""))
				checkAllHit(t, i, r)
			}
		})
	}
}

func checkAllHit(t *testing.T, round int, r *executor.Report) {
	t.Helper()
	for _, target := range r.Targets {
		if target.Cached != target.Total || target.Total < 9 {
			t.Errorf("run %d: %s has %d of %d steps cached", round, target.Name, target.Cached, target.Total)
		}
		if target.BytesIn != 0 || target.BytesOut != 0 {
			t.Errorf("run %d: %s took in %d bytes and sent %d, want none", round, target.Name, target.BytesIn, target.BytesOut)
		}
		if d := target.Destinations[0]; d.Changed {
			t.Errorf("run %d: %s was published again as %s", round, target.Name, d.Digest)
		}
	}
}

// TestSharedLayersAreSentOnce looks at a first publication of targets with shared stages: what they share is sent to one repository and
// mounted into the others.
func TestSharedLayersAreSentOnce(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir, hcl := monorepo(t, true, reg.Addr+"/shared")
	r := apply(t, dir, hcl, testenv.Buildkitd(t, ""))
	var sent, stored int64
	for _, target := range r.Targets {
		sent += target.BytesOut
		stored += target.Destinations[0].Bytes
	}
	if sent*5 > stored {
		t.Errorf("%d bytes were sent for caches of %d bytes together; shared layers should be sent once", sent, stored)
	}
}

// TestAChangeInOneTargetBuildsThatTargetOnly changes one file of 24 targets.
func TestAChangeInOneTargetBuildsThatTargetOnly(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir, hcl := monorepo(t, true, reg.Addr+"/change")
	apply(t, dir, hcl, testenv.Buildkitd(t, ""))
	if err := os.WriteFile(filepath.Join(dir, "svc07", "src"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := apply(t, dir, hcl, testenv.Buildkitd(t, ""))
	for _, target := range r.Targets {
		changed := target.Destinations[0].Changed
		if (target.Name == "svc07") != changed || (target.Name == "svc07") == (target.Cached == target.Total) {
			t.Errorf("%s: %d of %d steps cached, published %t", target.Name, target.Cached, target.Total, changed)
		}
	}
}
