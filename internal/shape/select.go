package shape

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/jsonpath"
)

// selection is a trie of the places below a value that outputs want. Reading the
// value once notes them all: each place has a slot.
type selection struct {
	slot     int
	names    []string
	members  []*selection          // parallel to names
	byName   map[string]*selection // of many members
	indexes  []int
	children []*selection // parallel to indexes
}

// layout is the selection from one base and how many slots it has. Slot 0 is the
// base itself.
type layout struct {
	selection
	size int
}

func newLayout() *layout { return &layout{size: 1} }

// locate returns where the steps lead from at, new if need be; nil if one reading
// forwards cannot find it.
func (f *layout) locate(at *selection, steps []jsonpath.Step) *selection {
	for _, step := range steps {
		switch {
		case step.IsIndex && step.Index < 0:
			return nil
		case step.IsIndex:
			next := at.item(step.Index)
			if next == nil {
				next = f.new()
				at.indexes, at.children = append(at.indexes, step.Index), append(at.children, next)
			}
			at = next
		default:
			next := at.member([]byte(step.Name))
			if next == nil {
				next = f.new()
				at.add(step.Name, next)
			}
			at = next
		}
	}
	return at
}

func (f *layout) new() *selection {
	f.size++
	return &selection{slot: f.size - 1}
}

// few is how many names are sooner compared one by one than looked up.
const few = 16

func (sel *selection) add(name string, member *selection) {
	sel.names, sel.members = append(sel.names, name), append(sel.members, member)
	if len(sel.names) <= few {
		return
	}
	if sel.byName == nil {
		sel.byName = make(map[string]*selection, 2*few)
		for i, n := range sel.names {
			sel.byName[n] = sel.members[i]
		}
	}
	sel.byName[name] = member
}

func (sel *selection) member(name []byte) *selection {
	if sel.byName != nil {
		return sel.byName[string(name)]
	}
	for i, n := range sel.names {
		if n == string(name) {
			return sel.members[i]
		}
	}
	return nil
}

func (sel *selection) item(index int) *selection {
	for i, n := range sel.indexes {
		if n == index {
			return sel.children[i]
		}
	}
	return nil
}

// forget empties the slots of sel and all below it, if sel was found before.
func (sel *selection) forget(slots []span) {
	if slots[sel.slot].end == 0 {
		return
	}
	slots[sel.slot] = span{}
	for _, m := range sel.members {
		m.forget(slots)
	}
	for _, c := range sel.children {
		c.forget(slots)
	}
}

// name returns the content of a quoted name; it is good until the next call.
func (s *scan) name(quoted []byte, escaped bool) []byte {
	if !escaped {
		return quoted[1 : len(quoted)-1]
	}
	s.scratch, _ = jsontext.AppendUnquote(s.scratch[:0], quoted)
	return s.scratch
}
