package view

import (
	"bytes"
	"regexp"
)

// showCursor ends each frame that BuildKit's display draws.
var showCursor = []byte("\x1b[?25h")

// sgr are the escape sequences that colour text.
var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// terminal passes on the frames of a display one at a time, each in one write, so that they do not flicker; without color if so asked.
type terminal struct {
	*Output
	color bool
	frame []byte
}

// Write takes in a piece of a frame.
func (t *terminal) Write(p []byte) (int, error) {
	t.frame = append(t.frame, p...)
	if bytes.HasSuffix(p, showCursor) {
		t.flush()
	}
	return len(p), nil
}

// flush writes what there is. That the terminal is gone is no reason to stop a run.
func (t *terminal) flush() {
	frame := t.frame
	if !t.color {
		frame = sgr.ReplaceAll(frame, nil)
	}
	_, _ = t.Output.Write(frame)
	t.frame = t.frame[:0]
}
