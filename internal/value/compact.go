package value

import "unsafe"

// Value is one JSON value or, when zero, the absence of one. Scalars are
// immutable; arrays and objects are shared by copies of the Value, and are
// changed only by whoever built them (Append, Set, Add), before they are handed
// on. Values are compared with Equal, never with ==.
//
// All that is unsafe about it is in this file. at points to the first byte of a
// text, the first item of an array, the first member of an object, or to the
// kids of a container under construction; it is nil when there are none. word
// has the kind in its lowest bits, then the flag, then the length. What at points
// to is a string or slice that the garbage collector knows, and is never written
// to once the Value is handed on.
type Value struct {
	at   unsafe.Pointer
	word uint64
}

const (
	kindBits = 1<<3 - 1
	flag     = 1 << 3 // of a boolean: it is true; of a container: it is under construction
	lenShift = 4
)

// kids are the content of a container under construction.
type kids struct {
	items   []Value
	members []Member
}

func ofText(kind Kind, s string) Value {
	v := Value{word: uint64(kind) | uint64(len(s))<<lenShift}
	if s != "" {
		v.at = unsafe.Pointer(unsafe.StringData(s))
	}
	return v
}

func ofItems(items []Value) Value {
	v := Value{word: uint64(Array) | uint64(len(items))<<lenShift}
	if len(items) > 0 {
		v.at = unsafe.Pointer(unsafe.SliceData(items))
	}
	return v
}

func ofMembers(members []Member) Value {
	v := Value{word: uint64(Object) | uint64(len(members))<<lenShift}
	if len(members) > 0 {
		v.at = unsafe.Pointer(unsafe.SliceData(members))
	}
	return v
}

func building(kind Kind, k *kids) Value { return Value{unsafe.Pointer(k), uint64(kind) | flag} }

// text is the content of a string, or the source text of a number.
func (v Value) text() string { return unsafe.String((*byte)(v.at), v.word>>lenShift) }

// items are those of an array; they must not be changed.
func (v Value) items() []Value {
	if v.word&flag != 0 {
		return (*kids)(v.at).items
	}
	return unsafe.Slice((*Value)(v.at), v.word>>lenShift)
}

// members are those of an object, none of any other value; they must not be changed.
func (v Value) members() []Member {
	switch {
	case v.Kind() != Object:
		return nil
	case v.word&flag != 0:
		return (*kids)(v.at).members
	}
	return unsafe.Slice((*Member)(v.at), v.word>>lenShift)
}

// builder is what the builder of a container changes.
func (v Value) builder(kind Kind) *kids {
	if v.word&(kindBits|flag) != uint64(kind)|flag {
		panic("value: " + v.Kind().String() + " is no " + kind.String() + " under construction")
	}
	return (*kids)(v.at)
}

// textOf is what b holds, as a string. b must not be changed any more.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
