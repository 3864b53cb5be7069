package executor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/cachectl/cachectl/planner"
)

// assessed looks at a configuration without a builder and returns what it finds, by step.
func assessed(t *testing.T, dir, hcl string) map[planner.StepID]*planner.Assessment {
	t.Helper()
	plan, opt := planned(t.Context(), t, dir, hcl, nil, noBuilder, checked)
	found, err := executor.Assess(t.Context(), plan, opt)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// said is an assessment in one line.
func said(found map[planner.StepID]*planner.Assessment, id string) string {
	a := found[planner.StepID(id)]
	if a == nil {
		return "nothing"
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s", a.Action, strings.Join(a.Why, "; ")), ": ")
}

// TestThePlanSaysWhy looks at targets of every kind: built for the first time, up to date, changed, blocked, and transfers.
func TestThePlanSaysWhy(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	d := testenv.Buildkitd(t, "")
	ref := func(name string) map[string]string {
		return map[string]string{"ref": reg.Addr + "/why/" + name + ":main"}
	}
	dir := app(t)
	caches := func(name string) string {
		return cacheBlock("cache-from", "registry", ref(name)) + cacheBlock("cache-to", "registry", ref(name))
	}
	hcl := target(t, "app", "  args = { V = \"1\" }\n"+caches("app")) +
		target(t, "broken", "  dockerfile = \"Missing\"\n"+caches("broken")) +
		target(t, "image", cacheBlock("cache-to", "registry", ref("image"))) +
		"transfer \"promote\" {\n" + cacheBlock("cache-from", "registry", ref("app")) + cacheBlock("cache-to", "registry", ref("released")) + "}\n" +
		"transfer \"nothing\" {\n" + cacheBlock("cache-from", "registry", ref("nowhere")) + cacheBlock("cache-to", "registry", ref("copy")) + "}\n"
	apply(t, dir, target(t, "push", "  tags = [\""+ref("image")["ref"]+"\"]\n  output = [\"type=image,push=true\"]\n"), d)

	app := "registry " + ref("app")["ref"]
	for id, want := range map[string]string{
		"build app":            "build: destination missing: " + app,
		"build broken":         "blocked: ",
		"build image":          "blocked: registry " + ref("image")["ref"] + ": it holds an image",
		"import " + app:        "missing: nothing there yet",
		"merge nothing":        "blocked: none of the sources holds a usable cache",
		"merge promote":        "transfer",
		"export app to " + app: "nothing",
	} {
		if got := said(assessed(t, dir, hcl), id); !strings.HasPrefix(got, want) {
			t.Errorf("%s before anything was built: %s, want %s", id, got, want)
		}
	}

	apply(t, dir, target(t, "app", "  args = { V = \"1\" }\n"+caches("app")), d)
	found := assessed(t, dir, hcl)
	for id, want := range map[string]string{"build app": "up to date", "import " + app: "not needed"} {
		if got := said(found, id); got != want {
			t.Errorf("%s when nothing changed: %s, want %s", id, got, want)
		}
	}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() { edit(t, dir, "src/main", "", "more") }, "build: context: src/main changed, used from step [build 1/3] COPY (Dockerfile:5)"},
		{func() { edit(t, dir, "src/other", "", "new") }, "build: context: src/main changed (+1 file), used from step [build 1/3] COPY (Dockerfile:5)"},
		{func() { edit(t, dir, "Dockerfile", "COPY src /src", "ARG V\nCOPY src /src") },
			"build: context: src/main changed (+1 file), used from step [build 1/3] COPY (Dockerfile:6); ARG V changed, used from step [build 2/3] RUN (Dockerfile:7)"},
	} {
		c.change()
		changed := strings.Replace(hcl, `V = "1"`, `V = "2"`, 1)
		if got := said(assessed(t, dir, changed), "build app"); !strings.HasPrefix(got, c.want) {
			t.Errorf("after a change: %s, want %s", got, c.want)
		}
	}
}

// edit replaces text in a file; "" appends to it.
func edit(t *testing.T, dir, name, old, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err != nil && old != "" {
		t.Fatal(err)
	}
	content := string(raw) + text
	if old != "" {
		content = strings.Replace(string(raw), old, text, 1)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
