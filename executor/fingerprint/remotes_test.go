package fingerprint_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/google/go-cmp/cmp"
)

// TestWhatCannotBeResolvedIsSaid holds that a source that cannot be resolved is named, without what is secret in its address, and that its target is to be built.
func TestWhatCannotBeResolvedIsSaid(t *testing.T) {
	const at = "127.0.0.1:1"
	for _, c := range []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"repository", func(w *world) { w.from("http://user:canary@%s/x.git#main", at) }, "Git repository http://" + at + "/x.git#main cannot be asked for its commit"},
		{"repository that is added", func(w *world) { w.edit("Dockerfile", "ADD data.txt", "ADD http://user:canary@"+at+"/x.git") }, "Git repository http://" + at + "/x.git cannot be asked for its commit"},
		{"branch", func(w *world) { w.from("%s#none", newRepository(t).url) }, "has no branch or tag none"},
		{"commit that is not there", func(w *world) { w.from("%s#%s", newRepository(t).url, strings.Repeat("a", 40)) }, "Dockerfile of Git repository"},
		{"checksum", func(w *world) { w.from("%s?ref=main&checksum=abcdef0", newRepository(t).url) }, "and abcdef0 is asked for"},
		{"Dockerfile that is a link", func(w *world) { w.from("%s#main:sub", newRepository(t).url); w.body += "  dockerfile = \"link\"\n" }, "link is not among the files"},
		{"download", func(w *world) { w.edit("Dockerfile", "ADD data.txt", "ADD http://user:canary@"+at+"/x?token=canary") }, "download http://" + at + "/x cannot be resolved"},
		{"archive", func(w *world) { w.from("%s", newSite(t, "\x1f\x8b\x08archive").url) }, "the Dockerfile is itself the result of a build"},
		{"download that is gone", func(w *world) { w.from("%s", gone(t)) }, "the server answers 404 Not Found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.change(w)
			f := w.print()
			said := strings.Join(f.Unpinned, "\n")
			if f.Pinned() || f.Broken || !strings.Contains(said, c.want) || strings.Contains(said, "canary") {
				t.Errorf("pinned %t, broken %t: %q, want %q", f.Pinned(), f.Broken, said, c.want)
			}
		})
	}
}

func gone(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL + "/Dockerfile"
}

// TestWhatMovedElsewhereIsNamed holds the reasons that people read.
func TestWhatMovedElsewhereIsNamed(t *testing.T) {
	w := newWorld(t)
	r, s := newRepository(t), newSite(t, "one")
	w.contexts["repo"] = r.url + "#main"
	w.edit("Dockerfile", "COPY --from=assets logo /logo", "COPY --from=repo app /repo-app\nADD "+s.url+" /file")
	before := w.print()
	old := r.git("rev-parse", "HEAD")
	r.commit("main", "app/main", "moved")
	s.set("two", "", "")
	got := fingerprint.Why(fingerprint.Record{Digest: before.Digest, Parts: before.Parts, Files: before.Files}, w.print())
	want := []string{
		"Git repository " + r.url + "#main moved " + old[:12] + "→" + r.git("rev-parse", "HEAD")[:12] + ", used from step [final 4/5] COPY (Dockerfile:38)",
		"download " + s.url + " changed, used from step [final 4/5] COPY (Dockerfile:38)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestADockerfileOfACommitIsReadOnce keeps it for the next run: then the repository is asked for its commit only.
func TestADockerfileOfACommitIsReadOnce(t *testing.T) {
	w := newWorld(t)
	r := newRepository(t)
	fetches := 0
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if strings.Contains(string(body), "command=fetch") {
			fetches++
		}
		out, err := http.NewRequestWithContext(req.Context(), req.Method, strings.TrimSuffix(r.url, "/repo.git")+req.URL.String(), strings.NewReader(string(body)))
		w.try(err)
		out.Header = req.Header
		res, err := http.DefaultClient.Do(out)
		w.try(err)
		defer res.Body.Close()
		rw.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		_, _ = io.Copy(rw, res.Body)
	}))
	defer front.Close()
	w.from("%s/repo.git#main", front.URL)
	w.remotes = t.TempDir()
	first := w.print()
	if fetches == 0 || !first.Pinned() {
		t.Fatalf("%d fetches, unpinned %q", fetches, first.Unpinned)
	}
	fetches = 0
	if again := w.print(); fetches != 0 || again.Digest != first.Digest {
		t.Errorf("%d fetches, digests %s and %s", fetches, first.Digest, again.Digest)
	}
	if entries, err := os.ReadDir(w.remotes); err != nil || len(entries) == 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
