package jsonpath

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// Step is one move from a value to a child: to the member Name of an object, to
// the item Index of an array when IsIndex, to every child when Wildcard.
type Step struct {
	Name     string
	Index    int // negative counts from the end, in the steps of a Path only
	IsIndex  bool
	Wildcard bool
}

// itemOf counts a negative index from the end; ok is false when v is no array
// or has no such item.
func itemOf(v value.Value, index int) (i int, ok bool) {
	if v.Kind() != value.Array {
		return 0, false
	}
	if index < 0 {
		index += v.Len()
	}
	return index, index >= 0 && index < v.Len()
}

// Location is where a node is: the names and indices that lead to it from the root.
type Location []Step

// String is the normalized path of RFC 9535 section 2.7.
func (l Location) String() string {
	b := []byte{'$'}
	for i := range l {
		b = append(b, '[')
		if l[i].IsIndex {
			b = strconv.AppendInt(b, int64(l[i].Index), 10)
		} else {
			b = appendQuoted(b, l[i].Name)
		}
		b = append(b, ']')
	}
	return string(b)
}

// quote is s as a string literal in single quotes, escaped as in normalized paths.
func quote(s string) string { return string(appendQuoted(nil, s)) }

func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '\'')
	for i := range len(s) {
		c := s[i]
		switch short := strings.IndexByte("\b\t\n\f\r'\\", c); {
		case short >= 0:
			b = append(b, '\\', `btnfr'\`[short])
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&0xF])
		default:
			b = append(b, c)
		}
	}
	return append(b, '\'')
}

// isShorthand reports whether name may stand after a dot (RFC 9535 section 2.5.1.1).
func isShorthand(name string) bool {
	for i, r := range name {
		if !isNameFirst(r) && (i == 0 || !isDigit(r)) {
			return false
		}
	}
	return name != ""
}

func isNameFirst(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_' || r >= utf8.RuneSelf
}

func isNameChar(r rune) bool { return isNameFirst(r) || isDigit(r) }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
