package value

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/budget"
)

// AppendJSON appends v as compact JSON to dst. Absent is written as null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind() {
	case Bool:
		return strconv.AppendBool(dst, v.True())
	case Number:
		return append(dst, v.text()...)
	case String:
		return AppendString(dst, v.text())
	case Array:
		dst = append(dst, '[')
		for i, item := range v.items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, m := range v.members() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, m.Name), ':')
			dst = m.Value.AppendJSON(dst)
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
