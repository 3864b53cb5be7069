package planner_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/planner"
)

// TestAPictureIsWellFormedWhateverNamesHold writes markup, quotes and control characters where names of directories can have them.
func TestAPictureIsWellFormedWhateverNamesHold(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cache.hcl"), []byte(`target "app" {
  cache-to "local" {
    dest = "a</text><script>alert(1)</script>&\"'\u0007\u202e]]>"
  }
}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got := plan(t, dir, "cache.hcl").SVG(func(*planner.Step) planner.Mark { return planner.Mark{Class: `"><script>`, Note: "<b>&\u202e"} })
	var names []string
	for dec := xml.NewDecoder(strings.NewReader(got)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, got)
		}
		if e, ok := token.(xml.StartElement); ok {
			names = append(names, e.Name.Local)
		}
	}
	if all := fmt.Sprint(names); strings.Contains(all, "script") || strings.Contains(all, " b ") {
		t.Errorf("names have become markup:\n%s", got)
	}
	if strings.ContainsAny(got, "\u0007\u202e") {
		t.Errorf("control characters came through:\n%q", got)
	}
}

// TestAPictureIsTheSameEveryTime draws on one processor and on many.
func TestAPictureIsTheSameEveryTime(t *testing.T) {
	first := plan(t, "testdata/shared", "cache.hcl").SVG(nil)
	for _, procs := range []int{1, 2, 8} {
		old := runtime.GOMAXPROCS(procs)
		for range 10 {
			if got := plan(t, "testdata/shared", "cache.hcl").SVG(nil); got != first {
				t.Fatalf("with %d processors:\n%s", procs, got)
			}
		}
		runtime.GOMAXPROCS(old)
	}
}
