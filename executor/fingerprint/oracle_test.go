package fingerprint_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/moby/buildkit/client"
)

func busyboxPath(t *testing.T) string { return testenv.Busybox(t) }

// build builds the target on the world's daemon, as a run does, and returns the steps that were executed.
func (w *world) build() []string {
	w.t.Helper()
	targets := w.targets()
	steps, err := w.solve(targets, targets["app"])
	if err != nil {
		w.t.Fatal(err)
	}
	return steps
}

func (w *world) solve(targets map[string]*config.Target, t *config.Target) ([]string, error) {
	w.t.Helper()
	executed := map[string]bool{}
	var inline []build.CacheEntry
	for _, to := range t.CacheTo {
		if to.Type == "inline" {
			inline = append(inline, build.CacheEntry{Type: to.Type})
		}
	}
	out, err := build.NewSolver(w.daemon.Client(w.t), w.buildOptions(targets)).Solve(w.t.Context(), build.Request{
		Target: t, Exports: inline,
		Status: func(st *client.SolveStatus) {
			for _, v := range st.Vertexes {
				// Looking an image up is no work of a step.
				if build.IsStep(v.Name) && !strings.Contains(v.Name, "] FROM ") && v.Started != nil && v.Completed != nil {
					executed[v.Name] = !v.Cached
				}
			}
		},
	})
	if w.pushed = ""; out != nil {
		w.pushed = out.Response["containerimage.digest"]
	}
	var list []string
	for name, ran := range executed {
		if ran {
			list = append(list, name)
		}
	}
	return list, err
}

// push makes an image with busybox and a file in it and pushes it to base:TAG.
func (w *world) push(tag, content, more string) {
	w.t.Helper()
	dir := testenv.Write(w.t, map[string]string{
		"Dockerfile": "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nCOPY content /content\n" + more, "content": content,
	})
	t := &config.Target{
		Name: "base", Context: &dir, Contexts: map[string]string{"busybox": filepath.Dir(testenv.Busybox(w.t))}, Tags: []string{w.registry + "/base:" + tag},
		Attest: []config.Attestation{{Type: "provenance", Disabled: true}},
		// With a time of its own, so that the same image is the same.
		Args:    map[string]*string{"SOURCE_DATE_EPOCH": new("0")},
		Outputs: []config.Output{{Type: "image", Attrs: map[string]string{"push": "true", "rewrite-timestamp": "true"}}},
	}
	if _, err := w.solve(map[string]*config.Target{"base": t}, t); err != nil {
		w.t.Fatal(err)
	}
}

// digestOf is what a tag of the base image points at.
func (w *world) digestOf(tag string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.registry+"/v2/base/manifests/"+tag, nil)
	w.try(err)
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json")
	resp, err := http.DefaultClient.Do(req)
	w.try(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.try(err)
	if !json.Valid(raw) || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", resp.Status, raw)
	}
	return resp.Header.Get("Docker-Content-Digest")
}

// first tells whether a step was executed, and none before it in its stage.
func first(executed []string, name string) bool {
	name, _, _ = strings.Cut(name, " #")
	stage, instruction, _ := strings.Cut(name, "] ")
	place := func(s string) (string, int) {
		var at int
		head, counts, _ := strings.Cut(strings.TrimPrefix(s, "["), " ")
		_, _ = fmt.Sscanf(counts, "%d/", &at)
		return head, at
	}
	own, at := place(stage)
	found := false
	for _, e := range executed {
		s, rest, _ := strings.Cut(e, "] ")
		other, n := place(s)
		if other == own && n < at {
			return false
		}
		found = found || s == stage && strings.HasPrefix(rest, instruction)
	}
	return found
}

// TestBuildKitAgrees makes every kind of change and lets BuildKit say whether it has anything to do: whenever it executes a step, the fingerprint
// is another one or says that it does not know. What is built without need is reported.
func TestBuildKitAgrees(t *testing.T) {
	daemon := testenv.Buildkitd(t, "insecure-entitlements = [\"network.host\", \"security.insecure\"]\n")
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	var kinds, wrong, more, told, missed, foretold, came int
	var needlessly []string
	for _, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			w := newWorld(t)
			w.daemon, w.registry = daemon, reg.Addr
			if m.own {
				w.alone(m.name)
			}
			if m.before != nil {
				m.before(w)
			}
			w.build()
			pushed := w.pushed
			if kinds == 0 || m.before != nil || m.own { // else it is the first one's project
				if again := w.build(); len(again) > 0 {
					t.Fatalf("BuildKit executes %q without a change", again)
				}
				if w.pushed != pushed {
					pushed = "" // it says when it was made
				}
			}
			before := w.print()
			if !before.Pinned() {
				t.Fatalf("unpinned before the change: %q", before.Unpinned)
			}
			m.after(w)
			after := w.print()
			targets := w.targets()
			executed, err := w.solve(targets, targets["app"])
			kinds++
			changed := !after.Pinned() || after.Digest != before.Digest
			another := pushed != "" && w.pushed != pushed
			switch {
			case len(executed) > 0 && !changed:
				wrong++
				t.Errorf("BuildKit executes %q and the fingerprint is the same", executed)
			case another && !changed:
				wrong++
				t.Error("BuildKit makes another image and the fingerprint is the same")
			case changed && len(executed) == 0 && !another && err == nil:
				more++
				needlessly = append(needlessly, m.name)
			}
			if err != nil {
				t.Logf("the build fails: %v", err)
			}
			if err != nil && !changed {
				wrong++
				t.Errorf("the build fails and the fingerprint is the same: %v", err)
			}
			if ran := len(executed) > 0; err == nil && ran != m.runs {
				t.Errorf("BuildKit executes %q, want any: %t", executed, m.runs)
			}
			if err == nil && another != m.pushes {
				t.Errorf("BuildKit makes another image: %t, want %t", another, m.pushes)
			}
			if len(executed) > 0 && after.Pinned() && m.after != nil {
				told++
				misses := fingerprint.Miss(fingerprint.NewRecord(before, "", time.Now(), ""), after)
				if misses == nil || !first(executed, misses.First.Name) {
					missed++
					t.Logf("BuildKit executes %q, the steps to miss were to be %+v", executed, misses)
				}
				if misses != nil {
					foretold += misses.Len()
					came += len(executed)
					if step := misses.Unforeseen(executed); step != "" {
						t.Errorf("BuildKit executes %q, which was to be cached; to miss were %+v", step, misses)
					}
				}
			}
			if changed != m.changes {
				t.Errorf("changed is %t, want %t: %q\nbefore %+v\nafter %+v", changed, m.changes, after.Unpinned, before.Parts, after.Parts)
			}
		})
	}
	if kinds < 60 {
		t.Errorf("only %d kinds of change were tried", kinds)
	}
	if missed*20 > told {
		t.Errorf("of %d first steps that BuildKit executed %d were told wrongly", told, missed)
	}
	t.Logf("%d steps were to miss, BuildKit executed %d of them", foretold, came)
	t.Logf("the first step that misses was told rightly %d of %d times", told-missed, told)
	t.Logf("%d kinds of change; %d wrongly up to date; %d built without need: %s", kinds, wrong, more, strings.Join(needlessly, ", "))
}

// TestWhatIsExecutedInEveryBuildIsUnpinned has steps that BuildKit executes each time, whatever they are made of: such a target is never up to date.
func TestWhatIsExecutedInEveryBuildIsUnpinned(t *testing.T) {
	daemon := testenv.Buildkitd(t, "")
	for name, text := range map[string]string{
		"RUN on a directory":            "FROM root\nRUN [\"/busybox\", \"true\"]\n",
		"COPY onto a directory":         "FROM root\nCOPY aim /aim\n",
		"COPY --link onto a directory":  "FROM root\nCOPY --link aim /aim\n",
		"a directory made in one":       "FROM root\nWORKDIR /made\n",
		"a mounted directory's changes": "FROM root AS one\nRUN [\"/busybox\", \"touch\", \"/made\"]\nFROM scratch\nCOPY --from=one /made /made\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.daemon = daemon
			onDirectory(w, text)
			w.build()
			if again := w.build(); len(again) == 0 {
				t.Error("BuildKit executes nothing a second time")
			}
			if f := w.print(); f.Pinned() {
				t.Error("the fingerprint does not say that it does not know")
			}
		})
	}
}
