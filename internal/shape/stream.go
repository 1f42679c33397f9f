package shape

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/value"
)

// streaming is how an output is written from text.
type streaming struct {
	root     *layout    // of the whole text, for an output of a program
	base     int        // the slot of the base
	slot     int        // of what the path finds up to its first wildcard
	segments []*segment // of the path, from each wildcard to the next
	item     *layout    // of each item, when there is an item output
	keys     [][]byte   // of an object: "name":
	text     []byte     // of a constant
}

// segment is a part of a path behind a wildcard: what it finds below an item.
type segment struct {
	*layout
	slot int
}

// streamable plans how o, evaluated at the place at in f, is written; false when
// that needs a tree.
func (o *output) streamable(f *layout, at *selection) bool {
	runs, ok := segmentsOf(o.path)
	if !ok {
		return false
	}
	switch o.kind {
	case fixed:
		o.stream.text = o.constant.AppendJSON(nil)
		return true
	case text, table:
		return false
	case broken:
		return true
	case object:
		if len(runs) > 1 {
			return false
		}
	}
	o.stream.base = at.slot
	if at = f.locate(at, runs[0]); at == nil {
		return false
	}
	o.stream.slot = at.slot
	for _, steps := range runs[1:] {
		r := &segment{layout: newLayout()}
		found := r.locate(&r.selection, steps)
		if found == nil {
			return false
		}
		r.slot = found.slot
		o.stream.segments = append(o.stream.segments, r)
	}
	if o.item != nil {
		o.stream.item = newLayout()
		return o.item.streamable(o.stream.item, &o.stream.item.selection)
	}
	for i, m := range o.members {
		o.stream.keys = append(o.stream.keys, append(value.AppendString(nil, o.names[i]), ':'))
		if !m.streamable(f, at) {
			return false
		}
	}
	return true
}

// segmentsOf cuts a path at its wildcards.
func segmentsOf(p *jsonpath.Path) (runs [][]jsonpath.Step, ok bool) {
	if p == nil {
		return [][]jsonpath.Step{nil}, true
	}
	steps, ok := p.Segments()
	for ok {
		i := slices.IndexFunc(steps, func(s jsonpath.Step) bool { return s.Wildcard })
		if i < 0 {
			return append(runs, steps), true
		}
		runs, steps = append(runs, steps[:i]), steps[i+1:]
	}
	return nil, false
}

// project is Stream for a streamable program; valid is false when src is not JSON.
func (p *Program) project(m *budget.Meter, dst, src []byte) (out []byte, ok, valid bool) {
	var slots [32]span
	s := scan{src: src, meter: m, slots: slots[:0]}
	if !m.Hold(int64(len(src) / 4)) {
		return dst, false, false
	}
	out = slices.Grow(dst, len(src)/4)
	null := false
	for _, o := range p.outputs {
		var found outcome
		if !s.reads(span{0, len(src)}) {
			return dst, false, false
		}
		if out, found, valid = s.project(out[:len(dst)], o); !valid {
			return dst, false, false
		}
		if found == something {
			return out, true, true
		}
		null = null || found == isNull
	}
	if null {
		return append(dst, "null"...), true, true
	}
	return dst, false, true
}
