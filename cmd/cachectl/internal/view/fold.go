package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// A vertex that says nothing is shown when it has run for this long; housekeeping, which is never of interest by itself, later.
const (
	silentTime       = time.Second
	housekeepingTime = 5 * time.Second
)

// fold leaves out what did no work: steps taken from a cache, and housekeeping. A log of fifty targets is readable when it shows what ran, and one
// line for each target.
type fold struct {
	held  map[digest.Digest]*client.Vertex // started, not shown
	shown map[digest.Digest]bool
	done  map[digest.Digest]bool // ended without having been shown
	order []digest.Digest        // of held
	tally map[string]tally       // by target
}

func newFold() *fold {
	return &fold{
		held: map[digest.Digest]*client.Vertex{}, shown: map[digest.Digest]bool{}, done: map[digest.Digest]bool{},
		tally: map[string]tally{},
	}
}

// filter returns what is to be shown of a message about a target.
func (f *fold) filter(target string, st *client.SolveStatus) *client.SolveStatus {
	out := &client.SolveStatus{}
	for _, v := range st.Vertexes {
		f.count(target, v)
		switch {
		case f.shown[v.Digest]:
			out.Vertexes = append(out.Vertexes, v)
		case v.Error != "" || (v.Completed != nil && !v.Cached && !housekeeping(v.Name)):
			f.show(out, v)
		case v.Completed != nil:
			delete(f.held, v.Digest)
			f.done[v.Digest] = true
		case v.Started != nil:
			if f.held[v.Digest] == nil {
				f.order = append(f.order, v.Digest)
			}
			f.held[v.Digest] = v
			delete(f.done, v.Digest)
		}
	}
	for _, s := range st.Statuses {
		if v := f.held[s.Vertex]; v != nil && !v.Cached && !housekeeping(v.Name) {
			f.show(out, v)
		}
		if f.shown[s.Vertex] {
			out.Statuses = append(out.Statuses, s)
		}
	}
	for _, l := range st.Logs {
		if v := f.held[l.Vertex]; v != nil {
			f.show(out, v)
		}
		if f.shown[l.Vertex] {
			out.Logs = append(out.Logs, l)
		}
	}
	for _, w := range st.Warnings {
		if f.shown[w.Vertex] {
			out.Warnings = append(out.Warnings, w)
		}
	}
	return out
}

func (f *fold) show(out *client.SolveStatus, v *client.Vertex) {
	delete(f.held, v.Digest)
	f.shown[v.Digest] = true
	out.Vertexes = append(out.Vertexes, v)
}

// count takes down the steps of a target's Dockerfile.
func (f *fold) count(target string, v *client.Vertex) {
	if target == "" {
		return
	}
	if f.tally[target] == nil {
		f.tally[target] = tally{}
	}
	f.tally[target].take(strings.TrimPrefix(v.Name, "["+target+"] "), v)
}

// summary is the line of a target that has been built.
func (f *fold) summary(target string, v *client.Vertex) *client.SolveStatus {
	_, cached := f.tally[target].count()
	v.Name = fmt.Sprintf("[%s] %d of %d steps cached", target, cached, len(f.tally[target]))
	return &client.SolveStatus{Vertexes: []*client.Vertex{v}}
}

// tick shows what has run for long without a word.
func (f *fold) tick(now time.Time) *client.SolveStatus {
	out := &client.SolveStatus{}
	rest := f.order[:0]
	for _, d := range f.order {
		v := f.held[d]
		if v == nil {
			continue
		}
		limit := silentTime
		if housekeeping(v.Name) {
			limit = housekeepingTime
		}
		if now.Sub(*v.Started) < limit {
			rest = append(rest, d)
			continue
		}
		f.show(out, v)
	}
	f.order = rest
	return out
}

// housekeeping tells whether a vertex is of no interest unless it is slow or fails. Names of builds have their target before them.
func housekeeping(name string) bool {
	if strings.HasPrefix(name, "import ") {
		return true
	}
	_, own, ok := strings.Cut(name, "] ")
	if !ok {
		return false
	}
	for _, p := range []string{"[internal]", "[auth]", "[context ", "importing cache manifest", handover, "preparing build cache", "export to ", "merge"} {
		if strings.HasPrefix(own, p) {
			return true
		}
	}
	return false
}
