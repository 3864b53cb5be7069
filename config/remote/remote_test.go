package remote_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config/remote"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, s string) *remote.Location {
	t.Helper()
	l, err := remote.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fetch(t *testing.T, s string, names ...string) map[string]string {
	t.Helper()
	files, err := parse(t, s).Fetch(t.Context(), names, true, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		out[f.Name] = string(f.Data)
	}
	return out
}

// TestFilesOfARepository reads definitions over git's own protocol and over HTTP, with and without a server that can send single files.
func TestFilesOfARepository(t *testing.T) {
	base := testenv.Repository(t, map[string]string{
		"docker-bake.hcl": "root", "sub/docker-bake.hcl": "below", "sub/link.hcl": "->../docker-bake.hcl", "out.hcl": "->/etc/hostname", "large.hcl": strings.Repeat("x", remote.MaxFile+1),
	})
	repo := filepath.Join(base, "repo.git")
	first := testenv.Git(t, repo, "rev-parse", "HEAD")
	testenv.Git(t, repo, "tag", "v1")
	for _, address := range []string{testenv.GitDaemon(t, base) + "repo.git", testenv.GitHTTP(t, base) + "repo.git"} {
		for _, filter := range []string{"false", "true"} {
			testenv.Git(t, repo, "config", "uploadpack.allowFilter", filter)
			scheme, _, _ := strings.Cut(address, ":")
			t.Run(scheme+" filter "+filter, func(t *testing.T) {
				checkRepository(t, address, first)
			})
		}
	}
}

func checkRepository(t *testing.T, address, first string) {
	for suffix, want := range map[string]map[string]string{
		"":                     {"docker-bake.hcl": "root"},
		"#main":                {"docker-bake.hcl": "root"},
		"#v1":                  {"docker-bake.hcl": "root"},
		"#refs/heads/main:sub": {"docker-bake.hcl": "below", "link.hcl": "root"},
		"#" + first + ":sub":   {"docker-bake.hcl": "below", "link.hcl": "root"},
		"?branch=main&subdir=sub&checksum=" + first: {"docker-bake.hcl": "below", "link.hcl": "root"},
	} {
		if diff := cmp.Diff(want, fetch(t, address+suffix, "docker-bake.hcl", "docker-bake.json", "link.hcl", "sub", "../../etc/hostname", "out.hcl")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", suffix, diff)
		}
	}
	for suffix, want := range map[string]string{
		"#nothing":                             "nothing",
		"?ref=main&checksum=0123456789abcdef0": "is asked for",
	} {
		_, err := parse(t, address+suffix).Fetch(t.Context(), []string{"docker-bake.hcl"}, true, remote.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", suffix, err)
		}
	}
	if _, err := parse(t, address).Fetch(t.Context(), []string{"docker-bake.json"}, false, remote.Options{}); !errors.Is(err, remote.ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := parse(t, address).Fetch(t.Context(), []string{"large.hcl"}, false, remote.Options{}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file: %v", err)
	}
}

func TestARepositoryHasALimit(t *testing.T) {
	noise := make([]byte, 8<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7) // does not compress to nothing
	}
	base := testenv.Repository(t, map[string]string{"docker-bake.hcl": "root", "noise": string(noise)})
	address := testenv.GitDaemon(t, base) + "repo.git"
	if _, err := parse(t, address).Fetch(t.Context(), []string{"docker-bake.hcl"}, false, remote.Options{MaxTime: time.Nanosecond}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a time that has passed: %v", err)
	}
	// What git itself puts there is over this limit already; that it is found while git runs is what counts.
	slow := slowServer(t)
	before := time.Now()
	_, err := parse(t, slow+"repo.git").Fetch(t.Context(), []string{"docker-bake.hcl"}, false, remote.Options{MaxRepository: 10})
	if err == nil || !strings.Contains(err.Error(), "larger than 10 bytes") {
		t.Errorf("a repository over its limit: %v", err)
	}
	if took := time.Since(before); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// slowServer answers nothing until the test ends.
func slowServer(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ctx.Done():
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(cancel)
	return s.URL + "/"
}

// TestATokenGoesToTheServerItIsFor asks a server that wants the header of Bake's variables, over TLS; over plain HTTP it is not sent.
func TestATokenGoesToTheServerItIsFor(t *testing.T) {
	base := testenv.Repository(t, map[string]string{"docker-bake.hcl": "root"})
	var seen []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if _, password, _ := r.BasicAuth(); password != "s3cret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		testenv.GitHandler(t, base).ServeHTTP(w, r)
	})
	tls, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer tls.Close()
	defer plain.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSL_CAINFO", ca)
	opt := remote.Options{Authorization: remote.BakeAuthorization(func(name string) (string, bool) { return "s3cret", name == "BUILDX_BAKE_GIT_AUTH_TOKEN" })}
	files, err := parse(t, tls.URL+"/repo.git").Fetch(t.Context(), []string{"docker-bake.hcl"}, false, opt)
	if err != nil || string(files[0].Data) != "root" {
		t.Errorf("with the token: %v", err)
	}
	seen = nil
	if _, err := parse(t, plain.URL+"/repo.git").Fetch(t.Context(), []string{"docker-bake.hcl"}, false, opt); err == nil || strings.Join(seen, "") != "" {
		t.Errorf("over plain HTTP: %v, sent %q", err, seen)
	}
	if _, err := parse(t, tls.URL+"/repo.git").Fetch(t.Context(), []string{"docker-bake.hcl"}, false, remote.Options{}); err == nil {
		t.Error("the server answers without the token")
	}
}

// TestNoServerLeadsGitElsewhere gives git an address that redirects to a file, and a name that is an option.
func TestNoServerLeadsGitElsewhere(t *testing.T) {
	base := testenv.Repository(t, map[string]string{"docker-bake.hcl": "root"})
	for _, to := range []string{"file://" + base, "ext::sh -c true", "git://127.0.0.1:1"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
		}))
		if _, err := parse(t, s.URL+"/repo.git").Fetch(t.Context(), []string{"docker-bake.hcl"}, false, remote.Options{}); err == nil {
			t.Errorf("git followed to %s", to)
		}
		s.Close()
	}
	for _, bad := range []string{
		"https://h/x.git#--upload-pack=touch", "https://h/x.git#a..b", "https://h/x.git#+a", "https://h/x.git?ref=a:b", "file:///x.git", "ext::sh", "https:///x", "x",
	} {
		if _, err := remote.Parse(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestAFileOverHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/docker-bake.hcl", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "root") })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, remote.MaxFile+1)) })
	mux.HandleFunc("/archive", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\x1f\x8b\x08and so on") })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docker-bake.hcl", http.StatusFound)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	s := httptest.NewServer(mux)
	defer s.Close()
	for _, path := range []string{"/docker-bake.hcl?token=secret", "/moved#x"} {
		if got := fetch(t, s.URL+path); len(got) != 1 || !strings.Contains(fmt.Sprint(got), "root") {
			t.Errorf("%s: %v", path, got)
		}
	}
	for path, want := range map[string]string{
		"/large": "larger than", "/archive": "archive", "/broken": "418", "/round": "more than 5 times", "/nothing": "no such file",
	} {
		_, err := parse(t, s.URL+path+"?token=secret").Fetch(t.Context(), nil, false, remote.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", path, err)
		}
	}
	before := time.Now()
	_, err := parse(t, slowServer(t)+"x.hcl").Fetch(t.Context(), nil, false, remote.Options{MaxTime: 100 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "longer than") || time.Since(before) > 5*time.Second {
		t.Errorf("a server that does not answer: %v after %s", err, time.Since(before))
	}
}

// TestHTTPSDoesNotBecomeHTTP redirects from an encrypted server to a plain one.
func TestHTTPSDoesNotBecomeHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "root") }))
	defer plain.Close()
	tls := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/docker-bake.hcl", http.StatusFound))
	defer tls.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, tls.URL, nil)
	client := tls.Client()
	client.CheckRedirect = remote.Redirect
	if _, err := client.Do(req); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("got %v", err)
	}
}

func TestContextsBelowARepository(t *testing.T) {
	for _, c := range [][3]string{
		{"https://h/x.git", ".", "https://h/x.git"},
		{"https://h/x.git", "a/b", "https://h/x.git#:a/b"},
		{"https://h/x.git#main", "a", "https://h/x.git#main:a"},
		{"https://h/x.git#main:sub", "./a", "https://h/x.git#main:sub/a"},
		{"https://h/x.git#main:sub", "../a", "https://h/x.git#main:a"},
		{"https://h/x.git#main:sub", "../../a", "https://h/x.git#main:../a"},
		{"https://h/x.git#main", "/a", "https://h/x.git#main:/a"},
		{"https://h/x.git?ref=main&subdir=sub", "a", "https://h/x.git?ref=main&subdir=sub%2Fa"},
		{"git@h:x/y.git", "a", "git@h:x/y.git#:a"},
		{"https://h/x.hcl", "a", ""},
	} {
		if got := parse(t, c[0]).Context(c[1]); got != c[2] {
			t.Errorf("%s below %s is %q, want %q", c[1], c[0], got, c[2])
		}
	}
}

func TestNamesHideSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"https://me:secret@h/x.git#main:sub": "https://h/x.git#main:/sub/f.hcl",
		"https://h/f.hcl?token=secret":       "https://h/f.hcl",
		"git@h:x/y.git":                      "git@h:x/y.git#:/f.hcl",
	} {
		if got := parse(t, address).Name("f.hcl"); got != want {
			t.Errorf("%s is called %s, want %s", address, got, want)
		}
	}
	_, err := parse(t, "http://me:secret@127.0.0.1:1/x.git").Fetch(t.Context(), []string{"x"}, false, remote.Options{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// TestCommits resolves what BuildKit resolves: a branch before a tag of its name, the commit of an annotated tag, the default branch. TestBuildKitAgrees of package
// fingerprint holds that BuildKit takes the same.
func TestCommits(t *testing.T) {
	base := testenv.Repository(t, map[string]string{"file": "one"})
	repo := filepath.Join(base, "repo.git")
	first := testenv.Git(t, repo, "rev-parse", "HEAD")
	testenv.Git(t, repo, "tag", "light")
	testenv.Git(t, repo, "tag", "-a", "-m", "a tag", "heavy")
	heavy := testenv.Git(t, repo, "rev-parse", "heavy")
	second := testenv.Git(t, repo, "commit-tree", "-p", "HEAD", "-m", "second", "HEAD^{tree}")
	testenv.Git(t, repo, "update-ref", "refs/heads/light", second)
	testenv.Git(t, repo, "update-ref", "refs/other/thing", second)
	address := testenv.GitHTTP(t, base) + "repo.git"
	for ref, want := range map[string]remote.Commit{
		"":                 {Ref: "refs/heads/main", Object: first, Commit: first},
		"main":             {Ref: "refs/heads/main", Object: first, Commit: first},
		"refs/heads/main":  {Ref: "refs/heads/main", Object: first, Commit: first},
		"light":            {Ref: "refs/heads/light", Object: second, Commit: second},
		"refs/tags/light":  {Ref: "refs/tags/light", Object: first, Commit: first},
		"tags/light":       {Ref: "refs/tags/light", Object: first, Commit: first},
		"heavy":            {Ref: "refs/tags/heavy", Object: heavy, Commit: first},
		"refs/other/thing": {Ref: "refs/other/thing", Object: second, Commit: second},
		first:              {Object: first, Commit: first},
	} {
		l, err := remote.Repository(address, ref, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Commit(t.Context(), remote.Options{})
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", ref, got, err, want)
			continue
		}
		if files, err := l.At(got).Fetch(t.Context(), []string{"file"}, false, remote.Options{}); err != nil || string(files[0].Data) != "one" {
			t.Errorf("%q: file is %q, %v", ref, files, err)
		}
	}
	for _, ref := range []string{"none", "-x", "a..b", "light^{}"} {
		l, err := remote.Repository(address, ref, "")
		if err == nil {
			_, err = l.Commit(t.Context(), remote.Options{})
		}
		if err == nil {
			t.Errorf("%q is a reference", ref)
		}
	}
}

// TestAMovedReferenceIsNoticed fetches a branch that has moved since it was resolved.
func TestAMovedReferenceIsNoticed(t *testing.T) {
	base := testenv.Repository(t, map[string]string{"file": "one"})
	repo := filepath.Join(base, "repo.git")
	l, err := remote.Repository(testenv.GitHTTP(t, base)+"repo.git", "main", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Commit(t.Context(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Git(t, repo, "update-ref", "refs/heads/main", testenv.Git(t, repo, "commit-tree", "-m", "other", "HEAD^{tree}"))
	if files, err := l.At(c).Fetch(t.Context(), []string{"file"}, false, remote.Options{}); err == nil || !strings.Contains(err.Error(), c.Commit) {
		t.Errorf("files %q, error %v", files, err)
	}
}

// TestLinksCanBeLeftOut reads no file that is a link or behind one.
func TestLinksCanBeLeftOut(t *testing.T) {
	base := testenv.Repository(t, map[string]string{"dir/file": "one", "link": "->dir/file", "behind": "->dir"})
	l := parse(t, testenv.GitHTTP(t, base)+"repo.git")
	names := []string{"dir/file", "link", "behind/file"}
	for noLinks, want := range map[bool]int{false: 3, true: 1} {
		if files, err := l.Fetch(t.Context(), names, true, remote.Options{NoLinks: noLinks}); err != nil || len(files) != want {
			t.Errorf("no links %t: %q, %v", noLinks, files, err)
		}
	}
}
