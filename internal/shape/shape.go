// Package shape turns an answer into what a document's output parameters
// promise (semantics 5.3). The outputs are compiled once into a Program, which
// shapes decoded values (Apply) or, where its paths allow, JSON text into JSON
// text without making a tree of it (Stream).
//
// One output is evaluated from a base: the answer, the item of an array, the
// value of a map, or the node that the mapping of an enclosing object found.
//
//   - A mapping is a JSONPath from the base. A member without mapping, value and
//     properties is the base's member of its own name. So is an object below
//     which nothing has a mapping or value: its author only declares a shape.
//     Any other object without a mapping is built from the base itself.
//   - A static value is converted to the declared type. A template in it reads
//     the base's members; if one is missing, so is the value. A static value wins
//     over a mapping, a mapping over a const.
//   - A scalar is converted to its declared type when that loses nothing, else
//     stays as it is. maxLength cuts strings, in code points.
//   - The mapping of an array must find an array, that of a map (values) an
//     object. Null stays null, whatever is declared.
//   - A member or item of which nothing is found is null.
package shape

import (
	"cmp"
	"fmt"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// Program is a compiled list of outputs. It never changes, so goroutines may
// share it. The nil Program is the identity.
type Program struct {
	outputs []*output
	step    bool // outputs are added to the answer
	stream  bool
}

// Identity reports whether every answer passes as it is.
func (p *Program) Identity() bool { return p == nil || len(p.outputs) == 0 }

// Streamable reports whether Stream works on the text itself: every path
// consists of member names, indices from the start, and wildcards, and no output
// is a map or has a template.
func (p *Program) Streamable() bool { return p != nil && p.stream }

// Apply returns what the outputs make of an answer. It is the first output that
// finds something; null if none does, but some find a null. When every output
// has a name, it is one object of them all, unless they all find nothing. ok is
// false when nothing is found at all: then Nothing takes the answer's place.
// Apply counts its steps with m, which may be nil; when m has failed, what is
// returned means nothing.
func (p *Program) Apply(m *budget.Meter, root value.Value) (shaped value.Value, ok bool) {
	switch {
	case p.Identity():
		return root, true
	case root.IsAbsent():
		return root, false
	case p.step:
		return p.augment(m, root), true
	}
	for _, o := range p.outputs {
		switch v := o.apply(m, root); v.Kind() {
		case value.Absent:
		case value.Null:
			shaped = v
		default:
			return v, true
		}
	}
	return shaped, !shaped.IsAbsent()
}

// Nothing is what stands for an answer in which nothing was found: null, an empty
// array or map, or an object of nulls, as the outputs declare. The answer itself
// may hold what the outputs leave out on purpose.
func (p *Program) Nothing() value.Value { return p.outputs[0].nothing() }

// maxShaped is the most bytes of a shaped answer.
const maxShaped = 1 << 30

// Stream appends to dst what Apply makes of the JSON text src, byte for byte as
// Value.AppendJSON writes it; on ok false or an error dst is as it was. The
// error wraps that of value.Parse, or is the one of m, which counts the steps and
// the bytes written.
func (p *Program) Stream(m *budget.Meter, dst, src []byte) (out []byte, ok bool, err error) {
	if p.Streamable() {
		out, ok, valid := p.project(m, dst, src)
		switch {
		case m.Err() != nil:
			return dst, false, m.Err()
		case valid:
			return out, ok, nil
		}
	}
	root, err := value.ParseWithin(m, src)
	switch {
	case m.Err() != nil:
		return dst, false, m.Err()
	case err != nil:
		return dst, false, fmt.Errorf("shape answer: %w", err)
	}
	v, ok := p.Apply(m, root)
	switch {
	case m.Err() != nil:
		return dst, false, m.Err()
	case !ok:
		return dst, false, nil
	}
	size, ok := v.JSONSize(m, maxShaped)
	if !ok || !m.Hold(size) {
		return dst, false, cmp.Or(m.Err(), budget.ErrLarge)
	}
	return v.AppendJSON(dst), true, nil
}
