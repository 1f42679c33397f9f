package route

import (
	"slices"
	"strings"
)

// Table holds routes and finds the one that a request is for. The zero Table is
// empty and ready. Once filled, it may be used by many goroutines.
//
// Segment by segment from the left, text beats a placeholder with text around
// it (the one with the longest text first, of equally long ones the first
// added), which beats a placeholder alone, which beats one that takes all that
// is left. A choice that leads nowhere further right, or to no route of the
// method, is taken back. Matching is case-sensitive; one trailing slash of a
// request does not count.
type Table[T any] struct{ root node[T] }

type node[T any] struct {
	literals map[string]*node[T]
	partials []*partial[T] // in the order in which they are tried
	index    *index[T]     // of them, where there are many
	single   *node[T]      // behind a placeholder alone
	rest     []entry[T]    // of paths that end in a placeholder for all that is left
	here     []entry[T]    // of paths that end here
}

type partial[T any] struct {
	segment
	next *node[T]
	rank int // how many were there before it
}

// before reports whether p is tried before other.
func (p *partial[T]) before(other *partial[T]) bool {
	if a, b := p.weight(), other.weight(); a != b {
		return a > b
	}
	return p.rank < other.rank
}

// few partials are tried one by one; more are found by how they begin and end,
// so that it does not matter how many documents have some.
const few = 8

type index[T any] struct {
	by      map[ends][]*partial[T]
	lengths []lengths // that occur
}

type ends struct{ head, tail string }

type lengths struct{ head, tail int }

func (s *segment) ends() ends { return ends{s.texts[0], s.texts[len(s.texts)-1]} }

func (x *index[T]) add(p *partial[T]) {
	e := p.ends()
	x.by[e] = append(x.by[e], p)
	if l := (lengths{len(e.head), len(e.tail)}); !slices.Contains(x.lengths, l) {
		x.lengths = append(x.lengths, l)
	}
}

// likely appends to room those that begin and end as text does, in the order in
// which they are tried.
func (x *index[T]) likely(text string, room []*partial[T]) []*partial[T] {
	for _, l := range x.lengths {
		if l.head+l.tail >= len(text) {
			continue
		}
		for _, p := range x.by[ends{text[:l.head], text[len(text)-l.tail:]}] {
			at := len(room)
			for at > 0 && p.before(room[at-1]) {
				at--
			}
			room = append(room, nil)
			copy(room[at+1:], room[at:])
			room[at] = p
		}
	}
	return room
}

type entry[T any] struct {
	method string
	value  T
}

// Add enters a route. When the table has one of the same method and shape
// already, that one stays: ok is false and conflict its value.
func (t *Table[T]) Add(method string, p *Pattern, v T) (conflict *T, ok bool) {
	n := &t.root
	for i := range p.segments {
		s := &p.segments[i]
		if s.rest {
			return add(&n.rest, method, v)
		}
		n = n.child(s)
	}
	return add(&n.here, method, v)
}

func add[T any](entries *[]entry[T], method string, v T) (conflict *T, ok bool) {
	for i := range *entries {
		if e := &(*entries)[i]; e.method == method {
			return &e.value, false
		}
	}
	*entries = append(*entries, entry[T]{method, v})
	return nil, true
}

func (n *node[T]) child(s *segment) *node[T] {
	switch {
	case s.isLiteral():
		if n.literals == nil {
			n.literals = map[string]*node[T]{}
		}
		if n.literals[s.texts[0]] == nil {
			n.literals[s.texts[0]] = &node[T]{}
		}
		return n.literals[s.texts[0]]
	case s.isPlaceholder():
		if n.single == nil {
			n.single = &node[T]{}
		}
		return n.single
	}
	return n.partial(s).next
}

func (n *node[T]) partial(s *segment) *partial[T] {
	same := n.partials
	if n.index != nil {
		same = n.index.by[s.ends()]
	}
	for _, p := range same {
		if slices.Equal(p.texts, s.texts) {
			return p
		}
	}
	p := &partial[T]{*s, &node[T]{}, len(n.partials)}
	at, _ := slices.BinarySearchFunc(n.partials, p, func(other, p *partial[T]) int {
		if other.before(p) {
			return -1
		}
		return 1
	})
	n.partials = slices.Insert(n.partials, at, p)
	switch {
	case n.index != nil:
		n.index.add(p)
	case len(n.partials) > few:
		n.index = &index[T]{by: map[ends][]*partial[T]{}}
		for _, one := range n.partials {
			n.index.add(one)
		}
	}
	return p
}

// Match finds the route for a request. path is the path as it was escaped on the
// wire (url.URL.EscapedPath). HEAD is served by GET where a path has no HEAD.
//
// The values of the route's placeholders, in the order of Pattern.Names, are
// appended to vars. They are percent-decoded after the path was split, so an
// encoded slash stays inside its value; text that is not validly encoded stays
// as it is. No value is empty. The value of a placeholder that takes all that is
// left is not decoded: it is the end of path as it came.
//
// Match allocates only when vars is too short or the path has percent-encoding.
func (t *Table[T]) Match(method, path string, vars []string) (v T, values []string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return v, vars, false
	}
	e, values := t.root.find(search{method, path, end(path)}, 0, vars)
	if e == nil {
		return v, vars, false
	}
	return e.value, values, true
}

// Methods are the methods of all routes whose path a request's path is, sorted,
// with HEAD where there is GET. It is empty when there is none.
func (t *Table[T]) Methods(path string) (methods []string) {
	t.Visit(path, func(method string, _ T) {
		methods = append(methods, method)
		if method == "GET" {
			methods = append(methods, "HEAD")
		}
	})
	slices.Sort(methods)
	return slices.Compact(methods)
}

// Visit calls visit with the method and value of every route whose path a
// request's path is.
func (t *Table[T]) Visit(path string, visit func(method string, v T)) {
	if !strings.HasPrefix(path, "/") {
		return
	}
	t.root.each(path[:end(path)], 0, func(entries []entry[T]) {
		for _, e := range entries {
			visit(e.method, e.value)
		}
	})
}

// end is the length of path without a trailing slash.
func end(path string) int { return len(strings.TrimSuffix(path, "/")) }

// search is what a request looks for: path[:end] is matched.
type search struct {
	method string
	path   string
	end    int
}

// next returns the segment that begins with the slash at pos, and where the
// slash behind it is.
func next(path string, pos int) (segment string, behind int) {
	segment = path[min(pos+1, len(path)):]
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment = segment[:i]
	}
	return segment, pos + 1 + len(segment)
}

func (n *node[T]) find(s search, pos int, vars []string) (*entry[T], []string) {
	if pos >= s.end {
		return choose(n.here, s.method), vars
	}
	raw, behind := next(s.path[:s.end], pos)
	text := decode(raw)
	if child := n.literals[text]; child != nil {
		if e, values := child.find(s, behind, vars); e != nil {
			return e, values
		}
	}
	if raw == "" {
		return nil, vars
	}
	var room [few]*partial[T]
	for _, p := range n.tried(text, room[:0]) {
		if values, ok := p.capture(raw, text, vars); ok {
			if e, values := p.next.find(s, behind, values); e != nil {
				return e, values
			}
		}
	}
	if n.single != nil {
		if e, values := n.single.find(s, behind, append(vars, text)); e != nil {
			return e, values
		}
	}
	if e := choose(n.rest, s.method); e != nil {
		return e, append(vars, s.path[pos+1:])
	}
	return nil, vars
}

// tried are the partials that text could fit.
func (n *node[T]) tried(text string, room []*partial[T]) []*partial[T] {
	if n.index == nil {
		return n.partials
	}
	return n.index.likely(text, room)
}

// each calls visit with the entries of every path that path[pos:] leads to.
func (n *node[T]) each(path string, pos int, visit func([]entry[T])) {
	if pos >= len(path) {
		visit(n.here)
		return
	}
	raw, behind := next(path, pos)
	text := decode(raw)
	if child := n.literals[text]; child != nil {
		child.each(path, behind, visit)
	}
	if raw == "" {
		return
	}
	for _, p := range n.tried(text, nil) {
		if _, ok := p.capture(raw, text, nil); ok {
			p.next.each(path, behind, visit)
		}
	}
	if n.single != nil {
		n.single.each(path, behind, visit)
	}
	visit(n.rest)
}

func choose[T any](entries []entry[T], method string) *entry[T] {
	var get *entry[T]
	for i := range entries {
		switch entries[i].method {
		case method:
			return &entries[i]
		case "GET":
			get = &entries[i]
		}
	}
	if method == "HEAD" {
		return get
	}
	return nil
}

// capture appends the values of the segment's placeholders to vars. raw is a
// segment of a request, text the same decoded. An encoded character separates
// values only when none that came bare does.
func (s *segment) capture(raw, text string, vars []string) ([]string, bool) {
	if raw != text {
		if values, ok := s.cut(mask(raw), text, vars); ok {
			return values, true
		}
	}
	return s.cut(text, text, vars)
}

// cut appends the stretches of text that the placeholders take. The texts of
// the segment are looked for in marks, which is as long as text. The leftmost
// placeholder takes as much as it can, so a.b.json is a.b and json to
// {name}.{format}: that is to set each separator, from the right, as far right
// as it goes.
func (s *segment) cut(marks, text string, vars []string) ([]string, bool) {
	last := len(s.texts) - 1
	from, to := len(s.texts[0]), len(text)-len(s.texts[last])
	if from >= to || marks[:from] != s.texts[0] || marks[to:] != s.texts[last] {
		return vars, false
	}
	first := len(vars)
	for range last {
		vars = append(vars, "")
	}
	for i := last - 1; i > 0; i-- {
		at := strings.LastIndex(marks[from:to-1], s.texts[i])
		if at <= 0 {
			return vars[:first], false
		}
		vars[first+i] = text[from+at+len(s.texts[i]) : to]
		to = from + at
	}
	vars[first] = text[from:to]
	return vars, true
}

// mask is raw decoded, with a byte that is in no UTF-8 text for each encoded one.
func mask(raw string) string {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' {
			b = append(b, 0xFF)
			i += 2
		} else {
			b = append(b, raw[i])
		}
	}
	return string(b)
}
