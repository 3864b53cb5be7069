package view

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNothingThatIsPrintedMovesTheCursor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x1b[]0;\r\n\a")))).Draw(t, "bytes")
		for name, out := range map[string]string{"printable": printable(string(in)), "lines": string(cleanLines(in))} {
			for _, r := range out {
				if r != '\n' && r != '\t' && unicode.IsControl(r) {
					t.Fatalf("%s: %q comes out as %q", name, in, out)
				}
			}
		}
	})
}

func TestHarmlessTextStaysAsItIs(t *testing.T) {
	for _, s := range []string{"", "plain", "Grüße, 世界 ✓\tand\nmore", "\uFFFD"} {
		if got := printable(s); got != s {
			t.Errorf("%q comes out as %q", s, got)
		}
	}
	if got, want := printable("a\x1b[2Jb\xffc\u202ed"), `a\x1b[2Jb\xffc\u202ed`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDiffHasBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "  c\n", "}\n"})
		before, after := rapid.SliceOf(line).Draw(t, "before"), rapid.SliceOf(line).Draw(t, "after")
		var kept, made []string
		for _, e := range edits(before, after) {
			if e.op != '+' {
				kept = append(kept, e.line)
			}
			if e.op != '-' {
				made = append(made, e.line)
			}
		}
		if !slices.Equal(kept, before) || !slices.Equal(made, after) {
			t.Fatalf("from %q to %q the diff has %q and %q", before, after, kept, made)
		}
	})
}

func TestDiffShowsChangesFarApartByThemselves(t *testing.T) {
	before := []string{"first"}
	for range 20 {
		before = append(before, "same")
	}
	before = append(before, "last")
	after := slices.Clone(before)
	after[0], after[len(after)-1] = "FIRST", "LAST"
	got := string(Diff("f", []byte(strings.Join(before, "\n")+"\n"), []byte(strings.Join(after, "\n")+"\n")))
	want := "--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n-first\n+FIRST\n same\n same\n same\n@@ -19,4 +19,4 @@\n same\n same\n same\n-last\n+LAST\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Diff("f", []byte("a\n"), []byte("a\n")) != nil {
		t.Error("equal texts have a diff")
	}
}

func TestSecretsAreHiddenHoweverTheyAreSpelled(t *testing.T) {
	secrets := &Secrets{}
	secrets.Add("", "short", `pass word/"1"`, `pass word/"1" and more`)
	for _, s := range []string{
		`key=pass word/"1" and more!`, "https://h/?k=pass+word%2F%221%22", `{"k":"pass word/\"1\""}`, "cGFzcyB3b3JkLyIxIg==",
	} {
		got := secrets.Hide(s)
		if strings.Contains(got, "word") || strings.Contains(got, "cGFz") || strings.Contains(got, "and more") || !strings.Contains(got, "***") {
			t.Errorf("%q is shown as %q", s, got)
		}
	}
	if got := secrets.Hide("a short text"); got != "a short text" {
		t.Errorf("too short a value is taken for a secret: %q", got)
	}
}

func TestTableAlignsColoredCells(t *testing.T) {
	var buf bytes.Buffer
	table(&buf, [][]string{{"A", "B"}, {Style{Color: true}.red("xyz"), "1"}, {"✓", "2"}})
	want := "A    B\n\x1b[31mxyz\x1b[0m  1\n✓    2\n"
	if buf.String() != want {
		t.Errorf("got %q, want %q", buf.String(), want)
	}
}
