package view

import (
	"bytes"
	"regexp"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// escapes are terminal escape sequences: CSI, OSC and the two-character ones (ECMA-48).
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")

// longestLine is how much of a line without an end is kept back, in bytes.
const longestLine = 16 << 10

// lineBuffer puts the logs of builds into whole lines, harmless to a terminal: a display that shows several builds would else tear lines apart.
type lineBuffer struct {
	open map[digest.Digest]*client.VertexLog
}

// add returns the whole lines of a log message, nil if there are none yet.
func (b *lineBuffer) add(l *client.VertexLog) *client.VertexLog {
	if b.open == nil {
		b.open = map[digest.Digest]*client.VertexLog{}
	}
	c := *l
	if before := b.open[l.Vertex]; before != nil {
		c.Data = append(bytes.Clone(before.Data), l.Data...)
		delete(b.open, l.Vertex)
	}
	end := bytes.LastIndexByte(c.Data, '\n') + 1
	if len(c.Data)-end > longestLine {
		end = len(c.Data)
	}
	if end < len(c.Data) {
		rest := c
		rest.Data = bytes.Clone(c.Data[end:])
		b.open[l.Vertex] = &rest
	}
	if end == 0 {
		return nil
	}
	c.Data = cleanLines(c.Data[:end])
	return &c
}

// end returns what is left of a vertex's log, as a line.
func (b *lineBuffer) end(d digest.Digest) *client.VertexLog {
	l := b.open[d]
	if l == nil {
		return nil
	}
	delete(b.open, d)
	l.Data = cleanLines(l.Data)
	return l
}

// cleanLines drops escape sequences and what a carriage return took back, spells out other control characters, and ends the last line.
func cleanLines(data []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		line = escapes.ReplaceAll(bytes.TrimRight(line, "\r\n"), nil)
		if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:]
		}
		out.WriteString(printable(string(line)) + "\n")
	}
	return out.Bytes()
}
