package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// Text prints a text as it is.
func Text(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// Bytes prints bytes as they are.
func Bytes(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// JSON prints a value as indented JSON.
func JSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return Bytes(w, buf.Bytes())
}

// Error prints what ended a command.
func Error(w io.Writer, err error) {
	_, _ = fmt.Fprintf(w, "cachectl: %s\n", printable(err.Error()))
}

// Note prints a sentence that is no data and no problem.
func Note(w io.Writer, s string) { _, _ = fmt.Fprintln(w, printable(s)) }

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// size is a number of bytes for people.
func size(n int64) string {
	if n == 0 {
		return "0"
	}
	return units.BytesSize(float64(n))
}

// duration is a time for people.
func duration(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// shortDigest is the start of a digest, enough to tell two apart.
func shortDigest(d string) string {
	if _, hex, ok := strings.Cut(d, ":"); ok && len(hex) > 12 {
		return hex[:12]
	}
	return d
}

// longDigest is a digest with all its digits.
var longDigest = regexp.MustCompile(`sha256:([0-9a-f]{12})[0-9a-f]{52}`)

// shortDigests shortens the digests in a text.
func shortDigests(s string) string { return longDigest.ReplaceAllString(s, "sha256:$1") }

// spanning begins a row's only cell that runs across all columns.
const spanning = "\x00"

// table lays out rows in columns; the first is the header. Color codes do not count as width.
func table(w io.Writer, rows [][]string) {
	widths := columns(rows)
	for _, row := range rows {
		if strings.HasPrefix(row[0], spanning) {
			_, _ = fmt.Fprintln(w, strings.TrimPrefix(row[0], spanning))
			continue
		}
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-visible(cell)+2))
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// columns are the widths of a table's columns.
func columns(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		if strings.HasPrefix(row[0], spanning) {
			continue
		}
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], visible(cell))
		}
	}
	return widths
}

// tableWidth is how wide a table gets.
func tableWidth(rows [][]string) int {
	width := -2
	for _, w := range columns(rows) {
		width += w + 2
	}
	return width
}

// visible is the number of characters of a cell without color codes.
func visible(s string) int {
	n, inCode := 0, false
	for _, r := range s {
		switch {
		case r == 0x1b:
			inCode = true
		case inCode && r == 'm':
			inCode = false
		case !inCode:
			n++
		}
	}
	return n
}
