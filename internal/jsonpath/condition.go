package jsonpath

import (
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// condition is a logical expression of a filter (RFC 9535 section 2.3.5).
type condition interface {
	holds(in scope, node value.Value) bool
	write(*strings.Builder)
}

// operand is a side of a comparison or an argument. Absent is the RFC's Nothing.
type operand interface {
	value(in scope, node value.Value) value.Value
	write(*strings.Builder)
}

type (
	anyOf  []condition // a || b
	allOf  []condition // a && b
	negate struct{ condition }
	exists struct{ *query }

	comparison struct {
		op          string
		left, right operand
	}
)

func (c anyOf) holds(in scope, node value.Value) bool {
	for _, part := range c {
		if part.holds(in, node) {
			return true
		}
	}
	return false
}

func (c allOf) holds(in scope, node value.Value) bool {
	for _, part := range c {
		if !part.holds(in, node) {
			return false
		}
	}
	return true
}

func (c negate) holds(in scope, node value.Value) bool { return !c.condition.holds(in, node) }

func (c exists) holds(in scope, node value.Value) bool {
	_, ok := c.first(in, node)
	return ok
}

func (c *comparison) holds(in scope, node value.Value) bool {
	a, b := c.left.value(in, node), c.right.value(in, node)
	switch c.op {
	case "==":
		return in.equal(a, b)
	case "!=":
		return !in.equal(a, b)
	case "<":
		return less(a, b)
	case ">":
		return less(b, a)
	case "<=":
		return less(a, b) || in.equal(a, b)
	default: // ">="
		return less(b, a) || in.equal(a, b)
	}
}

// equal is value.Equal, but exact for integers of 64 bits, and it counts its steps.
func (in scope) equal(a, b value.Value) bool {
	switch {
	case a.Kind() == value.Number && b.Kind() == value.Number:
		return compareNumbers(a, b) == 0
	case a.Kind() != b.Kind() || a.Len() != b.Len():
		return false
	case a.Len() == 0:
		return value.Equal(a, b)
	}
	return value.EqualWithin(a, b, func(n int) bool { return in.meter.Steps(n) })
}

// less orders numbers and strings; nothing else is less than anything.
func less(a, b value.Value) bool {
	switch {
	case a.Kind() != b.Kind():
		return false
	case a.Kind() == value.Number:
		return compareNumbers(a, b) < 0
	case a.Kind() == value.String:
		return a.Text() < b.Text() // UTF-8 sorts as its code points do
	default:
		return false
	}
}

func compareNumbers(a, b value.Value) int {
	if i, ok := integer(a.Text()); ok {
		if j, ok := integer(b.Text()); ok {
			switch {
			case i < j:
				return -1
			case i > j:
				return 1
			}
			return 0
		}
	}
	x, _ := strconv.ParseFloat(a.Text(), 64) // out of range is an infinity of the right sign
	y, _ := strconv.ParseFloat(b.Text(), 64)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// integer parses text that is written without fraction and exponent. Unlike
// strconv.ParseInt it costs nothing to fail.
func integer(text string) (n int64, ok bool) {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) > 18 {
		return wideInteger(text)
	}
	for i := range len(digits) {
		if !isDigit(rune(digits[i])) {
			return 0, false
		}
		n = n*10 + int64(digits[i]-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

func wideInteger(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Literals and queries as operands.
type (
	literal struct{ v value.Value }
	single  struct{ *query } // singular, or with a function at its end
)

func (l literal) value(scope, value.Value) value.Value { return l.v }

func (s single) value(in scope, node value.Value) value.Value {
	v, _ := s.result(in, node)
	return v
}

func (l literal) write(b *strings.Builder) {
	if l.v.Kind() == value.String {
		b.WriteString(quote(l.v.Text()))
		return
	}
	b.WriteString(l.v.Text())
}

func (c anyOf) write(b *strings.Builder) {
	for i, part := range c {
		if i > 0 {
			b.WriteString(" || ")
		}
		part.write(b)
	}
}

func (c allOf) write(b *strings.Builder) {
	for i, part := range c {
		if i > 0 {
			b.WriteString(" && ")
		}
		if _, loose := part.(anyOf); loose {
			writeGroup(b, part)
		} else {
			part.write(b)
		}
	}
}

func (c negate) write(b *strings.Builder) {
	b.WriteByte('!')
	switch c.condition.(type) {
	case exists, *regexTest:
		c.condition.write(b)
	default:
		writeGroup(b, c.condition)
	}
}

func writeGroup(b *strings.Builder, c condition) {
	b.WriteByte('(')
	c.write(b)
	b.WriteByte(')')
}

func (c *comparison) write(b *strings.Builder) {
	c.left.write(b)
	b.WriteString(" " + c.op + " ")
	c.right.write(b)
}
