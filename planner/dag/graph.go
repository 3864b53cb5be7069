// Package dag is a directed acyclic graph: what is added, what waits for what, in which order, and a runner that keeps to it. It knows nothing of
// what the nodes mean.
//
// One sentence fixes the direction: a node needs other nodes, and runs after them.
package dag

import (
	"cmp"
	"slices"
)

// Graph is a set of nodes and what they need.
type Graph[K cmp.Ordered] struct {
	needs map[K][]K // sorted
}

// New returns an empty graph.
func New[K cmp.Ordered]() *Graph[K] { return &Graph[K]{needs: map[K][]K{}} }

// Add adds a node; adding it again changes nothing.
func (g *Graph[K]) Add(k K) {
	if _, ok := g.needs[k]; !ok {
		g.needs[k] = nil
	}
}

// Connect records that a node needs another. Both are added.
func (g *Graph[K]) Connect(from, needs K) {
	g.Add(from)
	g.Add(needs)
	if at, known := slices.BinarySearch(g.needs[from], needs); !known {
		g.needs[from] = slices.Insert(g.needs[from], at, needs)
	}
}

// Needs returns what a node needs, sorted.
func (g *Graph[K]) Needs(k K) []K { return slices.Clone(g.needs[k]) }

// Nodes returns all nodes, sorted.
func (g *Graph[K]) Nodes() []K {
	nodes := make([]K, 0, len(g.needs))
	for k := range g.needs {
		nodes = append(nodes, k)
	}
	slices.Sort(nodes)
	return nodes
}

// Reaches tells whether a node needs another, directly or through others.
func (g *Graph[K]) Reaches(from, to K) bool {
	seen := map[K]bool{}
	stack := []K{from}
	for len(stack) > 0 {
		k := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, n := range g.needs[k] {
			if n == to {
				return true
			}
			if !seen[n] {
				seen[n] = true
				stack = append(stack, n)
			}
		}
	}
	return false
}

// Order returns the nodes so that each stands after what it needs; among those that could come next the smallest comes first. A graph with
// a cycle has no order: the nodes of the cycle, in the direction of their needs, are returned instead.
func (g *Graph[K]) Order() (order, cycle []K) {
	waiting := map[K]int{}
	dependents := g.dependents()
	ready := queue[K]{before: func(a, b K) bool { return a < b }}
	for k, needs := range g.needs {
		waiting[k] = len(needs)
		if len(needs) == 0 {
			ready.push(k)
		}
	}
	for !ready.empty() {
		k := ready.pop()
		order = append(order, k)
		for _, d := range dependents[k] {
			if waiting[d]--; waiting[d] == 0 {
				ready.push(d)
			}
		}
	}
	if len(order) == len(g.needs) {
		return order, nil
	}
	return nil, g.cycle(waiting)
}

// cycle walks along needs that are still waiting until a node comes again.
func (g *Graph[K]) cycle(waiting map[K]int) []K {
	var at K
	for _, k := range g.Nodes() {
		if waiting[k] > 0 {
			at = k
			break
		}
	}
	var path []K
	position := map[K]int{}
	for {
		if i, again := position[at]; again {
			return append(path[i:], at)
		}
		position[at] = len(path)
		path = append(path, at)
		for _, n := range g.needs[at] {
			if waiting[n] > 0 {
				at = n
				break
			}
		}
	}
}

func (g *Graph[K]) dependents() map[K][]K {
	out := map[K][]K{}
	for _, k := range g.Nodes() {
		for _, n := range g.needs[k] {
			out[n] = append(out[n], k)
		}
	}
	return out
}

// Depth returns for each node how many nodes the longest chain of those that wait for it has: what should start first.
func (g *Graph[K]) Depth() map[K]int {
	order, _ := g.Order()
	depth := map[K]int{}
	for _, k := range slices.Backward(order) {
		for _, n := range g.needs[k] {
			depth[n] = max(depth[n], depth[k]+1)
		}
	}
	return depth
}

// Reduced returns for each node those of its needs that none of its other needs implies: what to draw.
func (g *Graph[K]) Reduced() map[K][]K {
	height := g.height()
	out := map[K][]K{}
	for k, needs := range g.needs {
		implied := g.behind(needs, height)
		for _, n := range needs {
			if !implied[n] {
				out[k] = append(out[k], n)
			}
		}
	}
	return out
}

// behind returns what the nodes need, directly or through others, as far as that can be one of the nodes themselves.
func (g *Graph[K]) behind(nodes []K, height map[K]int) map[K]bool {
	if len(nodes) < 2 {
		return nil
	}
	lowest := height[nodes[0]]
	for _, n := range nodes {
		lowest = min(lowest, height[n])
	}
	seen := map[K]bool{}
	stack := slices.Clone(nodes)
	for len(stack) > 0 {
		k := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, n := range g.needs[k] {
			if !seen[n] && height[n] >= lowest {
				seen[n] = true
				stack = append(stack, n)
			}
		}
	}
	return seen
}

// height returns for each node the length of the longest chain of what it needs. It is higher than that of everything the node needs.
func (g *Graph[K]) height() map[K]int {
	order, _ := g.Order()
	height := make(map[K]int, len(order))
	for _, k := range order {
		for _, n := range g.needs[k] {
			height[k] = max(height[k], height[n]+1)
		}
	}
	return height
}
