package migrate

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// change replaces a part of a text.
type change struct {
	start, end int
	text       string
	at         hcl.Range
	// around are insertions that go with the change: a block on one line is opened.
	around []change
}

// apply makes changes, which must not overlap.
func apply(src []byte, changes []change) []byte {
	var flat []change
	for _, c := range changes {
		flat = append(append(flat, c), c.around...)
	}
	slices.SortStableFunc(flat, func(a, b change) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, c := range flat {
		out.Write(src[at:c.start])
		out.WriteString(c.text)
		at = c.end
	}
	out.Write(src[at:])
	return out.Bytes()
}
