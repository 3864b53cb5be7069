package executor

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/executor/fingerprint"
)

// TestALookIsSharedByThoseWhoAskedBeforeItBegan has builds end before, during and after looks.
func TestALookIsSharedByThoseWhoAskedBeforeItBegan(t *testing.T) {
	opened := 0
	l := &looks{open: func() *fingerprint.Computer { opened++; return fingerprint.New(fingerprint.Options{}) }}
	first, leave, err := l.join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Two end while the first looks, and one gives up.
	var group sync.WaitGroup
	got := make([]*fingerprint.Computer, 2)
	for i := range got {
		group.Go(func() {
			c, leave, err := l.join(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = c
			leave()
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, _, err := l.join(ctx); !errors.Is(err, gone) {
		t.Errorf("who gives up is told %v", err)
	}
	for waiting := 0; waiting < len(got); {
		l.mu.Lock()
		if l.next != nil {
			waiting = l.next.members
		}
		l.mu.Unlock()
		runtime.Gosched()
	}
	leave()
	group.Wait()
	if got[0] == first || got[0] != got[1] {
		t.Error("two that waited do not share a look of their own")
	}
	last, leave, err := l.join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if last == got[0] || opened != 3 {
		t.Errorf("the last shares a look that began before it asked; %d looks", opened)
	}
}
