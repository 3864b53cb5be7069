package dag_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/planner/dag"
	"pgregory.net/rapid"
)

// TestStatesFollowFromFailuresAndOptionalNeeds compares the states with what the rules say, node by node in order.
func TestStatesFollowFromFailuresAndOptionalNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		fails := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "fails")
		weak := rapid.Uint64().Draw(t, "optional edges")
		optional := func(from, need int) bool { return weak>>((from*7+need)%64)&1 == 1 }
		states := dag.Walk(context.Background(), g, rapid.IntRange(0, 4).Draw(t, "limit"), optional, func(_ context.Context, k int) dag.State {
			if fails[k] {
				return dag.Failed
			}
			return dag.Done
		})
		want := map[int]dag.State{}
		for k := range n { // nodes need smaller ones only
			switch blocked := slices.ContainsFunc(g.Needs(k), func(need int) bool { return want[need] != dag.Done && !optional(k, need) }); {
			case blocked:
				want[k] = dag.Skipped
			case fails[k]:
				want[k] = dag.Failed
			default:
				want[k] = dag.Done
			}
			if states[k] != want[k] {
				t.Errorf("node %d is %d, want %d", k, states[k], want[k])
			}
		}
		if len(states) != n {
			t.Errorf("%d of %d nodes have a state", len(states), n)
		}
	})
}

// TestAsManyRunAtOnceAsTheLimitAllows holds each node until the limit is reached: a walk that leaves a place empty never ends.
func TestAsManyRunAtOnceAsTheLimitAllows(t *testing.T) {
	for _, limit := range []int{1, 3, 8, 0} {
		g := dag.New[int]()
		const nodes = 8
		for i := range nodes {
			g.Add(i)
		}
		together := limit
		if limit == 0 {
			together = nodes
		}
		var first sync.WaitGroup
		first.Add(together)
		var mu sync.Mutex
		running, most, started := 0, 0, 0
		dag.Walk(t.Context(), g, limit, nil, func(context.Context, int) dag.State {
			mu.Lock()
			running++
			started++
			most = max(most, running)
			wait := started <= together
			mu.Unlock()
			if wait {
				first.Done()
				first.Wait()
			}
			mu.Lock()
			running--
			mu.Unlock()
			return dag.Done
		})
		if most != together {
			t.Errorf("limit %d: %d ran at once, want %d", limit, most, together)
		}
	}
}

// TestALimitCannotKeepAWalkFromEnding runs graphs of every shape with one place: what waits takes none.
func TestALimitCannotKeepAWalkFromEnding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		ran := 0
		dag.Walk(context.Background(), g, 1, nil, func(context.Context, int) dag.State { ran++; return dag.Done })
		if ran != n {
			t.Errorf("%d of %d nodes ran", ran, n)
		}
	})
}

// TestTheLongestChainStartsFirst looks at the order in which one place is given away.
func TestTheLongestChainStartsFirst(t *testing.T) {
	g := dag.New[string]()
	for _, k := range []string{"a", "b", "z1", "m1"} {
		g.Add(k)
	}
	g.Connect("z2", "z1")
	g.Connect("z3", "z2")
	g.Connect("m2", "m1")
	for range 20 {
		var started []string
		dag.Walk(t.Context(), g, 1, nil, func(_ context.Context, k string) dag.State {
			started = append(started, k)
			return dag.Done
		})
		if want := []string{"z1", "m1", "z2", "a", "b", "m2", "z3"}; !slices.Equal(started, want) {
			t.Fatalf("started %v, want %v", started, want)
		}
	}
}

// TestFailFastLetsWhatRunsEndAndStartsNothing stops the walk from a node that fails while another runs.
func TestFailFastLetsWhatRunsEndAndStartsNothing(t *testing.T) {
	g := dag.New[string]()
	g.Connect("after slow", "slow")
	g.Add("broken")
	g.Add("waiting")
	ctx, cancel := context.WithCancelCause(t.Context())
	first := errors.New("first failure")
	slowRuns := make(chan struct{})
	var mu sync.Mutex
	var ended []string
	states := dag.Walk(ctx, g, 2, nil, func(ctx context.Context, k string) dag.State {
		defer func() {
			mu.Lock()
			ended = append(ended, k)
			mu.Unlock()
		}()
		if k == "broken" {
			<-slowRuns
			cancel(first)
			return dag.Failed
		}
		close(slowRuns)
		<-ctx.Done() // the node is told, and ends as it likes
		if !errors.Is(context.Cause(ctx), first) {
			t.Errorf("the context ended with %v", context.Cause(ctx))
		}
		return dag.Done
	})
	slices.Sort(ended)
	if !slices.Equal(ended, []string{"broken", "slow"}) {
		t.Errorf("%v ran to their ends, want broken and slow", ended)
	}
	want := map[string]dag.State{"slow": dag.Done, "broken": dag.Failed, "waiting": dag.Skipped, "after slow": dag.Skipped}
	for k, s := range want {
		if states[k] != s {
			t.Errorf("%s is %d, want %d", k, states[k], s)
		}
	}
}

// TestAWalkOfACycleEnds runs a graph that nobody should have made: what is on the cycle has no state.
func TestAWalkOfACycleEnds(t *testing.T) {
	g := dag.New[string]()
	g.Connect("a", "b")
	g.Connect("b", "a")
	g.Add("free")
	states := dag.Walk(t.Context(), g, 2, nil, func(context.Context, string) dag.State { return dag.Done })
	if _, ran := states["a"]; ran || len(states) != 1 {
		t.Errorf("states are %v, want free alone", states)
	}
}
