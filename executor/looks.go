package executor

import (
	"context"
	"sync"

	"github.com/cachectl/cachectl/executor/fingerprint"
)

// looks lets builds that have ended share a look at what they were built from: a directory or an address that many of them use is read once. A look is
// shared only by those who asked for it before it began, so that nobody is told of a time before his build ended. One is under way at a time; who comes meanwhile
// shares the next.
type looks struct {
	// open returns a computer that has looked at nothing yet.
	open func() *fingerprint.Computer

	mu        sync.Mutex
	now, next *look
}

// look is one look and those who share it.
type look struct {
	begun    chan struct{}
	computer *fingerprint.Computer // set when it has begun
	members  int
}

// join waits for a look that begins after the call and returns its computer. The caller calls leave exactly once when it has seen enough.
func (l *looks) join(ctx context.Context) (computer *fingerprint.Computer, leave func(), err error) {
	l.mu.Lock()
	if l.next == nil {
		l.next = &look{begun: make(chan struct{})}
	}
	mine := l.next
	mine.members++
	l.begin()
	l.mu.Unlock()
	select {
	case <-mine.begun:
		return mine.computer, func() { l.leave(mine) }, nil
	case <-ctx.Done():
		l.leave(mine)
		return nil, nil, context.Cause(ctx)
	}
}

// begin begins the next look unless one is under way.
func (l *looks) begin() {
	if l.now == nil && l.next != nil {
		l.now, l.next = l.next, nil
		l.now.computer = l.open()
		close(l.now.begun)
	}
}

func (l *looks) leave(k *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.members--
	switch {
	case k.members > 0:
	case k == l.next:
		l.next = nil
	case k == l.now:
		l.now = nil
		l.begin()
	}
}
