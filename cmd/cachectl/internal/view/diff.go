package view

import (
	"fmt"
	"io"
	"strings"
)

// Diff prints which lines of a file change. Formatting changes lines in place or takes lines away, so lines are paired in order.
func Diff(w io.Writer, name string, before, after []byte) {
	_, _ = fmt.Fprintf(w, "--- %s\n+++ %s\n", name, name)
	a, b := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			a, b = a[1:], b[1:]
		case len(a) > 0 && (len(b) == 0 || sameTokens(a[0], b[0])):
			_, _ = fmt.Fprintf(w, "-%s\n", a[0])
			if len(b) > 0 {
				_, _ = fmt.Fprintf(w, "+%s\n", b[0])
				b = b[1:]
			}
			a = a[1:]
		case len(a) > 0:
			_, _ = fmt.Fprintf(w, "-%s\n", a[0])
			a = a[1:]
		default:
			_, _ = fmt.Fprintf(w, "+%s\n", b[0])
			b = b[1:]
		}
	}
}

// sameTokens tells whether two lines differ in spacing only.
func sameTokens(a, b string) bool {
	return strings.Join(strings.Fields(a), "") == strings.Join(strings.Fields(b), "")
}
