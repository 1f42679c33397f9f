package value

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/budget"
)

// MaxDepth is how deeply arrays and objects may nest in parsed text.
const MaxDepth = 512

// Parse reads exactly one JSON text (RFC 8259). Invalid UTF-8 and text after
// the value are errors that name the byte offset. Of members with equal names
// the last wins, at the place of the first.
func Parse(text []byte, more ...jsontext.Options) (Value, error) {
	d := NewDecoder(text, more...)
	v, err := d.value(0)
	if err != nil {
		return Value{}, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return Value{}, fmt.Errorf("parse JSON: text after the value at byte %d", d.InputOffset())
	}
	return v, nil
}

// Decoder reads values from JSON text, with the streaming calls of jsontext for
// those who skip most of it.
type Decoder struct{ *jsontext.Decoder }

// NewDecoder reads from text, which must not change meanwhile.
func NewDecoder(text []byte, more ...jsontext.Options) Decoder {
	return Decoder{jsontext.NewDecoder(bytes.NewBuffer(text), append(more, jsontext.AllowDuplicateNames(true))...)}
}

// Value reads the next value, whole.
func (d Decoder) Value() (Value, error) { return d.value(0) }

func (d Decoder) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, fmt.Errorf("parse JSON: nested deeper than %d at byte %d", MaxDepth, d.InputOffset())
	}
	tok, err := d.ReadToken()
	if err != nil {
		if err == io.EOF {
			return Value{}, fmt.Errorf("parse JSON: no value")
		}
		return Value{}, fmt.Errorf("parse JSON: %w", err)
	}
	switch tok.Kind() {
	case 'n':
		return Nil(), nil
	case 't':
		return Value{kind: Bool, text: "true"}, nil
	case 'f':
		return Value{kind: Bool, text: "false"}, nil
	case '"':
		return Of(tok.String()), nil
	case '0':
		return Num(tok.String()), nil
	case '[':
		k := &kids{}
		for d.PeekKind() != ']' {
			item, err := d.value(depth + 1)
			if err != nil {
				return Value{}, err
			}
			k.items = append(k.items, item)
		}
		_, err := d.ReadToken()
		return Value{kind: Array, kids: k}, err
	default: // '{'
		object := Value{kind: Object, kids: &kids{}}
		var index map[string]int // of names, once there are many
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return Value{}, fmt.Errorf("parse JSON: %w", err)
			}
			key := name.String()
			item, err := d.value(depth + 1)
			if err != nil {
				return Value{}, err
			}
			index = object.kids.put(key, item, index)
		}
		_, err := d.ReadToken()
		return object, err
	}
}

// many is the number of members from which a search by name goes through an index.
const many = 16

// put is Set for a parser: from many members on it searches through index, which
// it makes then and returns, so that a wide object takes no quadratic time.
func (k *kids) put(name string, item Value, index map[string]int) map[string]int {
	if index == nil && len(k.names) < many {
		Value{kind: Object, kids: k}.Set(name, item)
		return nil
	}
	if index == nil {
		index = make(map[string]int, 4*many)
		for i, n := range k.names {
			index[n] = i
		}
	}
	if i, ok := index[name]; ok {
		k.items[i] = item
		return index
	}
	index[name] = len(k.names)
	k.names, k.items = append(k.names, name), append(k.items, item)
	return index
}

// AppendJSON appends v as compact JSON to dst. Absent is written as null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Bool, Number:
		return append(dst, v.text...)
	case String:
		return AppendString(dst, v.text)
	case Array:
		dst = append(dst, '[')
		for i, item := range v.kids.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, item := range v.kids.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, v.kids.names[i]), ':')
			dst = item.AppendJSON(dst)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// JSONSize is about how many bytes AppendJSON writes, which for a value that
// holds the same parts again and again may be far more than its own size. It
// counts up to most bytes, and as long as m allows; ok is false beyond that.
func (v Value) JSONSize(m *budget.Meter, most int64) (size int64, ok bool) {
	s := sizer{meter: m, left: most}
	s.value(v)
	return most - s.left, s.left >= 0 && m.Err() == nil
}

type sizer struct {
	meter *budget.Meter
	left  int64
}

func (s *sizer) value(v Value) {
	switch v.Kind() {
	case String:
		s.left -= int64(len(v.Text())) + 2
	case Array, Object:
		s.left -= 2
		for i := 0; i < v.Len() && s.left >= 0 && s.meter.Step(); i++ {
			if v.Kind() == Object {
				s.left -= int64(len(v.Name(i))) + 3
			}
			s.left-- // the comma
			s.value(v.At(i))
		}
	case Number, Bool:
		s.left -= int64(len(v.Text()))
	default:
		s.left -= 4
	}
}

// AppendString appends s as a JSON string; invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // its error only reports the replacement
	return dst
}

// MarshalJSON makes Value a json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON makes *Value a json.Unmarshaler.
func (v *Value) UnmarshalJSON(text []byte) (err error) {
	*v, err = Parse(text)
	return err
}

// Indent returns v as JSON for people: two spaces a level, no trailing newline.
func (v Value) Indent() string {
	text := jsontext.Value(v.AppendJSON(nil))
	_ = text.Indent(jsontext.WithIndent("  ")) // what AppendJSON wrote is valid
	return string(text)
}
