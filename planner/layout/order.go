package layout

import "slices"

// order arranges each column so that few edges cross: from an order that keeps what is connected together, each column is sorted by the middle of its
// neighbours' places, from left to right and back, and the best arrangement is kept.
func (g *graph) order() {
	g.columns = g.firstOrder()
	g.at = make([]int, len(g.rank))
	for _, c := range g.columns {
		g.place(c)
	}
	best, fewest := g.copyColumns(), g.crossings()
	for sweep := 0; sweep < sweeps && fewest > 0; sweep++ {
		if sweep%2 == 0 {
			for r := 1; r < len(g.columns); r++ {
				g.sort(g.columns[r], g.left)
			}
		} else {
			for r := len(g.columns) - 2; r >= 0; r-- {
				g.sort(g.columns[r], g.right)
			}
		}
		if n := g.crossings(); n < fewest {
			best, fewest = g.copyColumns(), n
		}
	}
	g.columns = best
	for _, c := range g.columns {
		g.place(c)
	}
}

// firstOrder visits what is connected before it goes on to the next vertex.
func (g *graph) firstOrder() [][]int {
	count := 0
	for _, r := range g.rank {
		count = max(count, r+1)
	}
	columns := make([][]int, count)
	seen := make([]bool, len(g.rank))
	for first := range g.rank {
		for stack := []int{first}; len(stack) > 0; {
			v := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[v] {
				continue
			}
			seen[v] = true
			columns[g.rank[v]] = append(columns[g.rank[v]], v)
			for _, next := range [][]int{g.left[v], g.right[v]} {
				for _, n := range slices.Backward(next) {
					stack = append(stack, n)
				}
			}
		}
	}
	return columns
}

func (g *graph) place(column []int) {
	for i, v := range column {
		g.at[v] = i
	}
}

// sort orders a column by the mean place of each vertex's neighbours; a vertex without any stays where it is.
func (g *graph) sort(column []int, neighbours [][]int) {
	type mean struct{ sum, count int }
	means := make(map[int]mean, len(column))
	for _, v := range column {
		m := mean{g.at[v], 1}
		if len(neighbours[v]) > 0 {
			m = mean{0, len(neighbours[v])}
			for _, n := range neighbours[v] {
				m.sum += g.at[n]
			}
		}
		means[v] = m
	}
	slices.SortStableFunc(column, func(a, b int) int { return means[a].sum*means[b].count - means[b].sum*means[a].count })
	g.place(column)
}

func (g *graph) copyColumns() [][]int {
	out := make([][]int, len(g.columns))
	for r, c := range g.columns {
		out[r] = slices.Clone(c)
	}
	return out
}

// crossings counts the pairs of edges between neighbouring columns that cross (Barth, Jünger, Mutzel: Simple and Efficient Bilayer Cross Counting, 2002).
func (g *graph) crossings() int {
	total := 0
	for r := 0; r+1 < len(g.columns); r++ {
		below := make([]int, len(g.columns[r+1])+1) // a Fenwick tree: how many edges end at or above a place
		seen := 0
		for _, v := range g.columns[r] {
			for _, to := range g.right[v] {
				above := 0
				for i := g.at[to] + 1; i > 0; i -= i & -i {
					above += below[i]
				}
				total += seen - above
			}
			for _, to := range g.right[v] {
				seen++
				for i := g.at[to] + 1; i < len(below); i += i & -i {
					below[i]++
				}
			}
		}
	}
	return total
}
