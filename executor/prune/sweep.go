package prune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	digest "github.com/opencontainers/go-digest"
)

// maxMarks is how many blobs are marked at once; what is left over is marked when these are gone.
const maxMarks = 100_000

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

// mark is a blob that nothing needed.
type mark struct {
	Digest   digest.Digest `json:"digest"`
	Size     int64         `json:"size"`
	Modified time.Time     `json:"modified"`
	// Since is when it was first seen like that.
	Since time.Time `json:"since"`
}

// marks is the document that a store keeps between sweeps.
type marks struct {
	Version int    `json:"version"`
	Marks   []mark `json:"marks"`
}

const marksVersion = 1

// grace is the longest that a policy of the store asks for.
func (s *store) grace() time.Duration {
	var d time.Duration
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
	var due, waiting []mark
	for _, m := range unneeded {
		if s.opt.Now().Sub(m.Since) >= s.grace() {
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
	out.count(due, waiting, s.grace())
	return out, nil
}

// delete deletes what is due and returns what is gone and what stays marked.
func (s *store) delete(ctx context.Context, at backend.Sweeper, due, waiting []mark, out *Sweep) (gone, left []mark, err error) {
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

func (w *Sweep) count(gone, waiting []mark, grace time.Duration) {
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
func unneededIn(ctx context.Context, at backend.Sweeper, before []mark, now time.Time) ([]mark, error) {
	needed, err := at.Needed(ctx)
	if err != nil {
		return nil, err
	}
	since := make(map[digest.Digest]mark, len(before))
	for _, m := range before {
		since[m.Digest] = m
	}
	var known, fresh []mark
	err = at.Objects(ctx, func(o backend.Object) error {
		if needed[o.Digest] {
			return nil
		}
		m, marked := since[o.Digest]
		if marked && m.Size == o.Size && m.Modified.Equal(o.Modified) && !m.Since.After(now) {
			known = append(known, m)
		} else if len(fresh) < maxMarks {
			fresh = append(fresh, mark{Digest: o.Digest, Size: o.Size, Modified: o.Modified, Since: now})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := append(known, fresh[:min(len(fresh), max(0, maxMarks-len(known)))]...)
	slices.SortFunc(list, func(a, b mark) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return list, nil
}

// readMarks reads the marks; what is not ours, or of another version, is none: then everything is marked anew, and waits.
func readMarks(ctx context.Context, at backend.Sweeper) ([]mark, error) {
	raw, err := at.Marks(ctx)
	if err != nil || raw == nil {
		return nil, err
	}
	var doc marks
	if err := json.Unmarshal(raw, &doc); err != nil || doc.Version != marksVersion || len(doc.Marks) > maxMarks {
		return nil, nil //nolint:nilerr // see above
	}
	return doc.Marks, nil
}

// writeMarks writes the marks if there are any, or were.
func writeMarks(ctx context.Context, at backend.Sweeper, before, after []mark) error {
	if len(after) == 0 {
		if len(before) == 0 {
			return nil
		}
		return at.SetMarks(ctx, nil)
	}
	raw, err := json.Marshal(marks{Version: marksVersion, Marks: after})
	if err != nil {
		return err
	}
	return at.SetMarks(ctx, raw)
}
