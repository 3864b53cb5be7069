package view

import (
	"io"
	"sync"
	"time"
)

// waitingTime is how long a verb without progress may work before it says what it does.
const waitingTime = 700 * time.Millisecond

// Waiting says on a terminal what is going on, if it takes long. What it returns takes that back; it must be called before anything else is printed.
// Elsewhere it prints nothing: a log is read when all is over.
func Waiting(w io.Writer, style Style, what string) func() {
	if style.Width == 0 || style.Dumb {
		return func() {}
	}
	return waiting(w, style, what, time.AfterFunc)
}

// waiting is Waiting with another clock.
func waiting(w io.Writer, style Style, what string, after func(time.Duration, func()) *time.Timer) func() {
	var mu sync.Mutex
	over, shown := false, false
	line := []rune(oneLine(what) + " …")
	line = line[:min(len(line), max(1, style.Width-1))]
	timer := after(waitingTime, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			shown = true
			_, _ = io.WriteString(w, string(line)+"\r") // what is logged meanwhile takes its place
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		if shown {
			_, _ = io.WriteString(w, "\x1b[2K")
			shown = false
		}
	}
}
