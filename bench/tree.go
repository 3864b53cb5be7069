package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// The tree that is digested: 100,000 files in 1,000 directories, of sizes as in source trees.
const (
	treeDirs  = 1000
	treeFiles = 100
)

var treeSizes = []int{200, 1000, 4000, 12_000}

// measureTree compares how long cachectl takes to tell whether a large context changed with sha256sum over its files on all processors: with nothing remembered, and
// with what the run before has remembered.
func measureTree(dir string) error {
	repo := filepath.Join(dir, "tree")
	if err := writeTree(filepath.Join(repo, "context")); err != nil {
		return err
	}
	file := filepath.Join(repo, "cache.hcl")
	if err := os.WriteFile(file, []byte("target \"default\" {\n  context = \"context\"\n  cache-to \"local\" { dest = \"cache\" }\n}\n"), 0o600); err != nil {
		return err
	}
	sums := "find context -type f -print0 | xargs -0 -n 500 -P " + strconv.Itoa(runtime.NumCPU()) + " sha256sum >/dev/null"
	times := map[string][]time.Duration{}
	for round := range max(*rounds, 3) {
		cache := filepath.Join(dir, fmt.Sprintf("tree-cache-%d", round))
		for _, c := range []struct{ name, program, flag, argument string }{
			{"sha256sum", "sh", "-c", sums}, {"cold", "bin/cachectl", "-f", file}, {"warm", "bin/cachectl", "-f", file},
		} {
			args := []string{c.flag, c.argument}
			if c.program != "sh" {
				args = append([]string{"explain"}, args...)
			}
			took, err := timeTree(c.program, args, repo, cache)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			times[c.name] = append(times[c.name], took)
		}
	}
	fmt.Printf("%d files: sha256sum %.2f s, cachectl %.2f s (%.1f of it), again %.2f s (%.1f of it)\n", treeDirs*treeFiles,
		middle(times["sha256sum"]).Seconds(), middle(times["cold"]).Seconds(), ratio(times["cold"], times["sha256sum"]), middle(times["warm"]).Seconds(), ratio(times["warm"], times["sha256sum"]))
	return nil
}

func timeTree(program string, args []string, dir, cache string) (time.Duration, error) {
	program, err := absoluteProgram(program)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, args...) //nolint:gosec // the programs under test
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	return time.Since(start), nil
}

// absoluteProgram is a program of the PATH, or one of this repository by its path in it.
func absoluteProgram(name string) (string, error) {
	if filepath.Base(name) == name {
		return exec.LookPath(name)
	}
	return filepath.Abs(name)
}

// writeTree writes files whose contents are all different and the same in every run.
func writeTree(dir string) error {
	for d := range treeDirs {
		at := filepath.Join(dir, fmt.Sprintf("part%d", d/treeFiles), fmt.Sprintf("package%d", d))
		if err := os.MkdirAll(at, 0o750); err != nil {
			return err
		}
		for f := range treeFiles {
			seed := sha256.Sum256(fmt.Appendf(nil, "%d %d", d, f))
			content := slices.Repeat(seed[:], treeSizes[f%len(treeSizes)]/len(seed))
			if err := os.WriteFile(filepath.Join(at, fmt.Sprintf("file%d", f)), content, 0o600); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o600)
}

func middle(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func ratio(ours, theirs []time.Duration) float64 {
	return middle(ours).Seconds() / middle(theirs).Seconds()
}
