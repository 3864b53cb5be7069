package dag_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/planner/dag"
	"pgregory.net/rapid"
)

// anyGraph draws a graph that may have cycles, also of one node.
func anyGraph(t *rapid.T) (*dag.Graph[int], int) {
	n := rapid.IntRange(1, 20).Draw(t, "nodes")
	g := dag.New[int]()
	for i := range n {
		g.Add(i)
		for _, need := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 3).Draw(t, fmt.Sprint("needs ", i)) {
			g.Connect(i, need)
		}
	}
	return g, n
}

func TestAGraphHasAnOrderOrACycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := anyGraph(t)
		order, cycle := g.Order()
		if (order == nil) == (cycle == nil) {
			t.Fatalf("order %v and cycle %v: one of them is to be there", order, cycle)
		}
		for i, k := range order {
			for _, need := range g.Needs(k) {
				if !slices.Contains(order[:i], need) {
					t.Errorf("%d stands before %d, which it needs", k, need)
				}
			}
		}
		if order != nil && len(order) != n {
			t.Errorf("the order has %d of %d nodes", len(order), n)
		}
		for i := 1; i < len(cycle); i++ {
			if !slices.Contains(g.Needs(cycle[i-1]), cycle[i]) {
				t.Errorf("cycle %v: %d does not need %d", cycle, cycle[i-1], cycle[i])
			}
		}
		if cycle != nil && (len(cycle) < 2 || cycle[0] != cycle[len(cycle)-1]) {
			t.Errorf("%v does not come back to where it starts", cycle)
		}
	})
}

// TestTheOrderTakesTheSmallestFirst compares the order with the plain definition of it.
func TestTheOrderTakesTheSmallestFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		var want []int
		for len(want) < n {
			for k := range n {
				free := !slices.ContainsFunc(g.Needs(k), func(need int) bool { return !slices.Contains(want, need) })
				if free && !slices.Contains(want, k) {
					want = append(want, k)
					break
				}
			}
		}
		if order, _ := g.Order(); !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestTheReducedGraphReachesTheSameAndHasNoEdgeToSpare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := acyclic(t)
		reduced := dag.New[int]()
		for k, needs := range g.Reduced() {
			for _, need := range needs {
				reduced.Connect(k, need)
				others := dag.New[int]()
				for k2 := range n {
					for _, need2 := range g.Needs(k2) {
						if k2 != k || need2 != need {
							others.Connect(k2, need2)
						}
					}
				}
				if others.Reaches(k, need) {
					t.Errorf("%d -> %d is drawn although other edges imply it", k, need)
				}
			}
		}
		for a := range n {
			for b := range n {
				if g.Reaches(a, b) != reduced.Reaches(a, b) {
					t.Errorf("%d reaches %d: %t, reduced %t", a, b, g.Reaches(a, b), reduced.Reaches(a, b))
				}
			}
		}
	})
}

func TestComponentsAreWhatNeedsEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, n := anyGraph(t)
		of := g.Components()
		for a := range n {
			for b := range n {
				together := a == b || (g.Reaches(a, b) && g.Reaches(b, a))
				if together != (of[a] == of[b]) {
					t.Errorf("%d and %d need each other: %t, components %d and %d", a, b, together, of[a], of[b])
				}
			}
		}
	})
}

// TestALongChainDoesNotNeedADeepStack goes through a chain that recursion would not survive cheaply.
func TestALongChainDoesNotNeedADeepStack(t *testing.T) {
	const length = 200_000
	g := dag.New[int]()
	for i := range length {
		g.Connect(i+1, i)
	}
	if of := g.Components(); len(of) != length+1 || of[0] == of[length] {
		t.Errorf("%d nodes have components", len(of))
	}
	if order, _ := g.Order(); len(order) != length+1 || order[length] != length {
		t.Errorf("the order has %d nodes", len(order))
	}
	if d := g.Depth(); d[0] != length {
		t.Errorf("%d nodes wait for the first", d[0])
	}
	if r := g.Reduced(); len(r) != length {
		t.Errorf("%d nodes have edges to draw", len(r))
	}
}
