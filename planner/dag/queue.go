package dag

// queue is a priority queue: pop returns the item that before puts first.
type queue[T any] struct {
	items  []T
	before func(a, b T) bool
}

func (q *queue[T]) empty() bool { return len(q.items) == 0 }

func (q *queue[T]) push(item T) {
	q.items = append(q.items, item)
	for i := len(q.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.before(q.items[i], q.items[parent]) {
			return
		}
		q.items[i], q.items[parent] = q.items[parent], q.items[i]
		i = parent
	}
}

func (q *queue[T]) pop() T {
	top, last := q.items[0], len(q.items)-1
	q.items[0] = q.items[last]
	q.items = q.items[:last]
	for i := 0; ; {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.before(q.items[child], q.items[first]) {
				first = child
			}
		}
		if first == i {
			return top
		}
		q.items[i], q.items[first] = q.items[first], q.items[i]
		i = first
	}
}
