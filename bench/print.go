package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/cachectl/cachectl/internal/bakecorpus"
)

// widths are how many targets the files have that print is measured with.
var widths = []int{24, 500, 2000, 5000, 10_000, 20_000}

// measurePrint compares print with bake --print over files of many targets, each in turn with the other, and prints the medians, their ratio, and
// how much longer twice the targets take.
func measurePrint(dir string) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(out, "targets\tbake --print\tcachectl print\tratio\t")
	var last time.Duration
	growth := ""
	for _, n := range widths {
		path := filepath.Join(dir, fmt.Sprintf("docker-bake.%d.hcl", n))
		if err := os.WriteFile(path, []byte(bakecorpus.Wide(n)), 0o600); err != nil {
			return err
		}
		theirs, ours, err := printTimes(path, n)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%d\t%.2f s\t%.2f s\t%.1f\t\n", n, theirs.Seconds(), ours.Seconds(), theirs.Seconds()/ours.Seconds())
		if n == 20_000 && last > 0 {
			growth = fmt.Sprintf("20000 targets take %.2f times as long as 10000.\n", ours.Seconds()/last.Seconds())
		}
		last = ours
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Print(growth)
	return nil
}

// printTimes are the medians of as many rounds as were asked for, at least three; Bake, which takes minutes for large files, has one round there.
func printTimes(path string, n int) (theirs, ours time.Duration, err error) {
	var bake, own []time.Duration
	for round := range max(*rounds, 3) {
		for _, c := range []struct {
			into *[]time.Duration
			args []string
		}{{&bake, []string{".tools/bin/buildx", "bake", "--print", "-f", path}}, {&own, []string{"bin/cachectl", "print", "-f", path}}} {
			if round > 0 && n > 5000 && c.into == &bake {
				continue
			}
			start := time.Now()
			cmd := exec.Command(c.args[0], c.args[1:]...)
			if err := cmd.Run(); err != nil {
				return 0, 0, fmt.Errorf("%s: %w", c.args[0], err)
			}
			*c.into = append(*c.into, time.Since(start))
		}
	}
	slices.Sort(bake)
	slices.Sort(own)
	return bake[len(bake)/2], own[len(own)/2], nil
}
