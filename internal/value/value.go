// Package value holds JSON values that lose nothing: objects keep the order of
// their members, numbers keep their text, so a 64-bit id or a price written
// "1.10" leaves as it came. It is the one representation of data that moves
// between the parts of a running capability.
package value

import (
	"slices"
	"strconv"
	"strings"
)

// Kind says what a Value is.
type Kind uint8

// The kinds of a Value. Absent is the zero Value: "nothing was given", which is
// not the same as a JSON null.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"nothing", "null", "boolean", "number", "string", "array", "object"}

// String names the kind with JSON's word for it.
func (k Kind) String() string { return kindNames[k] }

// Value is one JSON value or, when zero, the absence of one. Scalars are
// immutable; arrays and objects are shared by copies of the Value, and are
// changed only by whoever built them (Append, Set), before they are handed on.
type Value struct {
	kind Kind
	text string // content of a string, source text of a number, "true" or "false"
	kids *kids
}

type kids struct {
	names []string // for objects, parallel to items
	items []Value
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value Value
}

// Nil returns JSON null.
func Nil() Value { return Value{kind: Null} }

// Of returns s as a JSON string.
func Of(s string) Value { return Value{kind: String, text: s} }

// Boolean returns b as a JSON boolean.
func Boolean(b bool) Value { return Value{kind: Bool, text: strconv.FormatBool(b)} }

// Int returns i as a JSON number.
func Int(i int64) Value { return Value{kind: Number, text: strconv.FormatInt(i, 10)} }

// Float returns f as a JSON number; f must be finite.
func Float(f float64) Value { return Value{kind: Number, text: strconv.FormatFloat(f, 'g', -1, 64)} }

// Num returns the JSON number written as text, which must follow RFC 8259 section 6.
func Num(text string) Value { return Value{kind: Number, text: text} }

// List returns an array of the items.
func List(items ...Value) Value { return Value{kind: Array, kids: &kids{items: items}} }

// Map returns an object of the members in the order given.
func Map(members ...Member) Value {
	k := &kids{names: make([]string, len(members)), items: make([]Value, len(members))}
	for i, m := range members {
		k.names[i], k.items[i] = m.Name, m.Value
	}
	return Value{kind: Object, kids: k}
}

// Kind reports what v is.
func (v Value) Kind() Kind { return v.kind }

// IsAbsent reports whether v is the zero Value.
func (v Value) IsAbsent() bool { return v.kind == Absent }

// IsScalar reports whether v is a string, number, boolean or null.
func (v Value) IsScalar() bool { return v.kind >= Null && v.kind <= String }

// Text is the content of a string, the source text of a number, "true", "false"
// or "null"; for arrays and objects it is their compact JSON, and "" for Absent.
func (v Value) Text() string {
	switch v.kind {
	case Null:
		return "null"
	case Array, Object:
		return string(v.AppendJSON(nil))
	default:
		return v.text
	}
}

// True reports whether v is the boolean true.
func (v Value) True() bool { return v.kind == Bool && v.text == "true" }

// Float64 returns the nearest float64 of a number; ok is false for other kinds.
func (v Value) Float64() (f float64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	return f, err == nil
}

// Int64 returns the value of a number that is an integer and fits, whatever its spelling (5, 5.0, 5e0).
func (v Value) Int64() (i int64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	if !strings.ContainsAny(v.text, ".eE") {
		i, err := strconv.ParseInt(v.text, 10, 64)
		return i, err == nil
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil || f != float64(int64(f)) || f >= 1<<53 || f <= -1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Len is the number of items of an array or members of an object, else 0.
func (v Value) Len() int {
	if v.kids == nil {
		return 0
	}
	return len(v.kids.items)
}

// At returns the i-th item of an array, or the value of the i-th member of an object.
func (v Value) At(i int) Value { return v.kids.items[i] }

// Name returns the name of the i-th member of an object.
func (v Value) Name(i int) string { return v.kids.names[i] }

// Get returns the value of the named member of an object, or Absent.
func (v Value) Get(name string) Value {
	if v.kind != Object {
		return Value{}
	}
	for i, n := range v.kids.names {
		if n == name {
			return v.kids.items[i]
		}
	}
	return Value{}
}

// Path returns what Get finds, name by name; Absent when any is missing.
func (v Value) Path(names ...string) Value {
	for _, n := range names {
		v = v.Get(n)
	}
	return v
}

// Set replaces or appends a member of the object v. It is for the builder of v
// only. It panics when v is not an object.
func (v Value) Set(name string, item Value) {
	for i, n := range v.kids.names {
		if n == name {
			v.kids.items[i] = item
			return
		}
	}
	v.Add(name, item)
}

// Add appends a member without looking for an equal name. It is for the builder
// of v only, who knows that name is new.
func (v Value) Add(name string, item Value) {
	if v.kind != Object {
		panic("value: Add on " + v.kind.String())
	}
	v.kids.names = append(v.kids.names, name)
	v.kids.items = append(v.kids.items, item)
}

// Append adds an item to the array v. It is for the builder of v only.
func (v Value) Append(item Value) {
	if v.kind != Array {
		panic("value: Append on " + v.kind.String())
	}
	v.kids.items = append(v.kids.items, item)
}

// equalNumbers compares numbers of different spelling: integers exactly,
// others as float64.
func equalNumbers(a, b Value) bool {
	const fraction = ".eE"
	if !strings.ContainsAny(a.text, fraction) && !strings.ContainsAny(b.text, fraction) {
		return strings.TrimLeft(a.text, "-") == "0" && strings.TrimLeft(b.text, "-") == "0"
	}
	x, _ := a.Float64()
	y, _ := b.Float64()
	return x == y
}

// Equal reports whether a and b are the same JSON value. Members are compared
// without regard to order, numbers by value.
func Equal(a, b Value) bool {
	return EqualWithin(a, b, func(int) bool { return true })
}

// EqualWithin is Equal for those who count its steps: it is false as soon as
// steps, which gets how many come next, is.
func EqualWithin(a, b Value, steps func(n int) bool) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case Number:
		return a.text == b.text || equalNumbers(a, b)
	case Array:
		if a.Len() != b.Len() || !steps(a.Len()) {
			return false
		}
		for i := range a.kids.items {
			if !EqualWithin(a.kids.items[i], b.kids.items[i], steps) {
				return false
			}
		}
		return true
	case Object:
		return a.Len() == b.Len() && steps(a.Len()) && equalMembers(a, b, steps)
	default:
		return a.text == b.text
	}
}

// equalMembers compares objects of equal length. In equal objects most members
// stand at the same place; of those that do not, an index is made when there are many.
func equalMembers(a, b Value, steps func(n int) bool) bool {
	var index map[string]int
	for i, name := range a.kids.names {
		j := i
		if b.kids.names[i] != name {
			if index == nil && b.Len() > many {
				index = make(map[string]int, b.Len())
				for k, n := range b.kids.names {
					index[n] = k
				}
			}
			var ok bool
			if j, ok = b.find(name, index); !ok {
				return false
			}
		}
		if !EqualWithin(a.kids.items[i], b.kids.items[j], steps) {
			return false
		}
	}
	return true
}

// find returns where a member is; index may be nil.
func (v Value) find(name string, index map[string]int) (i int, ok bool) {
	if index != nil {
		i, ok = index[name]
		return i, ok
	}
	i = slices.Index(v.kids.names, name)
	return i, i >= 0
}
