package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestProcessesThatWriteOneTagLoseNothing starts 16 processes that copy a cache each to the same place, as the jobs of a matrix do.
func TestProcessesThatWriteOneTagLoseNothing(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	dir := t.TempDir()
	hosts, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hosts.Close)
	tag, err := registry.OpenSource(config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/shared:main"}}, hosts)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"src": filepath.Join(dir, "shared")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	for n, shared := range []struct {
		to string
		backend.Source
	}{{reg.Addr + "/shared:main", tag}, {"./shared", layout}} {
		own := filepath.Join(dir, fmt.Sprint("own", n))
		samples := make([]*backendtest.Sample, 16)
		for i := range samples {
			samples[i] = backendtest.NewSample(t, fmt.Sprint(n, i), 2)
			dest, err := local.Open(config.Cache{Type: "local", Attrs: map[string]string{"dest": own, "tag": fmt.Sprint(i)}}, "")
			if err != nil {
				t.Fatal(err)
			}
			backendtest.Publish(t, dest, samples[i], ocispec.Descriptor{})
		}
		var group sync.WaitGroup
		for i := range samples {
			group.Go(func() {
				if out, err := command(t, dir, "copy", fmt.Sprint(own, ":", i), shared.to, "--progress", "quiet").CombinedOutput(); err != nil {
					t.Errorf("copy %d to %s: %v\n%s", i, shared.to, err, out)
				}
			})
		}
		group.Wait()
		cur := backendtest.Read(t, shared)
		for i, s := range samples {
			if !cur.Cache.Covers(s.Cache) {
				t.Errorf("what process %d wrote to %s is lost", i, shared.to)
			}
		}
	}
}

// command is the program itself, with a home of its own.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Args[0] = "cachectl" // the name that makes the test binary run the program
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "NO_COLOR=1")
	return cmd
}
