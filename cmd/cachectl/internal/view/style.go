// Package view is what the user sees: the only code that prints. Data goes to standard output; progress, diagnostics and summaries to
// standard error.
package view

import (
	"os"

	"golang.org/x/term"
)

// Style is how to print to a terminal or a file.
type Style struct {
	Color bool
	// Width is that of the terminal, 0 where there is none.
	Width int
	// Dumb is a terminal that cannot move its cursor.
	Dumb bool
}

// NewStyle decides on color: never with noColor or NO_COLOR, always with CLICOLOR_FORCE or FORCE_COLOR, else on a terminal that is not dumb.
func NewStyle(f *os.File, lookupEnv func(string) (string, bool), noColor bool) Style {
	set := func(name string) bool {
		v, ok := lookupEnv(name)
		return ok && v != "" && v != "0"
	}
	terminal := term.IsTerminal(int(f.Fd()))
	s := Style{Color: terminal}
	if terminal {
		s.Width, _, _ = term.GetSize(int(f.Fd()))
	}
	if v, _ := lookupEnv("TERM"); v == "dumb" {
		s.Color, s.Dumb = false, true
	}
	if set("CLICOLOR_FORCE") || set("FORCE_COLOR") {
		s.Color = true
	}
	if v, ok := lookupEnv("NO_COLOR"); noColor || (ok && v != "") {
		s.Color = false
	}
	return s
}

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(text string) string   { return s.paint("1", text) }
func (s Style) red(text string) string    { return s.paint("31", text) }
func (s Style) green(text string) string  { return s.paint("32", text) }
func (s Style) yellow(text string) string { return s.paint("33", text) }
func (s Style) faint(text string) string  { return s.paint("2", text) }
