package shape

import (
	"cmp"
	"fmt"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// Mock is the compiled answer of a unit that calls nothing.
type Mock struct{ members []*mock }

type mock struct {
	name    string
	kind    kind      // text, object or array
	as      output    // its type and length
	value   expr.Expr // of a text
	members []*mock   // of an object; of an array the item, if any
}

// CompileMock compiles outputs with fixed values. compile makes an expression of
// a value, or reports why it cannot.
func CompileMock(outputs []*model.Output, compile func(*document.Node) (expr.Expr, bool), _ *diag.List) *Mock {
	return &Mock{mocks(outputs, compile)}
}

func mocks(outputs []*model.Output, compile func(*document.Node) (expr.Expr, bool)) (members []*mock) {
	for _, m := range outputs {
		c := &mock{name: cmp.Or(m.Name, "value"), as: output{typ: m.Type, maxLength: m.MaxLength}}
		switch {
		case m.Value != nil:
			var ok bool
			if c.value, ok = compile(m.Value); !ok {
				continue
			}
			c.kind = text
		case m.Type == "array" || m.Items != nil:
			c.kind = array
			if m.Items != nil {
				c.members = mocks([]*model.Output{m.Items}, compile)
			}
		default:
			c.kind = object
			c.members = mocks(m.Properties, compile)
		}
		members = append(members, c)
	}
	return members
}

// Build returns the object of the rendered values, each converted to its
// declared type when it can be, under the outputs' names; one without a name is
// called "value". An array has the one item that is described, or none. A value
// that is null or not given is left out, as is an object without members. The
// error says which value in the middle of a text is not given.
func (m *Mock) Build(f expr.Frame) (value.Value, error) { return build(m.members, f) }

func build(members []*mock, f expr.Frame) (value.Value, error) {
	out := value.Map()
	for _, m := range members {
		v, err := m.build(f)
		if err != nil {
			return value.Value{}, fmt.Errorf("build %s: %w", m.name, err)
		}
		if v.Kind() > value.Null {
			out.Set(m.name, v)
		}
	}
	return out, nil
}

func (m *mock) build(f expr.Frame) (value.Value, error) {
	if m.kind == text {
		v, err := m.value.Eval(f)
		return m.as.convert(convertStatic(m.as.typ, v)), err
	}
	v, err := build(m.members, f)
	switch {
	case err != nil:
		return v, err
	case m.kind == array && v.Len() == 0:
		return value.List(), nil
	case m.kind == array:
		return value.List(v.At(0)), nil
	case v.Len() == 0:
		return value.Value{}, nil
	}
	return v, nil
}
