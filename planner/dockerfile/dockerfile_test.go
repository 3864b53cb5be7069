package dockerfile_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/planner/dockerfile"
	"github.com/google/go-cmp/cmp"
)

func target(change func(*config.Target)) *config.Target {
	t := &config.Target{Name: "app"}
	change(t)
	return t
}

func ptr(s string) *string { return &s }

const twoStages = "FROM golang AS Build\nRUN make\nFROM scratch\nCOPY --from=build /app /app\n"

var wantTwoStages = []planner.Stage{{Name: "build", Base: "golang", Runs: true}, {Base: "scratch", Copies: []string{"build"}}}

func TestStagesAreReadFromWhereATargetHasItsDockerfile(t *testing.T) {
	dir := testenv.Write(t, map[string]string{"Dockerfile": twoStages, "sub/Dockerfile": twoStages, "sub/other": twoStages})
	for name, change := range map[string]func(*config.Target){
		"by default":         func(*config.Target) {},
		"in the context":     func(t *config.Target) { t.Context = ptr("sub") },
		"beside the context": func(t *config.Target) { t.Context, t.Dockerfile = ptr("sub"), ptr("../Dockerfile") },
		"by another name":    func(t *config.Target) { t.Dockerfile = ptr("sub/other") },
		"by an absolute path": func(t *config.Target) {
			t.Context, t.Dockerfile = ptr("nowhere"), ptr(filepath.Join(dir, "Dockerfile"))
		},
		"in the configuration": func(t *config.Target) { t.Context, t.DockerfileInline = ptr("nowhere"), ptr(twoStages) },
		"in it for a remote context": func(t *config.Target) {
			t.Context, t.DockerfileInline = ptr("https://example.com/a.git"), ptr(twoStages)
		},
	} {
		if diff := cmp.Diff(wantTwoStages, dockerfile.Stages([]*config.Target{target(change)}, dir)["app"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsElsewhereOrUnreadableIsLeftOut(t *testing.T) {
	dir := testenv.Write(t, map[string]string{
		"broken": "FROM\n", "empty": "", "huge": twoStages + strings.Repeat("#\n", 1<<20), "foreign": "# syntax=example/frontend\n" + twoStages, "folder/file": "",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"missing", "broken", "empty", "huge", "foreign", "folder", "pipe", "https://example.com/Dockerfile"} {
		if got := dockerfile.Stages([]*config.Target{target(func(t *config.Target) { t.Dockerfile = ptr(path) })}, dir); len(got) != 0 {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, context := range []string{"https://example.com/a.git", "git@example.com:a/b", "github.com/a/b", "-"} {
		if got := dockerfile.Stages([]*config.Target{target(func(t *config.Target) { t.Context = ptr(context) })}, dir); len(got) != 0 {
			t.Errorf("%s: %v", context, got)
		}
	}
}

func TestBasesHangOnArguments(t *testing.T) {
	text := "# syntax=docker/dockerfile:1\nARG VARIANT=debug\nARG BASE=${VARIANT}-image\nFROM alpine AS plain-image\nFROM ${BASE}\nRUN --mount=type=bind,from=assets,target=/a <<EOF\nFROM nothing\nEOF\nCOPY --from=0 \\\n  /a /b\n"
	for given, want := range map[string]string{"": "debug-image", "plain": "plain-image"} {
		tgt := target(func(t *config.Target) {
			t.DockerfileInline = ptr(text)
			if given != "" {
				t.Args = map[string]*string{"VARIANT": ptr(given)}
			}
		})
		got := dockerfile.Stages([]*config.Target{tgt}, "")["app"]
		if diff := cmp.Diff([]planner.Stage{{Name: "plain-image", Base: "alpine"}, {Base: want, Copies: []string{"assets", "0"}, Runs: true}}, got); diff != "" {
			t.Errorf("VARIANT=%q (-want +got):\n%s", given, diff)
		}
	}
}
