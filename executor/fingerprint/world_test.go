package fingerprint_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/internal/testenv"
)

// dockerfile has something of all that a Dockerfile can do with files, arguments and stages.
const usualDockerfile = `# A comment.
ARG GLOBAL=one
FROM scratch AS base
COPY --from=busybox busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]

FROM base AS tools
ARG TOOL=1
RUN echo tool $TOOL > /tool

FROM base AS unused
COPY unused /unused
RUN echo unused

FROM base AS build
ARG GLOBAL
ARG VERSION=1
ENV MODE=release
WORKDIR /src
COPY src /src
COPY *.cfg /etc/
COPY --chown=1:1 owned /owned
COPY --chmod=600 moded /moded
COPY link /link
ADD data.txt /data.txt
RUN --mount=type=bind,source=gen,target=/gen cat /gen/* > /gen.out
RUN --mount=type=secret,id=token cat /src/main > /out
RUN --mount=type=cache,target=/tmp/cache,id=one echo cached > /cached
RUN echo $VERSION > /version
COPY <<EOF /heredoc
hello
EOF

FROM base AS final
COPY --from=tools /tool /tool
COPY --from=build /out /out
COPY --from=build /heredoc /heredoc
COPY --from=assets logo /logo
LABEL version=1
ENV LAST=1
CMD ["/out"]
`

var files = map[string]string{
	"Dockerfile": usualDockerfile, ".dockerignore": "ignored\n*.log\nsrc/skip\n",
	"src/main": "main", "src/lib/a": "a", "src/lib/b": "b", "src/skip": "skipped", "src/note.log": "noted",
	"a.cfg": "a", "b.cfg": "b", "owned": "owned", "moded": "moded", "aim": "aim", "data.txt": "data",
	"gen/x": "x", "gen/y": "y", "ignored/file": "ignored", "elsewhere/file": "elsewhere", "unused": "unused",
	"assets/logo": "logo", "assets/other": "other", "token": "s3cret",
}

// body is the target, without what every case has.
const body = `  args = { VERSION = "1", NOBODY = "1" }
  labels = { team = "one" }
  secret = [{ id = "token", src = "token" }]
`

// world is a project: files, a configuration and what its images come from.
type world struct {
	t   *testing.T
	dir string
	// dockerfile is the Dockerfile before any change.
	dockerfile string
	body       string
	more       string
	// contexts are the named contexts besides busybox.
	contexts map[string]string
	daemon   *testenv.Daemon
	registry string
	// remotes is where files of commits are kept, "" for nowhere.
	remotes string
	env     map[string]string
	// pushed is the digest of the image that the last build made.
	pushed string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: testenv.Write(t, files), dockerfile: usualDockerfile, body: body, contexts: map[string]string{"assets": "assets"}, env: map[string]string{}}
	w.try(os.Symlink("aim", filepath.Join(w.dir, "link")))
	w.try(os.Mkdir(filepath.Join(w.dir, "src", "empty"), 0o755))
	return w
}

// alone gives the world steps that no other has, so that none is in a builder's cache because of another.
func (w *world) alone(name string) {
	w.dockerfile = strings.Replace(usualDockerfile, "FROM scratch AS base\n", fmt.Sprintf("FROM scratch AS base\nENV WORLD=%q\n", name), 1)
	w.write("Dockerfile", w.dockerfile)
}

func (w *world) try(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, content string) {
	w.t.Helper()
	w.try(os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
	w.try(os.WriteFile(w.path(name), []byte(content), 0o644))
}

func (w *world) remove(name string) { w.try(os.RemoveAll(w.path(name))) }

func (w *world) rename(from, to string) { w.try(os.Rename(w.path(from), w.path(to))) }

// move puts the project in another directory: a builder knows nothing of what is there.
func (w *world) move() {
	old := w.dir
	w.dir = filepath.Join(w.t.TempDir(), "moved")
	w.try(os.Rename(old, w.dir))
}

func (w *world) chmod(name string, mode fs.FileMode) { w.try(os.Chmod(w.path(name), mode)) }

// edit replaces text in a file.
func (w *world) edit(name, old, text string) {
	w.t.Helper()
	raw, err := os.ReadFile(w.path(name))
	w.try(err)
	w.write(name, w.replaced(string(raw), old, text))
}

// set replaces text in the target's block.
func (w *world) set(old, text string) { w.t.Helper(); w.body = w.replaced(w.body, old, text) }

func (w *world) replaced(s, old, text string) string {
	w.t.Helper()
	if !strings.Contains(s, old) {
		w.t.Fatalf("%q is not in %q", old, s)
	}
	return strings.Replace(s, old, text, 1)
}

// targets evaluates the configuration.
func (w *world) targets() map[string]*config.Target {
	w.t.Helper()
	var named strings.Builder
	fmt.Fprintf(&named, "busybox = %q", filepath.Dir(testenv.Busybox(w.t)))
	for name, value := range w.contexts {
		fmt.Fprintf(&named, ", %q = %q", name, value)
	}
	hcl := fmt.Sprintf("target \"app\" {\n  contexts = { %s }\n%s}\n%s", &named, w.body, w.more)
	path := filepath.Join(w.t.TempDir(), "cache.hcl")
	w.try(os.WriteFile(path, []byte(hcl), 0o600))
	c, diags := config.Load(w.t.Context(), config.Options{Files: []string{path}, Dir: w.dir})
	if diags.HasErrors() {
		w.t.Fatal(diags)
	}
	res, diags := c.Resolve(config.Selection{Names: []string{"app"}})
	if diags.HasErrors() {
		w.t.Fatal(diags)
	}
	out := map[string]*config.Target{}
	for _, t := range res.Targets {
		out[t.Name] = t
	}
	return out
}

func (w *world) buildOptions(targets map[string]*config.Target) build.SolverOptions {
	return build.SolverOptions{Targets: targets, Dir: w.dir, LookupEnv: func(k string) (string, bool) { v, ok := w.env[k]; return v, ok }}
}

// print computes the target's fingerprint as a new process would.
func (w *world) print() *fingerprint.Fingerprint {
	w.t.Helper()
	targets := w.targets()
	hosts, err := registry.NewHosts(registry.HostsOptions{Dir: w.dir})
	w.try(err)
	defer hosts.Close()
	memo := fingerprint.NewMemo(filepath.Join(filepath.Dir(w.dir), "memo"))
	f, err := fingerprint.New(fingerprint.Options{
		Build: w.buildOptions(targets), Images: fingerprint.NewRegistryImages(hosts, ""), Remotes: fingerprint.NewRemotes(w.remotes), Memo: memo,
	}).Compute(w.t.Context(), targets["app"])
	w.try(err)
	w.try(memo.Save())
	return f
}
