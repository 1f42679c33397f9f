package upstream

import (
	"strconv"

	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// pairWriter writes name=value pairs, as a query or a form holds them.
type pairWriter struct {
	dst    []byte
	escape func(dst []byte, s string) []byte
}

func (p *pairWriter) name(name string) {
	if len(p.dst) > 0 {
		p.dst = append(p.dst, '&')
	}
	p.dst = append(p.escape(p.dst, name), '=')
}

func (p *pairWriter) pair(name, text string) {
	p.name(name)
	p.dst = p.escape(p.dst, text)
}

// add writes v. An array of texts and numbers repeats the name; everything else
// that nests gets brackets: name[member], name[0][member]. Nulls, empty arrays and
// empty objects are left out.
func (p *pairWriter) add(name string, v value.Value) {
	if v.Kind() != value.Array || !isFlat(v) {
		p.nest(name, v)
		return
	}
	for i := range v.Len() {
		if item := v.At(i); item.Kind() != value.Null {
			p.pair(name, item.Text())
		}
	}
}

func (p *pairWriter) nest(name string, v value.Value) {
	switch v.Kind() {
	case value.Absent, value.Null:
	case value.Object:
		for i := range v.Len() {
			p.nest(name+"["+v.Name(i)+"]", v.At(i))
		}
	case value.Array:
		for i := range v.Len() {
			p.nest(name+"["+strconv.Itoa(i)+"]", v.At(i))
		}
	default:
		p.pair(name, v.Text())
	}
}

// join writes an array as one pair, of which separator stands between the items.
func (p *pairWriter) join(name string, v value.Value, separator string) {
	p.name(name)
	for i, first := 0, true; i < v.Len(); i++ {
		item := v.At(i)
		if item.Kind() == value.Null {
			continue
		}
		if !first {
			p.dst = append(p.dst, separator...)
		}
		first = false
		p.dst = p.escape(p.dst, item.Text())
	}
}

// isFlat reports whether an array holds neither arrays nor objects.
func isFlat(v value.Value) bool {
	for i := range v.Len() {
		if !v.At(i).IsScalar() {
			return false
		}
	}
	return true
}

// isEmpty reports whether v is nothing that a query, a form or a header could
// hold: no value, null, or an array or object of nothing else.
func isEmpty(v value.Value) bool {
	if v.Kind() <= value.Null {
		return true
	}
	if v.IsScalar() {
		return false
	}
	for i := range v.Len() {
		if !isEmpty(v.At(i)) {
			return false
		}
	}
	return true
}

// separators stand between the items of a joined array. They are no part of an
// item, in which the same character is percent-encoded.
var separators = [...]string{Comma: ",", Space: "%20", Pipe: "%7C"}

func (p *Param) appendQuery(query []byte, v value.Value) []byte {
	out := pairWriter{query, template.AppendQuery}
	switch {
	case p.Style == JSON || v.IsScalar():
		out.pair(p.Name, v.Text())
	case v.Kind() == value.Array && p.Style != Repeat:
		out.join(p.Name, v, separators[p.Style])
	default:
		out.add(p.Name, v)
	}
	return out.dst
}

// form encodes the members of an object.
func form(v value.Value) []byte {
	out := pairWriter{escape: template.AppendForm}
	if v.Kind() == value.Object {
		for i := range v.Len() {
			out.add(v.Name(i), v.At(i))
		}
	}
	return out.dst
}
