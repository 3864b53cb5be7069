package view

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable makes text from elsewhere harmless to a terminal: control characters, among them those that begin escape sequences, characters that
// change the direction of writing, and bytes that are no text are spelled out. Line ends and tabs stay.
func printable(s string) string {
	if strings.IndexFunc(s, harmful) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !harmful(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func harmful(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// oneLine makes printable text fit into a line.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }
