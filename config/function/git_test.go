package function_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cachectl/cachectl/config/function"
)

// git runs git in dir, away from the user's configuration.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func committed(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, append([]string{"init", "-q", "-b", "main"}, args...)...)
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "first")
	return dir
}

func inRepository(dir string) function.Options {
	return function.Options{FS: fstest.MapFS{}, Dir: dir}
}

func TestGitFunctionsAgreeWithGit(t *testing.T) {
	layouts := map[string]func(*testing.T) string{
		"plain": func(t *testing.T) string { return committed(t) },
		"subdirectory": func(t *testing.T) string {
			sub := filepath.Join(committed(t), "a", "b")
			if err := os.MkdirAll(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			return sub
		},
		"branch with a slash": func(t *testing.T) string {
			dir := committed(t)
			git(t, dir, "checkout", "-q", "-b", "feature/x")
			return dir
		},
		"packed refs": func(t *testing.T) string {
			dir := committed(t)
			git(t, dir, "branch", "another")
			git(t, dir, "pack-refs", "--all")
			return dir
		},
		"linked work tree": func(t *testing.T) string {
			dir := committed(t)
			linked := filepath.Join(t.TempDir(), "linked")
			git(t, dir, "worktree", "add", "-q", "-b", "second", linked)
			git(t, linked, "commit", "-q", "--allow-empty", "-m", "second")
			return linked
		},
		"sha256": func(t *testing.T) string { return committed(t, "--object-format=sha256") },
	}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			dir := layout(t)
			if got, want := stringOf(t, inRepository(dir), `git_branch()`, nil), git(t, dir, "symbolic-ref", "--short", "HEAD"); got != want {
				t.Errorf("branch %q, want %q", got, want)
			}
			if got, want := stringOf(t, inRepository(dir), `git_sha()`, nil), git(t, dir, "rev-parse", "HEAD"); got != want {
				t.Errorf("commit %q, want %q", got, want)
			}
		})
	}
}

func TestGitFunctionsAskGitAboutRefsTheyCannotRead(t *testing.T) {
	dir := committed(t)
	want := git(t, dir, "rev-parse", "HEAD")
	// As in a repository with reftable: HEAD on disk names no real branch, and git knows the rest. An older git cannot make one, so
	// git is replaced by a program that says what it would.
	bin := t.TempDir()
	script := "#!/bin/sh\ncase $1 in symbolic-ref) echo topic;; rev-parse) echo " + want + ";; *) exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".git", "HEAD"), "ref: refs/heads/.invalid\n")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if got := stringOf(t, inRepository(dir), `git_branch()`, nil); got != "topic" {
		t.Errorf("branch %q", got)
	}
	if got := stringOf(t, inRepository(dir), `git_sha()`, nil); got != want {
		t.Errorf("commit %q", got)
	}
}

func TestGitFunctionsSayWhatIsMissing(t *testing.T) {
	empty := t.TempDir()
	git(t, empty, "init", "-q", "-b", "main")
	detached := committed(t)
	git(t, detached, "checkout", "-q", "--detach")
	broken := t.TempDir()
	write(t, filepath.Join(broken, ".git"), "nonsense")
	traversal := committed(t)
	write(t, filepath.Join(traversal, ".git", "HEAD"), "ref: ../../etc/passwd\n")
	circle := committed(t)
	write(t, filepath.Join(circle, ".git", "refs", "heads", "main"), "ref: refs/heads/main\n")
	garbage := committed(t)
	write(t, filepath.Join(garbage, ".git", "HEAD"), "garbage\n")
	for _, tc := range []struct{ dir, expression, want string }{
		{t.TempDir(), `git_branch()`, "not inside a git repository"},
		{t.TempDir(), `git_sha()`, "not inside a git repository"},
		{empty, `git_sha()`, "no commit"},
		{detached, `git_branch()`, "detached"},
		{broken, `git_sha()`, "does not name a git directory"},
		{traversal, `git_sha()`, "not a ref"},
		{circle, `git_sha()`, "circle"},
		{garbage, `git_sha()`, "not a commit"},
	} {
		v, err := call(t, inRepository(tc.dir), tc.expression, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s = %#v, %v, want an error with %q", tc.expression, v, err, tc.want)
		}
	}
	if got := stringOf(t, inRepository(empty), `git_branch()`, nil); got != "main" {
		t.Errorf("branch before the first commit: %q", got)
	}
	if got, want := stringOf(t, inRepository(detached), `git_sha()`, nil), git(t, detached, "rev-parse", "HEAD"); got != want {
		t.Errorf("detached commit %q, want %q", got, want)
	}
}
