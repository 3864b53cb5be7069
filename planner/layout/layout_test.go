package layout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func randomGraph(t *rapid.T) ([]Size, []Edge) {
	n := rapid.IntRange(0, 40).Draw(t, "nodes")
	nodes := make([]Size, n)
	for i := range nodes {
		nodes[i] = Size{Width: rapid.IntRange(1, 300).Draw(t, "width"), Height: rapid.IntRange(1, 80).Draw(t, "height")}
	}
	var edges []Edge
	if n > 1 {
		for range rapid.IntRange(0, 80).Draw(t, "edges") {
			from := rapid.IntRange(0, n-2).Draw(t, "from")
			edges = append(edges, Edge{From: from, To: rapid.IntRange(from+1, n-1).Draw(t, "to")})
		}
	}
	return nodes, edges
}

// TestNothingOverlapsAndEdgesLeadForward lays out any graph: boxes keep apart, all is inside the picture, edges start and end at their boxes and lead right.
func TestNothingOverlapsAndEdgesLeadForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, edges := randomGraph(t)
		l := Layered(nodes, edges)
		for i, a := range l.Boxes {
			if a.X < 0 || a.Y < 0 || a.X+a.Width > l.Width || a.Y+a.Height > l.Height || a.Width < nodes[i].Width || a.Height != nodes[i].Height {
				t.Fatalf("box %d is %+v in %d x %d", i, a, l.Width, l.Height)
			}
			for _, b := range l.Boxes[:i] {
				if a.X < b.X+b.Width && b.X < a.X+a.Width && a.Y < b.Y+b.Height && b.Y < a.Y+a.Height {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
		for i, e := range edges {
			from, to, path := l.Boxes[e.From], l.Boxes[e.To], l.Paths[i]
			if first := path[0]; first != (Point{from.X + from.Width, from.Y + from.Height/2}) {
				t.Fatalf("edge %d starts at %+v, its box is %+v", i, first, from)
			}
			if last := path[len(path)-1]; last != (Point{to.X, to.Y + to.Height/2}) {
				t.Fatalf("edge %d ends at %+v, its box is %+v", i, last, to)
			}
			for k := 1; k < len(path); k++ {
				if path[k].X < path[k-1].X {
					t.Fatalf("edge %d goes back: %v", i, path)
				}
			}
		}
		if diff := cmp.Diff(l, Layered(nodes, edges)); diff != "" {
			t.Fatalf("the second time it is another layout:\n%s", diff)
		}
	})
}

// TestEdgesPassBoxesBy holds that an edge over several columns crosses no box on its level stretches.
func TestEdgesPassBoxesBy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, edges := randomGraph(t)
		l := Layered(nodes, edges)
		for _, path := range l.Paths {
			for k := 1; k+1 < len(path)-1; k += 2 {
				a, b := path[k], path[k+1]
				if a.Y != b.Y {
					t.Fatalf("%v to %v is not level", a, b)
				}
				for _, box := range l.Boxes {
					if a.X < box.X+box.Width && b.X > box.X && a.Y > box.Y && a.Y < box.Y+box.Height {
						t.Fatalf("%v to %v goes through %+v", a, b, box)
					}
				}
			}
		}
	})
}

// TestChainsBesideEachOtherDoNotCross is what most plans are: many source, build and destination chains.
func TestChainsBesideEachOtherDoNotCross(t *testing.T) {
	var nodes []Size
	var edges []Edge
	const chains = 24
	for range 3 * chains {
		nodes = append(nodes, Size{Width: 100, Height: 40})
	}
	for i := range chains { // deliberately shuffled
		build, export := chains+(i*7)%chains, 2*chains+(i*5)%chains
		edges = append(edges, Edge{i, build}, Edge{build, export})
	}
	g := newGraph(nodes, edges)
	g.order()
	if n := g.crossings(); n != 0 {
		t.Errorf("%d crossings", n)
	}
	for i, path := range Layered(nodes, edges).Paths {
		if path[0].Y != path[1].Y {
			t.Errorf("edge %d of a chain is not level: %v", i, path)
		}
	}
}

// TestLargeGraphsTakeSeconds bounds time where every node has an edge over all columns.
func TestLargeGraphsTakeSeconds(t *testing.T) {
	const n = 5000
	nodes := make([]Size, n)
	var edges []Edge
	for i := range n - 1 {
		edges = append(edges, Edge{i, i + 1}, Edge{i, n - 1})
		nodes[i] = Size{10, 10}
	}
	start := time.Now()
	Layered(nodes, edges)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%d nodes took %s", n, took)
	}
}
