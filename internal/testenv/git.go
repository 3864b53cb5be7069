package testenv

import (
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repository makes a bare git repository "repo.git" with one commit on branch main, and returns the directory it is in. Files are contents by path; a
// content that starts with "->" is a symbolic link.
func Repository(t testing.TB, files map[string]string) string {
	t.Helper()
	work, base := t.TempDir(), t.TempDir()
	for name, content := range files {
		path := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		to, link := strings.CutPrefix(content, "->")
		err := os.WriteFile(path, []byte(content), 0o600)
		if link {
			err = os.Remove(path)
			if err == nil {
				err = os.Symlink(to, path)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	Git(t, work, "init", "--quiet", "--initial-branch=main")
	Git(t, work, "add", "--all")
	Git(t, work, "commit", "--quiet", "--message=first")
	Git(t, work, "clone", "--quiet", "--bare", work, filepath.Join(base, "repo.git"))
	return base
}

// Git runs git in a directory, with an identity of its own and no configuration of the user's, and returns what it prints.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@t", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// GitDaemon serves the repositories of a directory by git's own protocol and returns the address of the directory: git://HOST:PORT/.
func GitDaemon(t testing.TB, base string) string {
	t.Helper()
	addr := freeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	start(t, func() bool { return listens("tcp", addr) }, nil, "git", "daemon", "--reuseaddr", "--export-all", "--base-path="+base, "--listen="+host, "--port="+port, base)
	return "git://" + addr + "/"
}

// GitHTTP serves the repositories of a directory over HTTP and returns the server's address.
func GitHTTP(t testing.TB, base string) string {
	t.Helper()
	s := httptest.NewServer(GitHandler(t, base))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// GitHandler serves the repositories of a directory with git http-backend.
func GitHandler(t testing.TB, base string) http.Handler {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	return &cgi.Handler{Path: path, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + base, "GIT_HTTP_EXPORT_ALL=1"}}
}
