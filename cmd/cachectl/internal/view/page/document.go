package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the parts of a page
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"github.com/docker/go-units"
)

// Options is what pages depend on besides the plan or the run.
type Options struct {
	// Version is of the program that makes the page.
	Version string
	// Hide takes out what must not be shown; nil hides nothing.
	Hide func(string) string
}

// document is what a page shows. All its text is clean: see text.
type document struct {
	Title, Verdict, Class, About string
	Tiles                        []tile
	Picture                      template.HTML
	Left                         string // what the picture and the timeline leave out
	Ticks                        []string
	Bars                         []bar
	Owners                       []owner
	Slowest                      []slow
	Shared                       []shared
	Problems                     []problem
	// Run tells a run's page from a plan's.
	Run bool

	Style  template.CSS
	Script template.JS
	// ScriptHash lets the browser run this script and no other (https://www.w3.org/TR/CSP3/#match-element-to-source-list).
	ScriptHash string
}

// tile is a number at the head of the page.
type tile struct{ Label, Value, Note, Class string }

// bar is a step on the timeline, from left to left and width in percent.
type bar struct {
	Name, Kind, Class, Note, Took string
	Left, Width                   float64
	// Parts are the instructions of a build.
	Parts []bar
}

// owner is a target or transfer.
type owner struct {
	Name, Kind, Outcome, Class, At, Reason string
	// Cached of Total steps were hits; Share is that in percent, -1 without steps.
	Cached, Total, Share int
	In, Out, Took        string
	From, To             []place
	Links                []string
	// Steps are the instructions of a build, in the order they started.
	Steps []instruction
}

// place is a source or a destination.
type place struct{ Name, Outcome, Class, Note string }

// instruction is a step of a Dockerfile.
type instruction struct {
	Name, Took string
	Hit        bool
}

// slow is one of what took longest.
type slow struct {
	What, Owner, Took string
	Share             float64 // of the longest, in percent
}

// shared is what was done once for several.
type shared struct{ What, How, For string }

// problem is a warning or a failure.
type problem struct{ Level, Where, At, Text string }

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// render turns a document into a page.
func (d *document) render(opt Options) ([]byte, error) {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	d.Style, d.Script = template.CSS(pageCSS), template.JS(pageJS) // both are part of the program
	sum := sha256.Sum256([]byte(pageJS))
	d.ScriptHash = "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("fill in the page: %w", err)
	}
	if opt.Hide == nil {
		return b.Bytes(), nil
	}
	return []byte(opt.Hide(b.String())), nil
}

// longText is how many characters of one text a page shows.
const longText = 4000

// text makes text from elsewhere fit for a page: without secrets, without characters that control or turn the direction of writing, and not endless.
// Line ends stay.
func (o Options) text(s string) string {
	if o.Hide != nil {
		s = o.Hide(s)
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > longText {
		s = string(runes[:longText]) + "…"
	}
	return strings.TrimSpace(s)
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
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
