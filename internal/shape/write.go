package shape

import (
	"bytes"

	"github.com/fairlead/fairlead/internal/value"
)

// outcome is what became of an output.
type outcome uint8

const (
	nothing outcome = iota // and nothing was written
	isNull
	something
)

// project writes o, evaluated from the whole text.
func (s *scan) project(dst []byte, o *output) (out []byte, found outcome, valid bool) {
	start := space(s.src, 0)
	var end int
	if o.kind == array && o.path == nil && o.item != nil && peek(s.src, start) == '[' {
		dst, end = s.writeItems(dst, o, start, 0) // reads the text once only
		found = something
	} else {
		base := s.push(o.stream.root)
		if end = s.value(&o.stream.root.selection, base, start, 0); end >= 0 {
			dst, found = s.write(dst, o, base)
		}
		s.pop(base)
	}
	return dst, found, end >= 0 && space(s.src, end) == len(s.src)
}

// push makes slots for a frame and returns the index of the first.
func (s *scan) push(f *layout) (base int) {
	base = len(s.slots)
	for range f.size {
		s.slots = append(s.slots, span{})
	}
	return base
}

func (s *scan) pop(base int) { s.slots = s.slots[:base] }

// write appends o, whose base was read into the frame of slots at base.
func (s *scan) write(dst []byte, o *output, base int) ([]byte, outcome) {
	at := s.slots[base+o.stream.slot]
	switch {
	case o.kind == broken:
		return dst, nothing
	case o.kind == fixed:
		return append(dst, o.stream.text...), something
	case o.kind == object && o.path == nil:
		return s.writeObject(dst, o, base)
	case len(o.stream.segments) > 0:
		return s.writeAll(dst, o, at, base)
	case at.end == 0:
		return dst, nothing
	case s.src[at.start] == 'n':
		return append(dst, "null"...), isNull
	case o.kind == object:
		return s.writeObject(dst, o, base)
	case o.kind == leaf:
		return s.writeLeaf(dst, o, at), something
	case s.src[at.start] != '[':
		return dst, nothing
	case o.item == nil:
		return s.copy(dst, at), something
	default:
		dst, _ = s.writeItems(dst, o, at.start, 0)
		return dst, something
	}
}

func (s *scan) writeObject(dst []byte, o *output, base int) ([]byte, outcome) {
	mark, found := len(dst), !o.partial
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, o.stream.keys[i]...)
		var member outcome
		dst, member = s.writeOrNull(dst, m, base)
		found = found || member != nothing
	}
	if !found {
		return dst[:mark], nothing
	}
	return append(dst, '}'), something
}

func (s *scan) writeOrNull(dst []byte, o *output, base int) ([]byte, outcome) {
	dst, found := s.write(dst, o, base)
	if found == nothing {
		dst = append(dst, "null"...)
	}
	return dst, found
}

// writeItems reads the array at i and writes each item as o says. The index
// behind the array is -1 when it is not valid.
func (s *scan) writeItems(dst []byte, o *output, i, depth int) ([]byte, int) {
	f := o.stream.item
	base := s.push(f)
	defer s.pop(base)
	dst = append(dst, '[')
	if i = space(s.src, i+1); peek(s.src, i) == ']' {
		return append(dst, ']'), i + 1
	}
	for {
		clear(s.slots[base:])
		if !s.meter.Step() {
			return dst, -1
		}
		if i = s.value(&f.selection, base, i, depth+1); i < 0 {
			return dst, -1
		}
		dst, _ = s.writeOrNull(dst, o.item, base)
		switch i = space(s.src, i); peek(s.src, i) {
		case ',':
			dst = append(dst, ',')
			i = space(s.src, i+1)
		case ']':
			return append(dst, ']'), i + 1
		default:
			return dst, -1
		}
	}
}

// writeAll writes the array of what the path of o finds behind its first
// wildcard, which stands for the children at the place.
func (s *scan) writeAll(dst []byte, o *output, at span, base int) ([]byte, outcome) {
	mark := len(dst)
	dst, ok := s.appendFound(append(dst, '['), o, at, o.stream.segments)
	if ok {
		return append(dst, ']'), something
	}
	from := s.slots[base+o.stream.base]
	v, _ := value.Parse(s.src[from.start:from.end])
	return o.apply(s.meter, v).AppendJSON(dst[:mark]), something
}

// appendFound is false when a wildcard stands for the members of an object, of
// which some may have equal names.
func (s *scan) appendFound(dst []byte, o *output, at span, rest []*segment) ([]byte, bool) {
	if at.end == 0 || s.src[at.start] != '[' {
		return dst, at.end == 0 || s.src[at.start] != '{'
	}
	if !s.reads(at) {
		return dst, true
	}
	r := rest[0]
	base := s.push(r.layout)
	defer s.pop(base)
	ok := true
	for i := space(s.src, at.start+1); s.src[i] != ']'; {
		clear(s.slots[base:])
		i = s.value(&r.selection, base, i, 0)
		switch found := s.slots[base+r.slot]; {
		case found.end == 0:
		case len(rest) > 1:
			if dst, ok = s.appendFound(dst, o, found, rest[1:]); !ok {
				return dst, false
			}
		default:
			dst = s.appendItem(dst, o, found)
		}
		if i = space(s.src, i); s.src[i] == ',' {
			i = space(s.src, i+1)
		}
	}
	return dst, true
}

func (s *scan) appendItem(dst []byte, o *output, at span) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	if o.item == nil {
		return s.copy(dst, at)
	}
	if !s.reads(at) {
		return dst
	}
	base := s.push(o.stream.item)
	defer s.pop(base)
	s.value(&o.stream.item.selection, base, at.start, 0)
	dst, _ = s.writeOrNull(dst, o.item, base)
	return dst
}

func (s *scan) writeLeaf(dst []byte, o *output, at span) []byte {
	raw := s.src[at.start:at.end]
	switch raw[0] {
	case '{', '[':
		return s.copy(dst, at)
	case '"':
		content, escaped := raw[1:len(raw)-1], bytes.IndexByte(raw, '\\') >= 0
		switch o.typ {
		case "number", "integer", "boolean":
		default:
			if o.maxLength == 0 || fits(content, o.maxLength) {
				return s.copyString(dst, raw, escaped)
			}
		}
		return o.convert(value.Of(string(s.name(raw, escaped)))).AppendJSON(dst)
	default: // a number or boolean, of which only the text matters
		if o.typ != "string" {
			return append(dst, raw...)
		}
		return o.convert(value.Num(string(raw))).AppendJSON(dst)
	}
}
