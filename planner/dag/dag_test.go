package dag_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/cachectl/cachectl/planner/dag"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// acyclic draws a graph whose nodes need smaller ones only.
func acyclic(t *rapid.T) (*dag.Graph[int], int) {
	n := rapid.IntRange(1, 40).Draw(t, "nodes")
	g := dag.New[int]()
	for i := range n {
		g.Add(i)
		for _, need := range rapid.SliceOfN(rapid.IntRange(0, max(i-1, 0)), 0, 4).Draw(t, fmt.Sprint("needs ", i)) {
			if need != i {
				g.Connect(i, need)
			}
		}
	}
	return g, n
}

func TestANodeRunsAfterAllItNeedsAndNeverMoreThanTheLimitAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		limit := rapid.IntRange(0, 5).Draw(t, "limit")
		var mu sync.Mutex
		ended := map[int]bool{}
		running, most := 0, 0
		states := dag.Walk(context.Background(), g, limit, nil, func(_ context.Context, k int) dag.State {
			mu.Lock()
			running++
			most = max(most, running)
			for _, need := range g.Needs(k) {
				if !ended[need] {
					t.Errorf("%d ran before %d, which it needs, had ended", k, need)
				}
			}
			mu.Unlock()
			runtime.Gosched() // others may start meanwhile
			mu.Lock()
			defer mu.Unlock()
			running--
			ended[k] = true
			return dag.Done
		})
		if len(ended) != n || len(states) != n {
			t.Fatalf("%d of %d nodes ran", len(ended), n)
		}
		if limit > 0 && most > limit {
			t.Errorf("%d ran at once, the limit is %d", most, limit)
		}
	})
}

func TestAFailureSkipsExactlyWhatNeedsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		broken := rapid.IntRange(0, n-1).Draw(t, "broken")
		states := dag.Walk(context.Background(), g, 3, nil, func(_ context.Context, k int) dag.State {
			if k == broken {
				return dag.Failed
			}
			return dag.Done
		})
		for k, s := range states {
			want := dag.Done
			switch {
			case k == broken:
				want = dag.Failed
			case g.Reaches(k, broken):
				want = dag.Skipped
			}
			if s != want {
				t.Errorf("node %d is %d, want %d", k, s, want)
			}
		}
	})
}

func TestAnOptionalNeedMayFail(t *testing.T) {
	g := dag.New[string]()
	g.Connect("build", "import")
	states := dag.Walk(t.Context(), g, 0, func(_, _ string) bool { return true }, func(_ context.Context, k string) dag.State {
		if k == "import" {
			return dag.Failed
		}
		return dag.Done
	})
	if states["build"] != dag.Done {
		t.Errorf("build is %d", states["build"])
	}
}

func TestNothingStartsAfterTheEndOfTheContext(t *testing.T) {
	g := dag.New[int]()
	for i := range 10 {
		g.Connect(i+1, i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	states := dag.Walk(ctx, g, 1, nil, func(context.Context, int) dag.State {
		ran++
		cancel()
		return dag.Done
	})
	if ran != 1 || states[10] != dag.Skipped {
		t.Errorf("%d nodes ran, the last is %d", ran, states[10])
	}
}

func TestOrderAndCycles(t *testing.T) {
	g := dag.New[string]()
	g.Connect("c", "b")
	g.Connect("b", "a")
	g.Connect("c", "a")
	order, cycle := g.Order()
	if !slices.Equal(order, []string{"a", "b", "c"}) || cycle != nil {
		t.Errorf("order %v, cycle %v", order, cycle)
	}
	if r := g.Reduced()["c"]; !slices.Equal(r, []string{"b"}) {
		t.Errorf("c is drawn with %v, b implies a", r)
	}
	g.Connect("a", "c")
	if order, cycle := g.Order(); order != nil || len(cycle) < 3 || cycle[0] != cycle[len(cycle)-1] {
		t.Errorf("order %v, cycle %v", order, cycle)
	}
}
