package testenv

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/fsutil"
)

// PlainBuild is a build by BuildKit's own client, without any code of this project: the oracle of interoperability.
type PlainBuild struct {
	// Dir holds the Dockerfile and the context; Contexts are named contexts besides.
	Dir      string
	Contexts map[string]string
	Attrs    map[string]string
	From, To []client.CacheOptionsEntry
	Session  client.SolveOpt
}

// Steps are what became of a build's steps, by name.
type Steps map[string]bool

// Cached counts those that were cached.
func (s Steps) Cached() int {
	n := 0
	for _, c := range s {
		if c {
			n++
		}
	}
	return n
}

// Executed lists those that were not.
func (s Steps) Executed() []string {
	var out []string
	for name, c := range s {
		if !c {
			out = append(out, name)
		}
	}
	return out
}

// Run builds on a daemon and returns which steps were cached.
func (b PlainBuild) Run(t testing.TB, d *Daemon) Steps {
	t.Helper()
	opt := b.Session
	opt.Frontend = "dockerfile.v0"
	opt.FrontendAttrs = map[string]string{"filename": "Dockerfile"}
	maps.Copy(opt.FrontendAttrs, b.Attrs)
	opt.LocalMounts = map[string]fsutil.FS{"context": mount(t, b.Dir), "dockerfile": mount(t, b.Dir)}
	for name, dir := range b.Contexts {
		opt.FrontendAttrs["context:"+name] = "local:" + name
		opt.LocalMounts[name] = mount(t, dir)
	}
	opt.CacheImports, opt.CacheExports = b.From, b.To
	steps := Steps{}
	var wg sync.WaitGroup
	ch := make(chan *client.SolveStatus)
	wg.Go(func() {
		for st := range ch {
			for _, v := range st.Vertexes {
				if strings.HasPrefix(v.Name, "[") && !strings.HasPrefix(v.Name, "[internal]") && !strings.HasPrefix(v.Name, "[context ") && (v.Started != nil || v.Cached) {
					steps[v.Name] = v.Cached
				}
			}
		}
	})
	_, err := d.Client(t).Solve(t.Context(), nil, opt, ch)
	wg.Wait()
	if err != nil {
		t.Fatalf("plain build: %v", err)
	}
	return steps
}

func mount(t testing.TB, dir string) fsutil.FS {
	t.Helper()
	fs, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}
