// Package value holds JSON values that lose nothing: objects keep the order of
// their members, numbers keep their text, so a 64-bit id or a price written
// "1.10" leaves as it came. It is the one representation of data that moves
// between the parts of a running capability.
//
// A parsed value takes at most about eight times the bytes of its text, whatever
// the text is: a Value is two words, the items of an array stand beside each
// other without room to grow, and short texts are shared.
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

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value Value
}

// Nil returns JSON null.
func Nil() Value { return Value{word: uint64(Null)} }

// Of returns s as a JSON string.
func Of(s string) Value { return ofText(String, s) }

// Boolean returns b as a JSON boolean.
func Boolean(b bool) Value {
	if b {
		return Value{word: uint64(Bool) | flag}
	}
	return Value{word: uint64(Bool)}
}

// Int returns i as a JSON number.
func Int(i int64) Value { return ofText(Number, strconv.FormatInt(i, 10)) }

// Float returns f as a JSON number; f must be finite.
func Float(f float64) Value { return ofText(Number, strconv.FormatFloat(f, 'g', -1, 64)) }

// Num returns the JSON number written as text, which must follow RFC 8259 section 6.
func Num(text string) Value { return ofText(Number, text) }

// List returns an array of the items, to which its builder may append more.
func List(items ...Value) Value { return building(Array, &kids{items: items}) }

// Map returns an object of the members in the order given, to which its builder
// may add more. Their names differ. The caller hands them over.
func Map(members ...Member) Value { return building(Object, &kids{members: members}) }

// Items returns an array of the items that is complete: it takes no more room
// than they do. The caller hands them over.
func Items(items []Value) Value { return ofItems(items) }

// Members returns an object of the members, whose names differ, that is complete.
// The caller hands them over.
func Members(members []Member) Value { return ofMembers(members) }

// Distinct is Members for names that may come again: the last value counts, at the
// place of the first. It takes linear time.
func Distinct(members []Member) Value {
	var p parser
	return ofMembers(p.unique(members))
}

// Copy returns the members of an object, if v is one, in a new one that its builder may change.
func Copy(v Value) Value { return Map(slices.Clone(v.members())...) }

// Kind reports what v is.
func (v Value) Kind() Kind { return Kind(v.word & kindBits) }

// IsAbsent reports whether v is the zero Value.
func (v Value) IsAbsent() bool { return v.Kind() == Absent }

// IsScalar reports whether v is a string, number, boolean or null.
func (v Value) IsScalar() bool { return v.Kind() >= Null && v.Kind() <= String }

// Text is the content of a string, the source text of a number, "true", "false"
// or "null"; for arrays and objects it is their compact JSON, and "" for Absent.
func (v Value) Text() string {
	switch v.Kind() {
	case Number, String:
		return v.text()
	case Null:
		return "null"
	case Bool:
		return strconv.FormatBool(v.True())
	case Array, Object:
		return string(v.AppendJSON(nil))
	}
	return ""
}

// True reports whether v is the boolean true.
func (v Value) True() bool { return v.word == uint64(Bool)|flag }

// Float64 returns the nearest float64 of a number; ok is false for other kinds.
func (v Value) Float64() (f float64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text(), 64)
	return f, err == nil
}

// Int64 returns the value of a number that is an integer and fits, whatever its spelling (5, 5.0, 5e0).
func (v Value) Int64() (i int64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	text := v.text()
	if !strings.ContainsAny(text, ".eE") {
		i, err := strconv.ParseInt(text, 10, 64)
		return i, err == nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) || f >= 1<<53 || f <= -1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Len is the number of items of an array or members of an object, else 0.
func (v Value) Len() int {
	switch v.Kind() {
	case Array:
		return len(v.items())
	case Object:
		return len(v.members())
	}
	return 0
}

// At returns the i-th item of an array, or the value of the i-th member of an object.
func (v Value) At(i int) Value {
	if v.Kind() == Array {
		return v.items()[i]
	}
	return v.members()[i].Value
}

// Name returns the name of the i-th member of an object.
func (v Value) Name(i int) string { return v.members()[i].Name }

// Get returns the value of the named member of an object, or Absent.
func (v Value) Get(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	members := v.members()
	if i := find(members, name); i >= 0 {
		return members[i].Value
	}
	return Value{}
}

// find returns where the named member is, or -1.
func find(members []Member, name string) int {
	for i := range members {
		if members[i].Name == name {
			return i
		}
	}
	return -1
}

// Path returns what Get finds, name by name; Absent when any is missing.
func (v Value) Path(names ...string) Value {
	for _, n := range names {
		v = v.Get(n)
	}
	return v
}

// Set replaces or appends a member of the object v. It is for the builder of v
// only, who made it with Map, and panics for anybody else.
func (v Value) Set(name string, item Value) {
	k := v.builder(Object)
	if i := find(k.members, name); i >= 0 {
		k.members[i].Value = item
		return
	}
	k.members = append(k.members, Member{name, item})
}

// Add appends a member without looking for an equal name. It is for the builder
// of v only, who knows that name is new.
func (v Value) Add(name string, item Value) {
	k := v.builder(Object)
	k.members = append(k.members, Member{name, item})
}

// Append adds an item to the array v. It is for the builder of v only, who made
// it with List.
func (v Value) Append(item Value) {
	k := v.builder(Array)
	k.items = append(k.items, item)
}

// equalNumbers compares numbers of different spelling: integers exactly,
// others as float64.
func equalNumbers(a, b Value) bool {
	const fraction = ".eE"
	if !strings.ContainsAny(a.text(), fraction) && !strings.ContainsAny(b.text(), fraction) {
		return strings.TrimLeft(a.text(), "-") == "0" && strings.TrimLeft(b.text(), "-") == "0"
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
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case Number:
		return a.text() == b.text() || equalNumbers(a, b)
	case String:
		return a.text() == b.text()
	case Array:
		return a.Len() == b.Len() && steps(a.Len()) &&
			slices.EqualFunc(a.items(), b.items(), func(x, y Value) bool { return EqualWithin(x, y, steps) })
	case Object:
		return a.Len() == b.Len() && steps(a.Len()) && equalMembers(a.members(), b.members(), steps)
	}
	return a.word == b.word
}

// many is the number of members from which a search by name goes through an index.
const many = 16

// equalMembers compares objects of equal length. In equal objects most members
// stand at the same place; of those that do not, an index is made when there are many.
func equalMembers(a, b []Member, steps func(n int) bool) bool {
	var index map[string]int
	for i := range a {
		j := i
		if b[i].Name != a[i].Name {
			if index == nil && len(b) > many {
				index = make(map[string]int, len(b))
				for k := range b {
					index[b[k].Name] = k
				}
			}
			if index == nil {
				j = find(b, a[i].Name)
			} else if at, ok := index[a[i].Name]; ok {
				j = at
			} else {
				j = -1
			}
		}
		if j < 0 || !EqualWithin(a[i].Value, b[j].Value, steps) {
			return false
		}
	}
	return true
}
