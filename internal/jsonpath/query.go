package jsonpath

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// query is a sequence of segments from the root, or, in a filter, from the node
// under test.
type query struct {
	relative bool // starts with @
	segments []segment
	tail     *tail // the lenient function at the end

	// What compile found out about the segments.
	plain    bool     // child segments with one name, index or wildcard each
	singular bool     // plain without a wildcard
	steps    []Step   // the segments of a plain query
	parts    [][]Step // the same, cut at the wildcards
}

// segment selects among the children of a node, or of all its descendants too.
type segment struct {
	descendant bool
	lone       bool // of a list, see Path.Lone
	selectors  []selector
}

type selectorKind uint8

const (
	byName selectorKind = iota
	byIndex
	byWildcard
	bySlice
	byFilter
)

type selector struct {
	kind  selectorKind
	name  string
	index int
	slice slice
	where condition
}

// slice is start:end:step of RFC 9535 section 2.3.4, nil for a default.
type slice struct{ start, end, step *int }

// bounds returns the first index, the step, and how many items of n are selected.
func (s slice) bounds(n int) (first, step, count int) {
	step = 1
	if s.step != nil {
		step = *s.step
	}
	if step == 0 {
		return 0, 0, 0
	}
	low, high := 0, n // where an index is cut off, for this direction
	first, last := 0, n
	if step < 0 {
		low, high = -1, n-1
		first, last = n-1, -1
	}
	if s.start != nil {
		first = clamp(*s.start, n, low, high)
	}
	if s.end != nil {
		last = clamp(*s.end, n, low, high)
	}
	if step > 0 && first < last {
		return first, step, (last-first-1)/step + 1
	}
	if step < 0 && first > last {
		return first, step, (first-last-1)/-step + 1
	}
	return 0, step, 0
}

func clamp(i, n, low, high int) int {
	if i < 0 {
		i += n
	}
	return max(low, min(i, high))
}

// compile sets what evaluation wants to know of the segments.
func (q *query) compile() {
	steps := make([]Step, 0, len(q.segments))
	singular := true
	for _, s := range q.segments {
		if s.descendant || len(s.selectors) != 1 || s.selectors[0].kind > byWildcard {
			return
		}
		sel := &s.selectors[0]
		steps = append(steps, Step{Name: sel.name, Index: sel.index, IsIndex: sel.kind == byIndex,
			Wildcard: sel.kind == byWildcard})
		singular = singular && sel.kind != byWildcard
	}
	q.plain, q.singular, q.steps = true, singular, steps
	for {
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Wildcard })
		if i < 0 {
			q.parts = append(q.parts, steps)
			return
		}
		q.parts = append(q.parts, steps[:i])
		steps = steps[i+1:]
	}
}

// nodes returns what the segments select, without the function at the end.
func (q *query) nodes(in scope, node value.Value) []value.Value {
	if q.plain {
		return in.appendPlain(nil, q.from(in.root, node), q.parts)
	}
	w := walk{scope: in}
	w.from(q.from(in.root, node), q.segments)
	return w.nodes
}

// count is how many nodes there are.
func (q *query) count(in scope, node value.Value) int64 {
	w := walk{scope: in, counts: true}
	w.from(q.from(in.root, node), q.segments)
	return w.counted
}

// result returns the first node, or what the function at the end makes of them:
// of the value of a singular query, of the array of the nodes of any other.
func (q *query) result(in scope, node value.Value) (value.Value, bool) {
	if q.tail == nil {
		return q.first(in, node)
	}
	var argument value.Value
	if q.singular {
		argument, _ = q.first(in, node)
	} else {
		argument = value.Items(q.nodes(in, node))
	}
	v := q.tail.of(argument)
	return v, !v.IsAbsent()
}

// first returns the first node.
func (q *query) first(in scope, node value.Value) (v value.Value, ok bool) {
	v = q.from(in.root, node)
	if q.singular {
		return in.follow(v, q.steps)
	}
	w := walk{scope: in, limit: 1}
	if w.from(v, q.segments); len(w.nodes) == 0 {
		return value.Value{}, false
	}
	return w.nodes[0], true
}

func (q *query) from(root, node value.Value) value.Value {
	if q.relative {
		return node
	}
	return root
}

// String is the query in RFC 9535's spelling.
func (q *query) String() string {
	var b strings.Builder
	q.write(&b)
	return b.String()
}

func (q *query) write(b *strings.Builder) {
	if q.relative {
		b.WriteByte('@')
	} else {
		b.WriteByte('$')
	}
	for _, s := range q.segments {
		s.write(b)
	}
	if q.tail != nil {
		b.WriteString("." + q.tail.name + "()")
	}
}

func (s *segment) write(b *strings.Builder) {
	if s.descendant {
		b.WriteString("..")
	}
	if first := &s.selectors[0]; len(s.selectors) == 1 {
		if first.kind == byName && isShorthand(first.name) {
			if !s.descendant {
				b.WriteByte('.')
			}
			b.WriteString(first.name)
			return
		}
	}
	b.WriteByte('[')
	for i := range s.selectors {
		if i > 0 {
			b.WriteString(", ")
		}
		s.selectors[i].write(b)
	}
	b.WriteByte(']')
}

func (s *selector) write(b *strings.Builder) {
	switch s.kind {
	case byName:
		b.WriteString(quote(s.name))
	case byIndex:
		b.WriteString(strconv.Itoa(s.index))
	case byWildcard:
		b.WriteByte('*')
	case bySlice:
		s.slice.write(b)
	case byFilter:
		b.WriteByte('?')
		s.where.write(b)
	}
}

func (s slice) write(b *strings.Builder) {
	for i, part := range [...]*int{s.start, s.end, s.step} {
		if i == 1 || i == 2 && part != nil {
			b.WriteByte(':')
		}
		if part != nil {
			b.WriteString(strconv.Itoa(*part))
		}
	}
}
