package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
)

// A real builder fails three targets of one Dockerfile, one of them at another line, and builds another: what failed is told by Dockerfile, line and text, on
// GitHub beside that line, and the log of many targets and a quiet one both hold the last output.
func TestFailedInstructionsAreToldWhereTheyStand(t *testing.T) {
	daemon := testenv.Buildkitd(t, "")
	dir := t.TempDir()
	files := map[string]string{
		"cache.hcl": "target \"svc\" {\n  name       = n\n  matrix     = { n = [\"a\", \"b\", \"c\", \"d\"] }\n  context    = n\n  dockerfile = \"../Dockerfile\"\n" +
			"  contexts   = { busybox = \"" + filepath.Dir(testenv.Busybox(t)) + "\" }\n  args       = { FAIL = n }\n  output     = [\"type=cacheonly\"]\n}\n",
		"Dockerfile": "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nARG FAIL\n" +
			"RUN [\"/bin/busybox\", \"sh\", \"-c\", \"case $FAIL in a|b) echo no rule to make $FAIL; exit 3;; esac\"]\n" +
			"RUN [\"/bin/busybox\", \"sh\", \"-c\", \\\n  \"case $FAIL in c) exit 4;; esac\"]\n",
		"a/f": "", "b/f": "", "c/f": "", "d/f": "",
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apply := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "cachectl", append([]string{"apply", "--builder", daemon.Address}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "GITHUB_ACTIONS=true")
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("apply %q succeeds", args)
		}
		return string(out)
	}
	out := apply()
	for _, want := range []string{
		"error: 2 steps failed at one line: Dockerfile:4: exit code: 3\n     4 | RUN [\"/bin/busybox\", \"sh\", \"-c\", \"case $FAIL in a|b)",
		"  build a (cache.hcl:1,1)\n  build b (cache.hcl:1,1)\n",
		"error: build c (cache.hcl:1,1): Dockerfile:5: exit code: 4\n     5 | RUN [\"/bin/busybox\", \"sh\", \"-c\", \\\n     6 |   \"case $FAIL in c) exit 4;; esac\"]\n",
		"::error file=Dockerfile,line=4::build a, build b: exit code: 3\n",
		"::error file=Dockerfile,line=5::build c: exit code: 4\n",
		"no rule to make a",
		"1 done, 3 failed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if quiet := apply("a", "--progress", "quiet"); !strings.HasPrefix(quiet, "------\n > [a] ") || !strings.Contains(quiet, "\nno rule to make a\n------\nerror: build a ") {
		t.Errorf("quiet prints\n%s", quiet)
	}
}
