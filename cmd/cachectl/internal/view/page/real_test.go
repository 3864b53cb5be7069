package page_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
)

// TestThePageOfARealRun builds twice with a real builder: the second page shows every instruction as a hit, the first every one as a miss.
func TestThePageOfARealRun(t *testing.T) {
	d := testenv.Buildkitd(t, "")
	dir := testenv.Write(t, map[string]string{"Dockerfile": `FROM scratch AS base
COPY --from=busybox busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo ` + t.Name() + ` > /out
`})
	p := plan(t, dir, fmt.Sprintf(`target "app" {
  context  = "."
  contexts = { busybox = %q }
  cache-from "local" { src = "cache" }
  cache-to "local" {
    dest = "cache"
    mode = "max"
  }
}`, filepath.Dir(testenv.Busybox(t))))
	for _, want := range []map[string][]string{
		{"tiles": {"1 of 1", "0 of 3"}, "slowest": {"[base 3/3] RUN echo"}, "targets": {"0 of 3 steps cached", "miss", "[base 1/3] COPY"}, "problems": {"nothing usable yet in 1 cache source", "local cache"}},
		{"tiles": {"1 of 1", "3 of 3"}, "targets": {"3 of 3 steps cached", "hit", "unchanged"}, "timeline": {"build app"}},
	} {
		rec := page.NewRecorder(nobody{})
		report, err := executor.Run(t.Context(), p, executor.Options{Dir: dir, TempDir: t.TempDir(), Builder: d.Address, Events: rec})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := page.Run(page.Ended{Plan: p, Report: report, Builds: rec}, options())
		if err != nil {
			t.Fatal(err)
		}
		checkLooks(t, doc, len(p.Steps), want)
	}
}
