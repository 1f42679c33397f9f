package jsonpath

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// Lone is p for data in which a list of one item looks like that item, as XML's: for
// Eval, an index, slice, wildcard or filter after a name takes what is no list for a
// list of one, and an empty text for an empty list. Where nothing is found that way it
// is p: wildcards select members of objects, too.
func (p *Path) Lone() *Path {
	if p.query.tail != nil && p.query.singular {
		return p
	}
	lone, named := p.query, false
	lone.segments = slices.Clone(lone.segments)
	for i := range lone.segments {
		s := &lone.segments[i]
		if named && !s.descendant && s.selectors[0].kind != byName {
			s.lone, lone.plain, lone.singular = true, false, false
		}
		named = s.selectors[0].kind == byName
	}
	if slices.ContainsFunc(lone.segments, func(s segment) bool { return s.lone }) {
		return &Path{p.query, &lone}
	}
	return p
}

// evalLone is Eval by the lone query, Absent when that finds nothing.
func (p *Path) evalLone(m *budget.Meter, root value.Value) value.Value {
	in := scope{root, m}
	if p.Definite() {
		v, _ := p.lone.result(in, root)
		return v
	}
	if nodes := p.lone.nodes(in, root); len(nodes) > 0 {
		return value.Items(nodes)
	}
	return value.Value{}
}

// alone is node as a list.
func alone(node value.Value) value.Value {
	switch {
	case node.Kind() == value.Array:
		return node
	case node.Kind() == value.String && node.Text() == "":
		return value.List()
	}
	return value.List(node)
}
