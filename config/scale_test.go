package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/internal/bakecorpus"
)

// BenchmarkPrint is what print does of a file of many targets; its cost per target is to stay the same.
func BenchmarkPrint(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			const name = "docker-bake.hcl"
			if err := os.WriteFile(filepath.Join(dir, name), []byte(bakecorpus.Wide(n)), 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c, diags := config.Load(b.Context(), config.Options{Files: []string{name}, Dir: dir})
				if diags.HasErrors() {
					b.Fatal(diags)
				}
				res, diags := c.Resolve(config.Selection{})
				if diags.HasErrors() {
					b.Fatal(diags)
				}
				if _, err := res.JSON(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/target")
		})
	}
}
