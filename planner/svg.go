package planner

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"

	"github.com/cachectl/cachectl/planner/layout"
)

// Mark is what a picture adds to a step. The zero value adds nothing.
type Mark struct {
	// Class is a CSS class: letters, digits and dashes. The picture knows done, cached, up-to-date, failed, skipped and missing.
	Class string
	// Note is shown under the step's name in place of where it comes from.
	Note string
	// Left leaves the step out.
	Left bool
}

// SVG is the plan as a picture, with the edges that others do not imply: sources left, destinations right. It is whole in itself, follows the reader's
// light or dark scheme, and is the same on every machine. mark says what is to be added to a step; it may be nil.
func (p *Plan) SVG(mark func(*Step) Mark) string {
	at := map[StepID]int{}
	var nodes []layout.Size
	var cards []card
	for _, s := range p.Steps {
		if mark != nil && mark(s).Left {
			continue
		}
		at[s.ID] = len(cards)
		cards = append(cards, newCard(s, mark))
		nodes = append(nodes, layout.Size{Width: cards[at[s.ID]].width(), Height: cardHeight})
	}
	var edges []layout.Edge
	p.edges(func(from, to StepID) {
		f, drawn := at[from]
		t, also := at[to]
		if drawn && also {
			edges = append(edges, layout.Edge{From: f, To: t})
		}
	})
	l := layout.Layered(nodes, edges)

	var b strings.Builder
	width, height := l.Width+2*pictureMargin, l.Height+2*pictureMargin
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plan\" role=\"img\" aria-label=\"plan\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n",
		width, height, width, height)
	b.WriteString(pictureStyle)
	fmt.Fprintf(&b, "<g transform=\"translate(%d %d)\">\n", pictureMargin, pictureMargin)
	for _, path := range l.Paths {
		fmt.Fprintf(&b, "<path class=\"edge\" d=\"%s\"/>\n", curve(path))
	}
	for i, box := range l.Boxes {
		cards[i].draw(&b, box)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

const (
	pictureMargin = 16
	cardHeight    = 42
	cardPadding   = 12
	// glyph is the width of a character of the monospaced font at 12 px, in tenths of a pixel, with some room.
	glyph = 75
	// cardLetters is how much of a name a card shows; the rest is in its title.
	cardLetters = 46
)

// pictureStyle colors by kind and outcome, and is part of the picture so that it is one piece.
const pictureStyle = `<style>
svg.plan{--page:#fff;--ink:#1f2328;--soft:#59636e;--card:#fff;--line:#afb8c1;--import:#0969da;--build:#8250df;--merge:#bf3989;--export:#0f7b8a;--good:#1a7f37;--bad:#cf222e;--wait:#9a6700;background:var(--page);font:12px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){svg.plan{--page:#0d1117;--ink:#e6edf3;--soft:#9198a1;--card:#151b23;--line:#4a525c;--import:#4493f8;--build:#ab7df8;--merge:#db61a2;--export:#39c5cf;--good:#3fb950;--bad:#f85149;--wait:#d29922}}
svg.plan .edge{fill:none;stroke:var(--line);stroke-width:1.5}
svg.plan .step rect{fill:var(--card);stroke:var(--line)}
svg.plan .step .side{stroke:none;fill:var(--kind)}
svg.plan .step text{fill:var(--ink)}
svg.plan .step .note{fill:var(--soft);font-size:11px}
svg.plan .import{--kind:var(--import)}
svg.plan .build{--kind:var(--build)}
svg.plan .merge{--kind:var(--merge)}
svg.plan .export{--kind:var(--export)}
svg.plan .failed .card{stroke:var(--bad);stroke-width:2}
svg.plan .failed .note{fill:var(--bad)}
svg.plan .skipped,svg.plan .missing{opacity:.6}
svg.plan .skipped .card,svg.plan .missing .card{stroke-dasharray:4 3}
svg.plan .cached .note,svg.plan .done .note,svg.plan .up-to-date .note{fill:var(--good)}
</style>
`

// card is a step in a picture: a bar in the color of its kind, its name, and a note.
type card struct{ class, name, note, title string }

func newCard(s *Step, mark func(*Step) Mark) card {
	c := card{class: string(s.Kind), name: clean(label(s)), title: clean(string(s.ID) + "\n" + s.Reason)}
	kind, name, split := strings.Cut(c.name, " ")
	c.note = string(s.Kind)
	if split && (s.Kind == KindImport || s.Kind == KindExport) {
		c.name, c.note = name, string(s.Kind)+" · "+kind
	}
	if s.Kind == KindMerge {
		c.name, c.note = clean(s.Merge.Transfer.Name), "transfer"
	}
	if s.Kind == KindImport && len(s.Import.For) > 1 {
		c.note += fmt.Sprintf(" · shared by %d", len(s.Import.For))
	}
	if mark != nil {
		m := mark(s)
		if m.Class != "" {
			c.class += " " + m.Class
		}
		if m.Note != "" {
			c.note = clean(m.Note)
		}
	}
	c.name, c.note = middle(c.name, cardLetters), middle(c.note, cardLetters)
	return c
}

func (c card) width() int { return max(letters(c.name), letters(c.note))*glyph/10 + 2*cardPadding }

func (c card) draw(b *strings.Builder, box layout.Box) {
	fmt.Fprintf(b, "<g class=\"step %s\" transform=\"translate(%d %d)\"><title>%s</title>", escape(c.class), box.X, box.Y, escape(c.title))
	fmt.Fprintf(b, "<rect class=\"card\" width=\"%d\" height=\"%d\" rx=\"6\"/><rect class=\"side\" width=\"4\" height=\"%d\" rx=\"2\"/>", box.Width, box.Height, box.Height)
	fmt.Fprintf(b, "<text x=\"%d\" y=\"18\">%s</text><text class=\"note\" x=\"%d\" y=\"33\">%s</text></g>\n", cardPadding, escape(c.name), cardPadding, escape(c.note))
}

// curve draws an edge: curves between columns, straight past them.
func curve(path []layout.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", path[0].X, path[0].Y)
	for i := 1; i < len(path); i++ {
		from, to := path[i-1], path[i]
		if i%2 == 0 || from.Y == to.Y {
			fmt.Fprintf(&b, "L%d %d", to.X, to.Y)
			continue
		}
		half := (from.X + to.X) / 2
		fmt.Fprintf(&b, "C%d %d %d %d %d %d", half, from.Y, half, to.Y, to.X, to.Y)
	}
	return b.String()
}

// middle leaves out the middle of what is too long.
func middle(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	head := most / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-head-1):])
}

// letters is how many columns a text takes: East Asian characters and pictographs take two.
func letters(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}

// clean replaces characters that no picture can show, or that change the direction of what follows.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
