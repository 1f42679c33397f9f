package shape

import (
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// convert gives a scalar the declared type and length.
func (o *output) convert(v value.Value) value.Value {
	v = convert(o.typ, v)
	if o.maxLength > 0 && v.Kind() == value.String {
		return value.Of(cut(v.Text(), o.maxLength))
	}
	return v
}

// convert returns v as the type if v is a scalar that says the same in that
// type: the string "5" is the number 5, the string "05" is none.
func convert(typ string, v value.Value) value.Value {
	switch v.Kind() {
	case value.Number, value.Bool:
		if typ == "string" {
			return value.Of(v.Text())
		}
	case value.String:
		switch text := strings.TrimSpace(v.Text()); {
		case typ == "boolean" && strings.EqualFold(text, "true"):
			return value.Boolean(true)
		case typ == "boolean" && strings.EqualFold(text, "false"):
			return value.Boolean(false)
		case typ == "number" || typ == "integer":
			if text == "" || skipNumber(text, 0) != len(text) {
				break
			}
			n := value.Num(text)
			if _, whole := n.Int64(); typ == "number" || whole || !strings.ContainsAny(text, ".eE") {
				return n
			}
		}
	}
	return v
}

// convertStatic is convert for what the document itself says, where a string may
// also hold the JSON text of a declared object or array.
func convertStatic(typ string, v value.Value) value.Value {
	if v.Kind() == value.String && (typ == "object" || typ == "array") {
		if parsed, err := value.Parse([]byte(v.Text())); err == nil && parsed.Kind().String() == typ {
			return parsed
		}
	}
	return convert(typ, v)
}

// cut returns the first n code points of s.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// fits reports whether s has at most n code points.
func fits(s []byte, n int) bool { return len(s) <= n || utf8.RuneCount(s) <= n }
