package view

import (
	"bytes"
	"testing"
	"time"
)

func TestWaitingIsToldOnATerminalAndTakenBack(t *testing.T) {
	var fire func()
	clock := func(_ time.Duration, f func()) *time.Timer {
		fire = f
		return time.NewTimer(time.Hour)
	}
	var buf bytes.Buffer
	stop := waiting(&buf, Style{Width: 12}, "read caches", clock)
	fire()
	stop()
	stop()
	if got, want := buf.String(), "read caches\r\x1b[2K"; got != want {
		t.Errorf("what takes long prints %q, want %q", got, want)
	}

	buf.Reset()
	stop = waiting(&buf, Style{Width: 80}, "read caches", clock)
	stop()
	fire()
	if buf.Len() > 0 {
		t.Errorf("what is over prints %q", buf.String())
	}

	Waiting(&buf, Style{}, "read caches")()
	Waiting(&buf, Style{Width: 80, Dumb: true}, "read caches")()
	if buf.Len() > 0 {
		t.Errorf("a log has %q", buf.String())
	}
}
