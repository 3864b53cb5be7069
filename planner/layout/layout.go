package layout

// Size is the width and height of a node.
type Size struct{ Width, Height int }

// Edge goes from a node to one that comes after it, both by index.
type Edge struct{ From, To int }

// Box is where a node is: its upper left corner and its size. All boxes of a column have one width.
type Box struct{ X, Y, Width, Height int }

// Point is a place on the plane; y grows downwards.
type Point struct{ X, Y int }

// Layout is the places of a graph. Everything lies between 0 and Width, 0 and Height.
type Layout struct {
	Width, Height int
	// Boxes are in the order of the nodes.
	Boxes []Box
	// Paths are the corners of the edges in the order of the edges, from the right side of a box to the left side of another. Every second stretch, those
	// that begin at an odd corner, is level: it leads past a column.
	Paths [][]Point
}

const (
	columnGap = 56 // between columns
	rowGap    = 14 // between boxes of a column
	bendSize  = 6  // what a bend takes of a column
	// maxBends is how many bends are worth their time; the edges of a graph with more of them go straight.
	maxBends = 20000
	// sweeps is how often the order in the columns is improved, settles how often the rows are.
	sweeps  = 12
	settles = 9
)

// Layered lays a graph out. Nodes come in an order in which each edge leads forward; other edges are not drawn.
func Layered(nodes []Size, edges []Edge) *Layout {
	g := newGraph(nodes, edges)
	g.order()
	g.rows()
	return g.layout(nodes, edges)
}

// graph is a layout in the making. Its vertices are the nodes, then the bends.
type graph struct {
	rank []int
	size []Size
	// left and right are the neighbours of a vertex in the ranks beside its own.
	left, right [][]int
	// columns are the vertices of each rank from top to bottom, at is a vertex's place in its column, y its middle.
	columns [][]int
	at, y   []int
	// chains are the bends of each edge.
	chains [][]int
}

func newGraph(nodes []Size, edges []Edge) *graph {
	g := &graph{rank: ranks(len(nodes), edges), size: append([]Size(nil), nodes...), chains: make([][]int, len(edges))}
	g.left, g.right = make([][]int, len(nodes)), make([][]int, len(nodes))
	bends := 0
	for _, e := range edges {
		bends += max(0, g.rank[e.To]-g.rank[e.From]-1)
	}
	for i, e := range edges {
		if e.From >= e.To {
			continue
		}
		from := e.From
		for r := g.rank[e.From] + 1; r < g.rank[e.To] && bends <= maxBends; r++ {
			bend := len(g.rank)
			g.rank, g.size = append(g.rank, r), append(g.size, Size{Height: bendSize})
			g.left, g.right = append(g.left, nil), append(g.right, nil)
			g.chains[i] = append(g.chains[i], bend)
			g.connect(from, bend)
			from = bend
		}
		g.connect(from, e.To)
	}
	return g
}

func (g *graph) connect(from, to int) {
	if g.rank[from]+1 != g.rank[to] {
		return // too many bends: it goes straight, and has no say in the order
	}
	g.right[from] = append(g.right[from], to)
	g.left[to] = append(g.left[to], from)
}

// ranks puts each node right of all it comes after; one that comes after nothing stands next to the first that comes after it.
func ranks(n int, edges []Edge) []int {
	rank, incoming := make([]int, n), make([]int, n)
	after := make([][]int, n)
	for _, e := range edges {
		if e.From < e.To {
			after[e.From] = append(after[e.From], e.To)
			incoming[e.To]++
		}
	}
	for from := range n {
		for _, to := range after[from] {
			rank[to] = max(rank[to], rank[from]+1)
		}
	}
	for node := range n {
		if incoming[node] > 0 || len(after[node]) == 0 {
			continue
		}
		rank[node] = rank[after[node][0]] - 1
		for _, to := range after[node] {
			rank[node] = min(rank[node], rank[to]-1)
		}
	}
	return rank
}

// layout turns ranks and rows into coordinates.
func (g *graph) layout(nodes []Size, edges []Edge) *Layout {
	l := &Layout{Boxes: make([]Box, len(nodes)), Paths: make([][]Point, len(edges))}
	widths := make([]int, len(g.columns))
	for v, r := range g.rank {
		widths[r] = max(widths[r], g.size[v].Width)
	}
	starts := make([]int, len(g.columns))
	for r := range widths {
		starts[r] = l.Width
		l.Width += widths[r] + columnGap
	}
	l.Width = max(0, l.Width-columnGap)
	top := 0
	for v := range g.rank {
		top = min(top, g.y[v]-g.size[v].Height/2)
	}
	for v := range g.rank {
		g.y[v] -= top
		l.Height = max(l.Height, g.y[v]+g.size[v].Height-g.size[v].Height/2)
	}
	for v, s := range nodes {
		l.Boxes[v] = Box{X: starts[g.rank[v]], Y: g.y[v] - s.Height/2, Width: widths[g.rank[v]], Height: s.Height}
	}
	for i, e := range edges {
		path := []Point{{starts[g.rank[e.From]] + widths[g.rank[e.From]], g.y[e.From]}}
		for _, bend := range g.chains[i] {
			x := starts[g.rank[bend]]
			path = append(path, Point{x, g.y[bend]}, Point{x + widths[g.rank[bend]], g.y[bend]})
		}
		l.Paths[i] = append(path, Point{starts[g.rank[e.To]], g.y[e.To]})
	}
	return l
}
