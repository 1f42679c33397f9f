package format

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// writeXML is decodeXML as JSON text. The members of each element that is open are
// texts, so that of all others nothing is kept.
func writeXML(body []byte, left *allowance, out *jsonText) error {
	w := xmlWriter{xmlReader: xmlReader{d: xml.NewDecoder(bytes.NewReader(body)), left: left}, out: out,
		size: int64(len(body))}
	w.d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if !left.meter.Hold(int64(len(body))) { // the members of open elements, about
		return left.meter.Err()
	}
	for {
		token, err := w.next()
		if err == io.EOF && len(out.text) > 0 {
			return out.grown()
		}
		if err != nil {
			if err == io.EOF {
				err = w.fail("there is no element")
			}
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(out.text) > 0 {
				return w.fail("there is a second root element")
			}
			if out.text, err = w.element(out.text, t, 1); err != nil {
				return err
			}
		case xml.CharData:
			if !blank(bytes.TrimPrefix(t, []byte(boms[0].mark))) {
				return w.fail("there is text outside the root element")
			}
		}
	}
}

type xmlWriter struct {
	xmlReader
	out  *jsonText
	size int64 // of the body
	free []*openElement
}

// openElement is an element on its way to JSON text.
type openElement struct {
	members []xmlMember
	index   map[string]int // of members, once there are many
	text    []byte         // since the last child
	null    bool
}

// xmlMember is what an element has under one name: the texts of one or several
// values, with commas between them.
type xmlMember struct {
	name string
	text []byte
	many bool
}

// largestSpare is how large a text may be that is used again, in bytes.
const largestSpare = 4 << 10

func (w *xmlWriter) open() *openElement {
	if n := len(w.free); n > 0 {
		e := w.free[n-1]
		w.free = w.free[:n-1]
		return e
	}
	return new(openElement)
}

func (w *xmlWriter) done(e *openElement) {
	for i := range e.members {
		if m := &e.members[i]; cap(m.text) > largestSpare {
			m.text = nil
		} else {
			m.text = m.text[:0]
		}
	}
	if cap(e.text) > largestSpare || len(e.members) > indexFrom {
		return
	}
	e.members, e.index, e.text, e.null = e.members[:0], nil, e.text[:0], false
	w.free = append(w.free, e)
}

// member is the one of that name, ready for another value.
func (e *openElement) member(name string) *xmlMember {
	at := -1
	if e.index != nil {
		if i, ok := e.index[name]; ok {
			at = i
		}
	} else {
		for i := range e.members {
			if e.members[i].name == name {
				at = i
			}
		}
	}
	if at >= 0 {
		m := &e.members[at]
		m.text, m.many = append(m.text, ','), true
		return m
	}
	n := len(e.members)
	if n < cap(e.members) {
		e.members = e.members[:n+1] // with the text of an element before
		e.members[n].name, e.members[n].many = name, false
	} else {
		e.members = append(e.members, xmlMember{name: name})
	}
	switch {
	case e.index != nil:
		e.index[name] = n
	case n >= indexFrom:
		e.index = make(map[string]int, 2*n)
		for i := range e.members {
			e.index[e.members[i].name] = i
		}
	}
	return &e.members[n]
}

func (e *openElement) put(name, text string) {
	m := e.member(name)
	m.text = value.AppendString(m.text, text)
}

// element appends the element that start begins, up to its end.
func (w *xmlWriter) element(dst []byte, start xml.StartElement, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return dst, w.fail("nested deeper than 512 elements")
	}
	if err := w.left.take(1 + len(start.Attr)); err != nil {
		return dst, err
	}
	e := w.open()
	defer w.done(e)
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space == xsi && a.Name.Local == "nil":
			e.null = a.Value == "true" || a.Value == "1"
		default:
			e.put(a.Name.Local, a.Value)
		}
	}
	for {
		token, err := w.next()
		if err != nil {
			if err == io.EOF {
				err = w.fail("the body ends within an element")
			}
			return dst, err
		}
		switch t := token.(type) {
		case xml.CharData:
			e.text = append(e.text, t...)
		case xml.StartElement:
			if err := e.flush(w.left); err != nil {
				return dst, err
			}
			m := e.member(t.Name.Local)
			if len(m.text) > largestSpare {
				m.text = roomFor(m.text, w.d.InputOffset(), w.size, w.out.limit)
			}
			if m.text, err = w.element(m.text, t, depth+1); err != nil {
				return dst, err
			}
		case xml.EndElement:
			return w.finish(dst, e)
		}
	}
}

// flush keeps the text before a child, unless it is only indentation.
func (e *openElement) flush(left *allowance) error {
	keep := len(e.text) > 0 && !blank(e.text)
	if keep {
		e.put("", string(e.text))
	}
	e.text = e.text[:0]
	if keep {
		return left.take(1)
	}
	return nil
}

// finish appends an element that has ended.
func (w *xmlWriter) finish(dst []byte, e *openElement) ([]byte, error) {
	switch {
	case e.null:
		return append(dst, "null"...), nil
	case len(e.members) == 0:
		return value.AppendString(dst, string(e.text)), nil
	}
	if err := e.flush(w.left); err != nil {
		return dst, err
	}
	size := 0
	for i := range e.members {
		size += len(e.members[i].name) + len(e.members[i].text) + len(`"":[],`)
	}
	if size > largestSpare {
		dst = slices.Grow(dst, size)
	}
	separator := byte('{')
	for i := range e.members {
		m := &e.members[i]
		dst = append(value.AppendString(append(dst, separator), m.name), ':')
		separator = ','
		if m.many {
			dst = append(dst, '[')
		}
		dst = append(dst, m.text...)
		if m.many {
			dst = append(dst, ']')
		}
		if cap(m.text) > largestSpare {
			m.text = nil
		}
	}
	dst = append(dst, '}')
	if int64(len(dst)) > w.out.limit {
		return dst, budget.ErrTooLong
	}
	return dst, nil
}
