package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/time/rate"
)

const (
	pushLayers = 8
	pushMB     = 64
)

// pushRates are how fast a registry takes bytes, in MB per second; 0 is as fast as it can.
var pushRates = []int{12, 50, 0}

// measurePush builds one target of large layers and publishes its cache to registries behind networks of several rates.
func measurePush(dir string) error {
	repo := filepath.Join(dir, "push")
	if err := largeLayers(repo); err != nil {
		return err
	}
	wall := map[string][]sample{}
	key := func(tool string, mbps int) string { return fmt.Sprint(tool, mbps) }
	for round := range *rounds {
		for _, mbps := range pushRates {
			for _, t := range tools[:2] {
				s, err := push1(t, repo, filepath.Join(dir, fmt.Sprintf("push-%s-%d-%d", t.name, mbps, round)), mbps)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				wall[key(t.name, mbps)] = append(wall[key(t.name, mbps)], s)
				fmt.Fprintf(os.Stderr, "%-10s push at %-4d MB/s %6.2fs\n", t.name, mbps, s.wall.Seconds())
			}
		}
	}
	fmt.Printf("one target, %d layers of %d MB, %d rounds, median\n\n", pushLayers, pushMB, *rounds)
	fmt.Println("| to the registry | bake wall s | cachectl wall s | ratio |")
	fmt.Println("|---|---|---|---|")
	for _, mbps := range pushRates {
		a, b := median(wall[key("bake", mbps)]).wall.Seconds(), median(wall[key("cachectl", mbps)]).wall.Seconds()
		title := "unlimited"
		if mbps > 0 {
			title = fmt.Sprintf("%d MB/s", mbps)
		}
		fmt.Printf("| %s | %.2f | %.2f | **%.1f×** |\n", title, a, b, a/b)
	}
	fmt.Println()
	return nil
}

// largeLayers generates a context and a Dockerfile that makes a layer of each of its files.
func largeLayers(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same files every time
	dockerfile := "FROM scratch\n"
	for i := range pushLayers {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("file", i)), content(random, pushMB<<20), 0o644); err != nil {
			return err
		}
		dockerfile += fmt.Sprintf("COPY file%d /\n", i)
	}
	return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644)
}

// push1 measures one build with a registry and a daemon of its own.
func push1(t tool, repo, dir string, mbps int) (sample, error) {
	defer os.RemoveAll(dir) //nolint:errcheck // or the disk fills
	reg, err := startRegistry(filepath.Join(dir, "registry"))
	if err != nil {
		return sample{}, err
	}
	defer reg.stop()
	if mbps > 0 {
		reg.limit.SetLimit(rate.Limit(mbps << 20))
	}
	d, err := startDaemon(filepath.Join(dir, "bk"))
	if err != nil {
		return sample{}, err
	}
	defer d.stop()
	var b strings.Builder
	fmt.Fprintf(&b, "target \"default\" {\n  context = %q\n  cache-to = [\"type=registry,ref=%s/push:main,mode=max\"]\n  output = [\"type=cacheonly\"]\n}\n", repo, reg.addr)
	file := filepath.Join(dir, "docker-bake.hcl")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return sample{}, err
	}
	return time1(t, file, dir, d, reg)
}
