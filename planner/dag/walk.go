package dag

import (
	"cmp"
	"context"

	"golang.org/x/sync/errgroup"
)

// State is how a node ended.
type State int

// The states of nodes.
const (
	// Done lets what needs the node run.
	Done State = iota
	// Failed keeps what needs the node from running.
	Failed
	// Skipped is a node that did not run because something it needs failed or was skipped, or because the walk was stopped.
	Skipped
)

// Walk runs fn for every node when all it needs has ended, at most limit at once (0: no limit), and returns how each ended. A node
// runs if all its needs are done; a need for which optional is true may have failed as well. Of several nodes that are ready the one
// that the longest chain waits for starts first. Once ctx ends nothing more starts; Walk returns when all that runs has ended.
func Walk[K cmp.Ordered](ctx context.Context, g *Graph[K], limit int, optional func(from, need K) bool, fn func(context.Context, K) State) map[K]State {
	w := &walk[K]{
		graph: g, depth: g.Depth(), dependents: g.dependents(), optional: optional,
		waiting: map[K]int{}, states: map[K]State{}, ended: make(chan ending[K], len(g.needs)),
	}
	w.ready.before = w.before
	for k, needs := range g.needs {
		w.waiting[k] = len(needs)
		if len(needs) == 0 {
			w.ready.push(k)
		}
	}
	// Workers report over a channel that holds all reports, so the scheduler decides alone what is ready and no worker waits for another.
	var group errgroup.Group
	running := 0
	for len(w.states) < len(g.needs) {
		for !w.ready.empty() && (limit <= 0 || running < limit) {
			k := w.ready.pop()
			if ctx.Err() != nil || !w.runnable(k) {
				w.end(k, Skipped)
				continue
			}
			running++
			group.Go(func() error {
				w.ended <- ending[K]{k, fn(ctx, k)}
				return nil
			})
		}
		if running == 0 {
			break // all is done, or what is left waits for itself: a cycle
		}
		e := <-w.ended
		running--
		w.end(e.node, e.state)
	}
	_ = group.Wait()
	return w.states
}

type ending[K cmp.Ordered] struct {
	node  K
	state State
}

type walk[K cmp.Ordered] struct {
	graph      *Graph[K]
	depth      map[K]int
	dependents map[K][]K
	optional   func(from, need K) bool
	waiting    map[K]int
	ready      queue[K]
	states     map[K]State
	ended      chan ending[K]
}

func (w *walk[K]) runnable(k K) bool {
	for _, n := range w.graph.needs[k] {
		if w.states[n] != Done && (w.optional == nil || !w.optional(k, n)) {
			return false
		}
	}
	return true
}

// end records how a node ended and makes ready what waited for it last.
func (w *walk[K]) end(k K, s State) {
	w.states[k] = s
	for _, d := range w.dependents[k] {
		if w.waiting[d]--; w.waiting[d] == 0 {
			w.ready.push(d)
		}
	}
}

// before puts what the longest chain waits for first.
func (w *walk[K]) before(a, b K) bool {
	if w.depth[a] != w.depth[b] {
		return w.depth[a] > w.depth[b]
	}
	return a < b
}
