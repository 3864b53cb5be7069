// Command bench measures cachectl against docker buildx bake: the same generated monorepo, the same buildkitd and registry, in turn. It prints
// a table; absolute times are this machine's, the ratios are what counts.
//
//	make bench                          24 targets, one round; print of 24 to 20,000 targets; a context of 100,000 files; large layers over networks of several rates
//	go run ./bench -targets 8 -rounds 3
//	go run ./bench -only print
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var (
	targets = flag.Int("targets", 24, "services in the monorepo")
	mb      = flag.Int("mb", 8, "megabytes of each service's dependencies")
	rounds  = flag.Int("rounds", 1, "rounds; the median is printed")
	only    = flag.String("only", "", "measure builds, print, tree or push alone")
	keep    = flag.Bool("keep", false, "keep the working directory")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "cachectl-bench-")
	if err != nil {
		return err
	}
	if !*keep {
		defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	}
	for _, m := range []struct {
		name    string
		measure func(dir string) error
	}{{"print", measurePrint}, {"tree", measureTree}, {"push", measurePush}, {"builds", measureBuilds}} {
		if *only == "" || *only == m.name {
			if err := m.measure(dir); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return nil
}

// measureBuilds takes all tools through all scenarios.
func measureBuilds(dir string) error {
	results := map[string][]sample{}
	for round := range *rounds {
		for _, tool := range tools {
			if err := measure(filepath.Join(dir, fmt.Sprintf("%s-%d", tool.name, round)), tool, results); err != nil {
				return fmt.Errorf("%s: %w", tool.name, err)
			}
		}
	}
	print(results)
	return nil
}

// tool is one of those that are compared.
type tool struct {
	name string
	args func(file, builder string) []string
	env  func(dir, builder string) []string
}

var tools = []tool{
	{
		name: "bake",
		args: func(file, _ string) []string {
			return []string{".tools/bin/buildx", "bake", "--progress", "quiet", "--allow", "fs=*", "-f", file}
		},
		env: bakeEnv,
	},
	{
		name: "cachectl",
		args: func(file, builder string) []string {
			return []string{"bin/cachectl", "apply", "--progress", "quiet", "--builder", builder, "-f", file}
		},
		env: ownCache,
	},
	{
		name: "forced", // cachectl, which does not look whether anything changed
		args: func(file, builder string) []string {
			return []string{"bin/cachectl", "apply", "--force", "--progress", "quiet", "--builder", builder, "-f", file}
		},
		env: ownCache,
	},
}

// ownCache keeps what cachectl remembers of files within a measurement.
func ownCache(dir, _ string) []string {
	return []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}
}

// scenarios are measured in this order; each starts from what the one before left.
var scenarios = []string{
	"cold: nothing cached anywhere",
	"nothing changed, warm builder",
	"one target changed, warm builder",
	"nothing changed, empty builder",
	"one target changed, empty builder",
}

// measure takes one tool through all scenarios with a registry and daemons of its own.
func measure(dir string, t tool, results map[string][]sample) error {
	m, err := newMonorepo(filepath.Join(dir, "repo"))
	if err != nil {
		return err
	}
	reg, err := startRegistry(filepath.Join(dir, "registry"))
	if err != nil {
		return err
	}
	defer reg.stop()
	file, err := m.write(reg.addr)
	if err != nil {
		return err
	}
	var d *daemon
	for i, scenario := range scenarios {
		if d == nil || strings.HasSuffix(scenario, "empty builder") {
			if d != nil {
				d.stop()
			}
			if d, err = startDaemon(filepath.Join(dir, fmt.Sprintf("bk%d", i))); err != nil {
				return err
			}
			defer d.stop()
		}
		if strings.HasPrefix(scenario, "one target") {
			if err := m.change(i); err != nil {
				return err
			}
		}
		s, err := time1(t, file, dir, d, reg)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario, err)
		}
		key := t.name + "/" + scenario
		results[key] = append(results[key], s)
		fmt.Fprintf(os.Stderr, "%-10s %-36s %6.2fs\n", t.name, scenario, s.wall.Seconds())
	}
	return nil
}

// sample is one measured run.
type sample struct {
	wall, cpu      time.Duration
	requests, sent int64
}

func time1(t tool, file, dir string, d *daemon, reg *registry) (sample, error) {
	before, cpu := reg.counts(), d.cpu()
	args := t.args(file, d.addr)
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // the programs under test
	cmd.Env = append(os.Environ(), t.env(dir, d.addr)...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, out)
	}
	after := reg.counts()
	return sample{
		wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + d.cpu() - cpu,
		requests: after.requests - before.requests, sent: after.bytes - before.bytes,
	}, nil
}

// print shows medians side by side.
func print(results map[string][]sample) {
	fmt.Printf("%d targets, %d MB of dependencies each, %d rounds, median\n\n", *targets, *mb, *rounds)
	fmt.Println("| | bake wall s | cachectl wall s | ratio | cachectl --force wall s | CPU s (client + builder) | registry requests | MB to and from registry |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, s := range scenarios {
		a, b, forced := median(results["bake/"+s]), median(results["cachectl/"+s]), median(results["forced/"+s])
		fmt.Printf("| %s | %.2f | %.2f | **%.1f×** | %.2f | %.1f → %.1f | %d → %d | %.1f → %.1f |\n", s, a.wall.Seconds(), b.wall.Seconds(), a.wall.Seconds()/b.wall.Seconds(),
			forced.wall.Seconds(), a.cpu.Seconds(), b.cpu.Seconds(), a.requests, b.requests, float64(a.sent)/1e6, float64(b.sent)/1e6)
	}
}

// median is the run with the median wall time.
func median(list []sample) sample {
	slices.SortFunc(list, func(a, b sample) int { return int(a.wall - b.wall) })
	return list[len(list)/2]
}
