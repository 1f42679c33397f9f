package jsonpath

import (
	"math"
	"math/big"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// lengthOf is length() of RFC 9535 section 2.4.4.
type lengthOf struct{ operand }

func (f lengthOf) value(in scope, node value.Value) value.Value {
	return length(f.operand.value(in, node))
}

func (f lengthOf) write(b *strings.Builder) { writeCall(b, "length", f.operand) }

// countOf is count() of section 2.4.5.
type countOf struct{ *query }

func (f countOf) value(in scope, node value.Value) value.Value {
	return value.Int(f.count(in, node))
}

func (f countOf) write(b *strings.Builder) { writeCall(b, "count", f.query) }

// valueOf is value() of section 2.4.8.
type valueOf struct{ *query }

func (f valueOf) value(in scope, node value.Value) value.Value {
	w := walk{scope: in, limit: 2}
	w.from(f.from(in.root, node), f.segments)
	if len(w.nodes) != 1 {
		return value.Value{}
	}
	return w.nodes[0]
}

func (f valueOf) write(b *strings.Builder) { writeCall(b, "value", f.query) }

// regexTest is match() or search() of sections 2.4.6 and 2.4.7.
type regexTest struct {
	name           string // match or search
	input, pattern operand
	last           atomic.Pointer[compiledPattern] // what holds used last; a literal stays
}

// compiledPattern has a nil expression when source is no I-Regexp.
type compiledPattern struct {
	source     string
	expression *pattern
}

func (f *regexTest) holds(in scope, node value.Value) bool {
	input, pattern := f.input.value(in, node), f.pattern.value(in, node)
	if input.Kind() != value.String || pattern.Kind() != value.String {
		return false
	}
	expression := f.compile(pattern.Text())
	return expression != nil && expression.matches(in, input.Text())
}

func (f *regexTest) compile(source string) *pattern {
	if last := f.last.Load(); last != nil && last.source == source {
		return last.expression
	}
	expression, _ := compileIRegexp(source, f.name == "match") // what is none matches nothing
	f.last.Store(&compiledPattern{source, expression})
	return expression
}

func (f *regexTest) write(b *strings.Builder) { writeCall(b, f.name, f.input, f.pattern) }

func writeCall(b *strings.Builder, name string, arguments ...interface{ write(*strings.Builder) }) {
	b.WriteString(name)
	for i, a := range arguments {
		b.WriteString([...]string{"(", ", "}[i])
		a.write(b)
	}
	b.WriteByte(')')
}

// tail is a function that the lenient dialect has at the end of a path.
type tail struct {
	name string
	of   func(value.Value) value.Value // Absent when the function does not fit the value
}

// tails are the trailing functions. On an indefinite path they see the array of
// its nodes, so $..price.max() is the greatest of all prices.
var tails = [...]tail{
	{"length", length},
	{"size", length},
	{"min", func(v value.Value) value.Value { return extreme(v, -1) }},
	{"max", func(v value.Value) value.Value { return extreme(v, +1) }},
	{"sum", sum},
	{"avg", average},
	{"keys", keys},
}

// length counts the items of an array, the members of an object, the code points of a string.
func length(v value.Value) value.Value {
	switch v.Kind() {
	case value.String:
		return value.Int(int64(utf8.RuneCountInString(v.Text())))
	case value.Array, value.Object:
		return value.Int(int64(v.Len()))
	default:
		return value.Value{}
	}
}

// extreme returns the least (sign -1) or greatest (+1) number of an array, as it is written there.
func extreme(v value.Value, sign int) (found value.Value) {
	for _, n := range numbers(v) {
		if found.IsAbsent() || compareNumbers(n, found)*sign > 0 {
			found = n
		}
	}
	return found
}

// sum adds the numbers of an array; none make 0. Decimal fractions add up as
// on paper: 0.1 and 0.2 are 0.3.
func sum(v value.Value) value.Value {
	if v.Kind() != value.Array {
		return value.Value{}
	}
	t, ok := total(numbers(v))
	if !ok {
		return value.Value{}
	}
	return rational(t)
}

// average is Absent for an array without numbers.
func average(v value.Value) value.Value {
	all := numbers(v)
	t, ok := total(all)
	if !ok || len(all) == 0 {
		return value.Value{}
	}
	return rational(t.Quo(t, big.NewRat(int64(len(all)), 1)))
}

func keys(v value.Value) value.Value {
	if v.Kind() != value.Object {
		return value.Value{}
	}
	names := make([]value.Value, v.Len())
	for i := range names {
		names[i] = value.Of(v.Name(i))
	}
	return value.Items(names)
}

// numbers returns the items of an array that are numbers.
func numbers(v value.Value) (all []value.Value) {
	if v.Kind() != value.Array {
		return nil
	}
	for i := range v.Len() {
		if item := v.At(i); item.Kind() == value.Number {
			all = append(all, item)
		}
	}
	return all
}

// total adds exactly; ok is false when a term is beyond the range of doubles.
func total(all []value.Value) (sum *big.Rat, ok bool) {
	sum = new(big.Rat)
	term := new(big.Rat)
	for _, n := range all {
		text := n.Text()
		if len(text) > 64 || strings.ContainsAny(text, "eE") { // exact would be costly
			f, ok := n.Float64()
			if !ok {
				return nil, false
			}
			term.SetFloat64(f)
		} else {
			term.SetString(text)
		}
		sum.Add(sum, term)
	}
	return sum, true
}

// rational is r as a number: exact if it is an integer of up to 128 bits, else
// the nearest double; Absent beyond the range of doubles.
func rational(r *big.Rat) value.Value {
	if r.IsInt() && r.Num().BitLen() <= 128 {
		return value.Num(r.Num().String())
	}
	f, _ := r.Float64()
	if math.IsInf(f, 0) {
		return value.Value{}
	}
	return value.Float(f)
}
