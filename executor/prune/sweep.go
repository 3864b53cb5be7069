package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	digest "github.com/opencontainers/go-digest"
)

// Sweep is what became of the blobs of a store that nothing needs.
type Sweep struct {
	// Deleted are gone, Waiting are marked and go when the grace period has passed; the bytes are theirs. In a dry run Deleted are those that
	// would go, and Waiting does not count what the dry run did not unlink.
	Deleted, Waiting           int
	DeletedBytes, WaitingBytes int64
	// Next is when the first of those waiting may go, zero if none waits.
	Next time.Time
	// Busy says that nothing was deleted because somebody is writing.
	Busy bool
}

// grace is the longest that a policy of the store asks for, and no shorter than the store needs.
func (s *store) grace(at backend.Sweeper) time.Duration {
	d := at.LeastGrace()
	for _, p := range s.policies() {
		d = max(d, p.Grace)
	}
	return d
}

// sweep marks what nothing needs and deletes what was marked long enough ago; nil for stores that do not sweep.
func (s *store) sweep(ctx context.Context) (*Sweep, error) {
	at, ok := s.inputs[0].dest.(backend.Sweeper)
	if !ok {
		return nil, nil
	}
	before, err := readMarks(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	unneeded, err := unneededIn(ctx, at, before, s.opt.Now())
	if err != nil {
		return nil, fmt.Errorf("find what nothing needs: %w", err)
	}
	var due, waiting []backend.Mark
	for _, m := range unneeded {
		if s.opt.Now().Sub(m.Since) >= s.grace(at) {
			due = append(due, m)
		} else {
			waiting = append(waiting, m)
		}
	}
	out := &Sweep{}
	if !s.opt.DryRun {
		if due, waiting, err = s.delete(ctx, at, due, waiting, out); err != nil {
			return nil, fmt.Errorf("delete what nothing needs: %w", err)
		}
		if err := writeMarks(ctx, at, before, waiting); err != nil {
			return nil, fmt.Errorf("write marks: %w", err)
		}
	}
	out.count(due, waiting, s.grace(at))
	return out, nil
}

// delete deletes what is due and returns what is gone and what stays marked.
func (s *store) delete(ctx context.Context, at backend.Sweeper, due, waiting []backend.Mark, out *Sweep) (gone, left []backend.Mark, err error) {
	if len(due) == 0 {
		return nil, waiting, nil
	}
	var objects []backend.Object
	for _, m := range due {
		objects = append(objects, backend.Object{Digest: m.Digest, Size: m.Size, Modified: m.Modified})
	}
	deleted, err := at.Delete(ctx, objects)
	if out.Busy = errors.Is(err, backend.ErrBusy); out.Busy {
		return nil, append(waiting, due...), nil
	}
	if err != nil {
		return nil, nil, err
	}
	done := map[digest.Digest]bool{}
	for _, o := range deleted {
		done[o.Digest] = true
	}
	for _, m := range due {
		if done[m.Digest] {
			gone = append(gone, m)
		} // what was not deleted is needed by now, or was refreshed: it is no longer marked
	}
	return gone, waiting, nil
}

func (w *Sweep) count(gone, waiting []backend.Mark, grace time.Duration) {
	for _, m := range gone {
		w.Deleted++
		w.DeletedBytes += m.Size
	}
	for _, m := range waiting {
		w.Waiting++
		w.WaitingBytes += m.Size
		if next := m.Since.Add(grace); w.Next.IsZero() || next.Before(w.Next) {
			w.Next = next
		}
	}
}

// unneededIn lists what nothing needs, with the marks it has. A blob that was refreshed since it was marked is marked anew.
func unneededIn(ctx context.Context, at backend.Sweeper, before []backend.Mark, now time.Time) ([]backend.Mark, error) {
	needed, err := at.Needed(ctx)
	if err != nil {
		return nil, err
	}
	since := make(map[digest.Digest]backend.Mark, len(before))
	for _, m := range before {
		since[m.Digest] = m
	}
	var known, fresh []backend.Mark
	err = at.Objects(ctx, func(o backend.Object) error {
		if needed[o.Digest] {
			return nil
		}
		m, marked := since[o.Digest]
		if marked && m.Size == o.Size && m.Modified.Equal(o.Modified) && !m.Since.After(now) {
			known = append(known, m)
		} else if len(fresh) < backend.MaxMarks {
			fresh = append(fresh, backend.Mark{Digest: o.Digest, Size: o.Size, Modified: o.Modified, Since: now})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := append(known, fresh[:min(len(fresh), max(0, backend.MaxMarks-len(known)))]...)
	slices.SortFunc(list, func(a, b backend.Mark) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return list, nil
}

// readMarks reads the marks.
func readMarks(ctx context.Context, at backend.Sweeper) ([]backend.Mark, error) {
	raw, err := at.Marks(ctx)
	return backend.DecodeMarks(raw), err
}

// writeMarks writes the marks if there are any, or were.
func writeMarks(ctx context.Context, at backend.Sweeper, before, after []backend.Mark) error {
	if len(after) == 0 && len(before) == 0 {
		return nil
	}
	raw, err := backend.EncodeMarks(after)
	if err != nil {
		return err
	}
	return at.SetMarks(ctx, raw)
}
