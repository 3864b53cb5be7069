package view

import (
	"fmt"
	"io"
	"strings"
)

// Saved says where a plan was saved and how it is carried out: with the flags that set values, which are not in the file and stand here without them.
func Saved(w io.Writer, path string, flags []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Saved to %s. To carry it out: cachectl apply %[1]s", path)
	for _, f := range flags {
		b.WriteString(" " + f)
	}
	_, err := fmt.Fprintln(w, printable(b.String()))
	return err
}
