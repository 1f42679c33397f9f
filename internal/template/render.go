package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Lookup returns the value of the variable Vars()[index], or Absent when it has
// none. It resolves dotted names itself.
type Lookup func(index int) value.Value

// MissingError names the variables that had no value, in the order of use, each
// once.
type MissingError struct{ Names []string }

func (e *MissingError) Error() string {
	quoted := make([]string, len(e.Names))
	for i, name := range e.Names {
		quoted[i] = strconv.Quote(name)
	}
	return "render template: no value for " + strings.Join(quoted, ", ")
}

// Sections repeat text, sections in sections multiply it, and a long value may
// stand in many places: these bound what a value can make of one template.
const (
	maxItems  = 1 << 20
	maxOutput = 64 << 20
)

// Append renders t once into dst and returns the longer slice; a value is never
// read as a template. On an error it returns dst as it was.
//
// Strings go out as their text, numbers as they were written, booleans as true
// and false, objects and arrays as compact JSON, all escaped as esc says. Null
// is empty, except outside the strings of a JSON text, where it is null, and in a
// path, where it is no value. The items of an array in a path are joined by commas. A
// variable without a value makes a *MissingError that names all of them; a
// value that cannot stand in its place makes an *UnsafeError.
//
// A section is rendered for each item of an array, once for any other value,
// and not at all for null, false, an empty array, or no value; an inverted
// section, when the section would not be. Inside a section names are looked up
// in the item first, outwards, and in look last. In an item a dotted name is a
// member of that whole name or the way through members and array indexes; the
// item that has the first part decides.
func (t *Template) Append(dst []byte, look Lookup, esc Escape) ([]byte, error) {
	if err := t.Check(esc); err != nil {
		return dst, err
	}
	r := renderer{dst: dst, limit: len(dst) + maxOutput, look: look, esc: esc}
	if err := r.nodes(t.nodes); err != nil {
		return dst, err
	}
	if r.missing != nil {
		return dst, &MissingError{Names: r.missing}
	}
	return r.dst, nil
}

type renderer struct {
	dst     []byte
	limit   int // of len(dst)
	look    Lookup
	esc     Escape
	stack   []value.Value // items of the sections around, innermost last
	items   int           // rendered so far
	missing []string
}

func (r *renderer) nodes(nodes []node) error {
	for i := range nodes {
		n := &nodes[i]
		if n.kind == literal {
			r.dst = append(r.dst, n.text...)
			continue
		}
		v := r.resolve(n)
		var err error
		switch n.kind {
		case section:
			err = r.section(n, v)
		case inverted:
			if !truthy(v) {
				err = r.nodes(n.nodes)
			}
		default:
			err = r.variable(n, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) variable(n *node, v value.Value) error {
	if v.IsAbsent() || v.Kind() == value.Null && r.esc == PathSegment {
		if !slices.Contains(r.missing, n.text) {
			r.missing = append(r.missing, n.text)
		}
		return nil
	}
	dst, unsafe := appendValue(r.dst, v, r.esc, n)
	if unsafe != nil {
		unsafe.Name = n.text
		return unsafe
	}
	r.dst = dst
	return r.fits()
}

// fits is an error when what was rendered is too long.
func (r *renderer) fits() error {
	if r.items > maxItems || len(r.dst) > r.limit {
		return fmt.Errorf("render template: it repeats to more than %d items or %d bytes", maxItems, maxOutput)
	}
	return nil
}

func (r *renderer) section(n *node, v value.Value) error {
	switch {
	case !truthy(v):
		return nil
	case v.Kind() != value.Array:
		return r.item(n, v)
	}
	for i := range v.Len() {
		if err := r.item(n, v.At(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) item(n *node, v value.Value) error {
	r.items++
	if err := r.fits(); err != nil {
		return err
	}
	r.stack = append(r.stack, v)
	err := r.nodes(n.nodes)
	r.stack = r.stack[:len(r.stack)-1]
	return err
}

func (r *renderer) resolve(n *node) value.Value {
	if n.index == item {
		return r.stack[len(r.stack)-1]
	}
	for i := len(r.stack) - 1; i >= 0; i-- {
		if v, decided := find(r.stack[i], n); decided {
			return v
		}
	}
	return r.look(n.index)
}

// find looks the name of n up in v; decided says that v has its first part, so
// that nobody else is to be asked.
func find(v value.Value, n *node) (result value.Value, decided bool) {
	if whole := member(v, n.text); !whole.IsAbsent() || n.path == nil {
		return whole, !whole.IsAbsent()
	}
	if v = member(v, n.path[0]); v.IsAbsent() {
		return v, false
	}
	for _, part := range n.path[1:] {
		v = member(v, part)
	}
	return v, true
}

func member(v value.Value, name string) value.Value {
	if v.Kind() != value.Array {
		return v.Get(name)
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < v.Len() {
		return v.At(i)
	}
	return value.Value{}
}

func truthy(v value.Value) bool {
	switch v.Kind() {
	case value.Absent, value.Null:
		return false
	case value.Bool:
		return v.True()
	case value.Array:
		return v.Len() > 0
	default:
		return true
	}
}
