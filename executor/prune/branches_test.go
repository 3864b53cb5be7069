package prune

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/function"
	"github.com/google/go-cmp/cmp"
)

// mustGit runs git with nobody's configuration.
func mustGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// TestGitBranchesAsksTheRemotes has a clone that knows one branch of three, and one that is gone.
func TestGitBranchesAsksTheRemotes(t *testing.T) {
	origin, clone := filepath.Join(t.TempDir(), "origin"), filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "init", "-q", "-b", "main", origin)
	mustGit(t, origin, "commit", "-q", "--allow-empty", "-m", "first")
	mustGit(t, origin, "branch", "gone")
	mustGit(t, "", "clone", "-q", origin, clone)
	mustGit(t, origin, "branch", "-D", "gone")
	mustGit(t, origin, "branch", "feature/login")
	mustGit(t, clone, "branch", "unpushed")
	below := filepath.Join(clone, "caches")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := GitBranches(t.Context(), below)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"feature/login", "main", "unpushed"}, slices.Compact(got)); diff != "" {
		t.Errorf("branches (- wanted, + found):\n%s", diff)
	}
	if err := os.RemoveAll(origin); err != nil {
		t.Fatal(err)
	}
	if got, err := GitBranches(t.Context(), below); err == nil {
		t.Errorf("without the remote the branches are %q", got)
	}
	if got, err := GitBranches(t.Context(), t.TempDir()); err == nil {
		t.Errorf("without a repository the branches are %q", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := GitBranches(ended, below); err == nil {
		t.Error("with an ended context there are branches")
	}
}

func TestNamesStandForBranches(t *testing.T) {
	p := &config.Retention{Names: []string{"app-*", "*-cache"}, Branches: true}
	for name, want := range map[string]string{"app-main": "main", "dev-cache": "dev", "app-": "", "web": "", "app-x-cache": "x-cache"} {
		if got := branchOf(p, name); got != want {
			t.Errorf("%s stands for %q, want %q", name, got, want)
		}
	}
	n := newBranchNames([]string{"main", "feature/Login", "v1.2"})
	for part, want := range map[string]bool{
		"main": true, function.SanitizeRef("feature/Login"): true, "feature-login": true, "feature/Login": true, "v1.2": true,
		"feature-logout": false, "mai": false, "feature-Login-00000000": false,
	} {
		if n.has(part) != want {
			t.Errorf("there is a branch for %s: %v", part, !want)
		}
	}
	for _, test := range []struct {
		pattern, name, branch string
		want                  bool
	}{
		{"main", "app-main", "main", true}, {"app-main", "app-main", "main", true}, {"rel*", "app-release", "release", true},
		{"feature/x", "app-" + function.SanitizeRef("feature/x"), function.SanitizeRef("feature/x"), true}, {"main", "app-mainline", "mainline", false},
	} {
		if got := kept([]string{test.pattern}, test.name, test.branch); got != test.want {
			t.Errorf("%s keeps %s: %v", test.pattern, test.name, got)
		}
	}
}
