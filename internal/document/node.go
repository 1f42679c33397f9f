// Package document reads YAML or JSON into a tree that knows where each value
// was written. It is the only package that knows a YAML library.
package document

import (
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/value"
)

// Node is one value of a document and the place where it stands. All methods
// accept a nil Node, which behaves as a value that is not there.
type Node struct {
	Kind  value.Kind // Null, Bool, Number, String, Array or Object
	Text  string     // a scalar as written, without quotes and escapes
	At    diag.Range
	Pairs []Pair  // members of an Object, in order
	Items []*Node // items of an Array
}

// Pair is one member of a mapping.
type Pair struct {
	Key   string
	KeyAt diag.Range
	Value *Node
}

// Get returns the member named key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	if p := n.Pair(key); p != nil {
		return p.Value
	}
	return nil
}

// First returns the first of the named members that is there, and its name.
func (n *Node) First(keys ...string) (*Node, string) {
	for _, k := range keys {
		if m := n.Get(k); m != nil {
			return m, k
		}
	}
	return nil, ""
}

// Pair returns the member named key with the place of its key, or nil.
func (n *Node) Pair(key string) *Pair {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key == key {
			return &n.Pairs[i]
		}
	}
	return nil
}

// Where returns the place of the value of the named member if it is there, else of n itself.
func (n *Node) Where(key string) diag.Range {
	if m := n.Get(key); m != nil {
		return m.At
	}
	return n.Range()
}

// Range is the place of n; the zero Range for nil.
func (n *Node) Range() diag.Range {
	if n == nil {
		return diag.Range{}
	}
	return n.At
}

// Is reports whether n is there and of the kind.
func (n *Node) Is(k value.Kind) bool { return n != nil && n.Kind == k }

// IsNull reports whether n is absent or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == value.Null }

// IsScalar reports whether n is a string, number or boolean.
func (n *Node) IsScalar() bool {
	return n != nil && (n.Kind == value.String || n.Kind == value.Number || n.Kind == value.Bool)
}

// Str is the text of a scalar as the author wrote it (a version 0.5, a date and
// a quoted string alike); "" for everything else.
func (n *Node) Str() string {
	if !n.IsScalar() {
		return ""
	}
	return n.Text
}

// Bool returns the truth of a boolean (or of the strings "true" and "false"); ok is false otherwise.
func (n *Node) Bool() (truth, ok bool) {
	switch n.Str() {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// Size counts the values of n, up to most.
func (n *Node) Size(most int) int {
	if n == nil || most <= 0 {
		return 0
	}
	count := 1
	for i := range n.Pairs {
		count += n.Pairs[i].Value.Size(most - count)
	}
	for _, item := range n.Items {
		count += item.Size(most - count)
	}
	return count
}

// Value returns n and all below it as a JSON value; Absent for nil.
func (n *Node) Value() value.Value {
	if n == nil {
		return value.Value{}
	}
	switch n.Kind {
	case value.Bool:
		truth, _ := n.Bool()
		return value.Boolean(truth)
	case value.Number:
		return value.Num(n.Text)
	case value.String:
		return value.Of(n.Text)
	case value.Array:
		items := make([]value.Value, len(n.Items))
		for i, item := range n.Items {
			items[i] = item.Value()
		}
		return value.Items(items)
	case value.Object:
		members := make([]value.Member, len(n.Pairs))
		for i, p := range n.Pairs {
			members[i] = value.Member{Name: p.Key, Value: p.Value.Value()}
		}
		return value.Members(members)
	default:
		return value.Nil()
	}
}
