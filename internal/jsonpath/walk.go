package jsonpath

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// scope is what the evaluation of a path has everywhere: the root, and the meter
// of its steps. When the meter has failed, nothing more is found.
type scope struct {
	root  value.Value
	meter *budget.Meter
}

// walk visits the nodes that segments select, depth first: the order is that of
// RFC 9535, which builds one list of nodes per segment.
type walk struct {
	scope
	limit int // stop after so many nodes; 0 means never
	nodes []value.Value

	counts  bool // count nodes and keep none
	counted int64

	tracks bool // collect places instead of nodes
	at     Location
	places []Location
}

// from visits what the segments select from node; false means stop.
func (w *walk) from(node value.Value, segments []segment) bool {
	if len(segments) == 0 {
		return w.found(node)
	}
	if segments[0].descendant {
		return w.descend(node, segments)
	}
	return w.children(node, segments)
}

// nodeSize is what a found node costs in bytes while the list of nodes grows.
const nodeSize = 24

func (w *walk) found(node value.Value) bool {
	switch {
	case w.counts:
		w.counted++
		return true
	case w.tracks:
		w.places = append(w.places, slices.Clone(w.at))
		return w.meter.Steps(1 + len(w.at))
	case len(w.nodes) == cap(w.nodes) && !w.grow():
		return false
	}
	w.nodes = append(w.nodes, node)
	return len(w.nodes) != w.limit
}

// grow doubles the room for nodes, for which the call must hold memory.
func (w *walk) grow() bool {
	more := max(len(w.nodes), 4)
	if more > 1024 && !w.meter.Hold(int64(more)*nodeSize) {
		return false
	}
	w.nodes = slices.Grow(w.nodes, more)
	return true
}

// descend applies the first segment to node and to every container below it, in
// preorder. It keeps its own stack: data may be deeper than the goroutine's.
func (w *walk) descend(node value.Value, segments []segment) bool {
	type level struct {
		node  value.Value
		step  Step
		depth int
	}
	base := len(w.at)
	stack := []level{{node: node}}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !w.meter.Steps(1 + top.node.Len()) {
			return false
		}
		if w.tracks && top.depth > 0 {
			w.at = append(w.at[:base+top.depth-1], top.step)
		}
		if !w.children(top.node, segments) {
			return false
		}
		for i := top.node.Len() - 1; i >= 0; i-- {
			if child := top.node.At(i); child.Len() > 0 {
				stack = append(stack, level{child, stepTo(top.node, i), top.depth + 1})
			}
		}
	}
	w.at = w.at[:base]
	return true
}

// children applies the selectors of the first segment to the children of node.
func (w *walk) children(node value.Value, segments []segment) bool {
	selectors, rest := segments[0].selectors, segments[1:]
	if segments[0].lone {
		node = alone(node)
	}
	for i := range selectors {
		if !w.selected(node, &selectors[i], rest) {
			return false
		}
	}
	return true
}

func (w *walk) selected(node value.Value, s *selector, rest []segment) bool {
	if !w.meter.Step() {
		return false
	}
	switch s.kind {
	case byName:
		if n := node.Len(); n > manyMembers && !w.meter.Steps(n/manyMembers) {
			return false
		}
		if child := node.Get(s.name); !child.IsAbsent() {
			return w.step(child, Step{Name: s.name}, rest)
		}
	case byIndex:
		if i, ok := itemOf(node, s.index); ok {
			return w.enter(node, i, rest)
		}
	case byWildcard:
		for i := range node.Len() {
			if !w.enter(node, i, rest) {
				return false
			}
		}
	case bySlice:
		if node.Kind() != value.Array {
			return true
		}
		i, step, count := s.slice.bounds(node.Len())
		for ; count > 0; count-- {
			if !w.enter(node, i, rest) {
				return false
			}
			i += step
		}
	case byFilter:
		for i := range node.Len() {
			if !w.meter.Step() {
				return false
			}
			if s.where.holds(w.scope, node.At(i)) && !w.enter(node, i, rest) {
				return false
			}
		}
	}
	return true
}

// manyMembers is how many members a search by name passes in one step.
const manyMembers = 16

// enter goes on from the i-th child of node with the rest of the segments.
func (w *walk) enter(node value.Value, i int, rest []segment) bool {
	if !w.meter.Step() {
		return false
	}
	if !w.tracks {
		return w.from(node.At(i), rest)
	}
	return w.step(node.At(i), stepTo(node, i), rest)
}

// step is enter for a child to which the step is known.
func (w *walk) step(child value.Value, step Step, rest []segment) bool {
	if !w.tracks {
		return w.from(child, rest)
	}
	w.at = append(w.at, step)
	more := w.from(child, rest)
	w.at = w.at[:len(w.at)-1]
	return more
}

// stepTo is the step from parent to its i-th child.
func stepTo(parent value.Value, i int) Step {
	if parent.Kind() == value.Array {
		return Step{Index: i, IsIndex: true}
	}
	return Step{Name: parent.Name(i)}
}

// follow returns where steps without a wildcard lead from v.
func (in scope) follow(v value.Value, steps []Step) (value.Value, bool) {
	for i := range steps {
		if s := &steps[i]; !s.IsIndex {
			if n := v.Len(); n > manyMembers && !in.meter.Steps(n/manyMembers) {
				return value.Value{}, false
			}
			if v = v.Get(s.Name); v.IsAbsent() {
				return value.Value{}, false
			}
		} else if j, ok := itemOf(v, s.Index); ok {
			v = v.At(j)
		} else {
			return value.Value{}, false
		}
	}
	return v, true
}

// appendPlain appends to dst what the runs of steps select from node, with a
// wildcard between one run and the next.
func (in scope) appendPlain(dst []value.Value, node value.Value, runs [][]Step) []value.Value {
	node, ok := in.follow(node, runs[0])
	if !ok {
		return dst
	}
	n, rest := node.Len(), runs[1:]
	if len(rest) > 0 && (!in.meter.Steps(n) || n > 1024 && !in.meter.Hold(int64(n)*nodeSize)) {
		return dst
	}
	switch {
	case len(rest) == 0:
		return append(dst, node)
	case dst == nil && n > 0:
		dst = make([]value.Value, 0, n)
	}
	if len(rest) > 1 {
		for i := range n {
			dst = in.appendPlain(dst, node.At(i), rest)
		}
		return dst
	}
	for i := range n { // the innermost loop
		if v, ok := in.follow(node.At(i), rest[0]); ok {
			dst = append(dst, v)
		}
	}
	return dst
}
