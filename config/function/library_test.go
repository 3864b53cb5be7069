package function_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cachectl/cachectl/config/function"
)

// bakeNames is the list of functions of Bake v0.37.
func bakeNames(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(content))
}

func TestLibraryHasTheFunctionsOfBakeAndOurs(t *testing.T) {
	want := append(bakeNames(t), "env", "file", "fileexists", "filehash", "git_branch", "git_sha", "glob", "sanitize_ref")
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(function.Library(function.Options{FS: fstest.MapFS{}})))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if n := len(bakeNames(t)); n != 106 {
		t.Errorf("Bake's library has 106 functions, the list has %d", n)
	}
}

func TestLibraryWithoutFilesLeavesThemOut(t *testing.T) {
	library := function.Library(function.Options{Dir: t.TempDir()})
	for _, name := range []string{"file", "fileexists", "filehash", "glob", "git_branch", "git_sha"} {
		if _, ok := library[name]; ok {
			t.Errorf("%s is there", name)
		}
	}
}

func TestEveryFunctionIsDescribed(t *testing.T) {
	for name, fn := range function.Library(function.Options{FS: fstest.MapFS{}}) {
		if fn.Description() == "" && name != "try" && name != "can" && name != "convert" {
			t.Errorf("%s has no description", name)
		}
	}
}

func TestImpureNamesThoseThatDifferEachTime(t *testing.T) {
	var got []string
	for name := range function.Library(function.Options{FS: fstest.MapFS{}}) {
		if function.Impure(name) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"bcrypt", "timestamp", "uuidv4"}, got); diff != "" {
		t.Errorf("impure (-want +got):\n%s", diff)
	}
}
