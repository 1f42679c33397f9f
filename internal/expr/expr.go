// Package expr says where a value comes from while a unit runs: a literal, a
// slot of the frame, a field of what a slot holds, a template over these, or an
// object or array of them.
// Plans are made of expressions; running one looks nothing up by name.
package expr

import (
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Frame holds the values of one running unit, by slot: first the unit's inputs
// in order, then what the plan added (secrets, assigned values, step results).
// A slot that holds nothing is Absent.
type Frame []value.Value

// Expr is where a value comes from. The zero Expr gives nothing.
type Expr struct {
	literal value.Value
	slot    int // 1-based; 0 is none
	fields  []string
	text    *template.Template
	vars    []Expr          // by variable index of text
	within  template.Escape // what text is, for Eval
	tree    *tree
}

// tree is an object or array of expressions.
type tree struct {
	names []string // of an object, parallel to nodes; nil makes an array
	nodes []Expr
}

// Literal always gives v.
func Literal(v value.Value) Expr { return Expr{literal: v} }

// Slot gives what the frame holds at index i, or the member found below it by
// following the field names (array items by decimal index).
func Slot(i int, fields ...string) Expr { return Expr{slot: i + 1, fields: fields} }

// Text renders t, whose variables come from vars, index by index.
func Text(t *template.Template, vars []Expr) Expr {
	if t.IsLiteral() {
		return Literal(value.Of(t.Literal()))
	}
	return Expr{text: t, vars: vars}
}

// TextIn is Text for a text that is itself of the kind that esc says, such as JSON
// within a string: Eval escapes the values for it.
func TextIn(t *template.Template, vars []Expr, esc template.Escape) Expr {
	e := Text(t, vars)
	e.within = esc
	return e
}

// Object gives an object of what the expressions give, without the members of
// which nothing is given.
func Object(names []string, nodes []Expr) Expr { return Expr{tree: &tree{names, nodes}} }

// Array is Object for the items of an array.
func Array(nodes []Expr) Expr { return Expr{tree: &tree{nil, nodes}} }

// Vars are the values of the variables of a text, nil for other expressions.
func (e Expr) Vars() []Expr { return e.vars }

// IsZero reports whether e gives nothing.
func (e Expr) IsZero() bool {
	return e.literal.IsAbsent() && e.slot == 0 && e.text == nil && e.tree == nil
}

// Constant returns the value of a literal.
func (e Expr) Constant() (value.Value, bool) {
	return e.literal, e.slot == 0 && e.text == nil && e.tree == nil
}

// InSlot returns the slot of an expression that is exactly one slot.
func (e Expr) InSlot() (i int, ok bool) { return e.slot - 1, e.slot > 0 && len(e.fields) == 0 }

// Eval returns the value: with its type where e is a literal, a slot, or a
// template that is exactly one variable; else the rendered text. A value that
// is not there is Absent; a text around one is a *template.MissingError.
func (e Expr) Eval(f Frame) (value.Value, error) {
	switch {
	case e.text != nil:
		if i, ok := e.text.Single(); ok {
			return e.vars[i].Eval(f)
		}
		text, err := e.Append(nil, f, e.within)
		if err != nil {
			return value.Value{}, err
		}
		return value.Of(string(text)), nil
	case e.slot > 0:
		v := f[e.slot-1]
		for _, name := range e.fields {
			v = Field(v, name)
		}
		return v, nil
	case e.tree != nil:
		return e.tree.eval(f)
	default:
		return e.literal, nil
	}
}

func (t *tree) eval(f Frame) (value.Value, error) {
	out := value.List()
	if t.names != nil {
		out = value.Map()
	}
	for i, n := range t.nodes {
		v, err := n.Eval(f)
		switch {
		case err != nil:
			return value.Value{}, err
		case v.IsAbsent():
		case t.names != nil:
			out.Add(t.names[i], v)
		default:
			out.Append(v)
		}
	}
	return out, nil
}

// Append renders a template into dst, its values escaped for their place; other
// expressions append the text of what Eval gives, unescaped. A variable without
// a value is a *template.MissingError.
func (e Expr) Append(dst []byte, f Frame, esc template.Escape) ([]byte, error) {
	if e.text == nil {
		v, err := e.Eval(f)
		if err != nil || v.IsAbsent() {
			return dst, err
		}
		return append(dst, v.Text()...), nil
	}
	var inner error
	out, err := e.text.Append(dst, func(i int) value.Value {
		v, err := e.vars[i].Eval(f)
		if err != nil && inner == nil {
			inner = err
		}
		return v
	}, esc)
	if inner != nil {
		return dst, inner
	}
	return out, err
}

// Field returns the named member of an object, the item of an array at a
// decimal index, or Absent.
func Field(v value.Value, name string) value.Value {
	if v.Kind() != value.Array {
		return v.Get(name)
	}
	index := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' || index > v.Len() {
			return value.Value{}
		}
		index = index*10 + int(c-'0')
	}
	if name == "" || index >= v.Len() {
		return value.Value{}
	}
	return v.At(index)
}
