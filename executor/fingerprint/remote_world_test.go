package fingerprint_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// repository is a Git repository that is served, with a work tree to change it from.
type repository struct {
	t         *testing.T
	work, url string
}

// simple copies app and runs something.
const simple = "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nCOPY app /app\nRUN [\"/bin/busybox\", \"ls\", \"/app\"]\n"

// newRepository serves a repository with one commit on main, tagged v1.
func newRepository(t *testing.T) *repository {
	t.Helper()
	base := testenv.Repository(t, map[string]string{
		"Dockerfile": simple, "app/main": "main of " + t.Name(), "other": "other", "sub/Dockerfile": simple, "sub/app/main": "sub of " + t.Name(), "sub/link": "->Dockerfile",
	})
	r := &repository{t: t, work: filepath.Join(t.TempDir(), "work"), url: testenv.GitHTTP(t, base) + "repo.git"}
	testenv.Git(t, base, "-C", "repo.git", "config", "http.receivepack", "true")
	testenv.Git(t, base, "clone", "--quiet", filepath.Join(base, "repo.git"), r.work)
	r.git("tag", "-a", "-m", "one", "v1")
	r.git("push", "--quiet", "origin", "v1")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	return testenv.Git(r.t, r.work, args...)
}

// commit writes a file and pushes what comes of it to a branch.
func (r *repository) commit(branch, name, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.work, name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message=more")
	r.git("push", "--quiet", "origin", "HEAD:refs/heads/"+branch)
}

// site serves contents with the validators it is told to.
type site struct {
	url string

	mu       sync.Mutex
	content  string
	etag     string
	modified string
	// authorization is the header that is asked for, "" for none.
	authorization string
}

func newSite(t *testing.T, content string) *site {
	t.Helper()
	s := &site{content: content}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/file"
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.authorization != "" && r.Header.Get("Authorization") != s.authorization {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	if s.modified != "" {
		w.Header().Set("Last-Modified", s.modified)
	}
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, s.content)
	}
}

func (s *site) set(content, etag, modified string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.etag, s.modified = content, etag, modified
}

// image writes an OCI layout with an image "latest" that holds /content.
func (w *world) image(dir, content string) {
	w.t.Helper()
	var raw bytes.Buffer
	tw := tar.NewWriter(&raw)
	w.try(tw.WriteHeader(&tar.Header{Name: "content", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}))
	_, err := tw.Write([]byte(content))
	w.try(err)
	w.try(tw.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw.Bytes())), nil })
	w.try(err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	w.try(err)
	w.remove(dir)
	path, err := layout.Write(w.path(dir), empty.Index)
	w.try(err)
	w.try(path.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"})))
}

// from makes the target's context another place.
func (w *world) from(format string, args ...any) {
	w.body += fmt.Sprintf("  context = %q\n", fmt.Sprintf(format, args...))
}
