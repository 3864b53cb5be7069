package cli

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/cli.md")

func TestReferencePageIsFresh(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "docs", "cli.md")
	got := reference()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/cli.md is not what the commands say; run the test with -update (-page +commands):\n%s", diff)
	}
}

func TestEveryVerbHasAnExampleAndEveryFlagAMeaning(t *testing.T) {
	root, _ := newRoot(System())
	for _, c := range leaves(root) {
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		if c.Short == "" {
			t.Errorf("%s does not say what it does", c.CommandPath())
		}
		checkFlags(t, c)
	}
}

func checkFlags(t *testing.T, c *cobra.Command) {
	t.Helper()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			t.Errorf("%s --%s has no meaning", c.CommandPath(), f.Name)
		}
	})
}
