package dag

import "cmp"

// Components numbers the nodes so that two have the same number exactly when each needs the other, directly or through others: nodes with a number of
// their own are on no cycle. The numbers mean nothing else. (Tarjan's strongly connected components, without recursion.)
func (g *Graph[K]) Components() map[K]int {
	s := &components[K]{graph: g, index: map[K]int{}, low: map[K]int{}, of: map[K]int{}}
	for _, k := range g.Nodes() {
		if _, seen := s.index[k]; !seen {
			s.visit(k)
		}
	}
	return s.of
}

// components is the state of a search: index is when a node was entered, low the earliest node it leads back to, open the nodes that are not numbered yet.
type components[K cmp.Ordered] struct {
	graph *Graph[K]
	index map[K]int
	low   map[K]int
	open  []K
	of    map[K]int
	count int
}

// hop is a node on the way of the search and which of its needs comes next.
type hop[K any] struct {
	node K
	next int
}

func (s *components[K]) visit(root K) {
	path := []hop[K]{s.enter(root)}
	for len(path) > 0 {
		at := &path[len(path)-1]
		needs := s.graph.needs[at.node]
		if at.next < len(needs) {
			n := needs[at.next]
			at.next++
			if _, seen := s.index[n]; !seen {
				path = append(path, s.enter(n))
			} else if _, numbered := s.of[n]; !numbered {
				s.low[at.node] = min(s.low[at.node], s.index[n])
			}
			continue
		}
		node := at.node
		path = path[:len(path)-1]
		s.leave(node)
		if len(path) > 0 {
			parent := path[len(path)-1].node
			s.low[parent] = min(s.low[parent], s.low[node])
		}
	}
}

func (s *components[K]) enter(k K) hop[K] {
	s.index[k] = len(s.index)
	s.low[k] = s.index[k]
	s.open = append(s.open, k)
	return hop[K]{node: k}
}

// leave numbers a whole component when its first node is done.
func (s *components[K]) leave(k K) {
	if s.low[k] != s.index[k] {
		return
	}
	for {
		last := s.open[len(s.open)-1]
		s.open = s.open[:len(s.open)-1]
		s.of[last] = s.count
		if last == k {
			break
		}
	}
	s.count++
}
