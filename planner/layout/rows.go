package layout

import "slices"

// rows finds the middle of each vertex: near those of its neighbours, in the order of its column, with room between. Columns settle one by one, from left to
// right and back.
func (g *graph) rows() {
	g.y = make([]int, len(g.rank))
	for _, column := range g.columns {
		y := 0
		for i, v := range column {
			if i > 0 {
				y += g.distance(column[i-1], v)
			}
			g.y[v] = y
		}
	}
	for pass := range settles {
		if pass%2 == 0 {
			for r := 1; r < len(g.columns); r++ {
				g.settle(g.columns[r], g.left)
			}
		} else {
			for r := len(g.columns) - 2; r >= 0; r-- {
				g.settle(g.columns[r], g.right)
			}
		}
	}
}

// distance is how far apart the middles of two vertices that follow each other in a column are at least.
func (g *graph) distance(above, below int) int {
	return g.size[above].Height - g.size[above].Height/2 + rowGap + g.size[below].Height/2
}

// settle moves the vertices of a column as near to where they wish to be as order and distances allow: the sum of the squares of what is left
// is the least. (Pool adjacent violators, after the distances have been taken off.)
func (g *graph) settle(column []int, neighbours [][]int) {
	type pool struct{ sum, count int }
	var pools []pool
	offsets := make([]int, len(column))
	for i, v := range column {
		if i > 0 {
			offsets[i] = offsets[i-1] + g.distance(column[i-1], v)
		}
		p := pool{g.wish(v, neighbours[v]) - offsets[i], 1}
		for len(pools) > 0 && pools[len(pools)-1].sum*p.count > p.sum*pools[len(pools)-1].count {
			last := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			p = pool{last.sum + p.sum, last.count + p.count}
		}
		pools = append(pools, p)
	}
	i := 0
	for _, p := range pools {
		for range p.count {
			g.y[column[i]] = floorDivide(p.sum, p.count) + offsets[i]
			i++
		}
	}
}

// wish is where a vertex would stand by itself: at the median of its neighbours, so that one they all share does not pull them together.
func (g *graph) wish(v int, neighbours []int) int {
	if len(neighbours) == 0 {
		return g.y[v]
	}
	list := make([]int, 0, len(neighbours))
	for _, n := range neighbours {
		list = append(list, g.y[n])
	}
	slices.Sort(list)
	return floorDivide(list[(len(list)-1)/2]+list[len(list)/2], 2)
}

// floorDivide rounds down below zero too, so that moving everything by one number moves the result by the same.
func floorDivide(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
