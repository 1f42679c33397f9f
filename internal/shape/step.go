package shape

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// CompileStep compiles the outputs of a consumed operation for a step. The
// step's result is the answer with the named outputs added, missing ones as
// null: later steps find {{step.output}} as well as {{step.member}}, and an
// output hides the member of its name. Added to an array, each item that is an
// object gets the outputs, evaluated from that item; outputs that are the whole
// answer are not repeated there. An answer that is a scalar gives an object of
// the outputs alone. When no output has a name, the result is as with Compile;
// what is no array or object although declared so stays as it is. xml says that
// answers are XML, as with CompileXML.
func CompileStep(outputs []*model.Output, diags *diag.List, xml bool) *Program {
	c := compiler{diags: diags, declared: true, xml: xml}
	named := slices.DeleteFunc(slices.Clone(outputs), func(m *model.Output) bool { return m.Name == "" })
	if len(named) == 0 {
		return c.program(outputs)
	}
	return &Program{outputs: []*output{c.object(named, true)}, step: true}
}

// augment adds the outputs of a step to its answer.
func (p *Program) augment(m *budget.Meter, root value.Value) value.Value {
	if root.Kind() != value.Array {
		return p.added(m, root, false)
	}
	items := make([]value.Value, root.Len())
	for i := range items {
		if items[i] = root.At(i); items[i].Kind() == value.Object {
			items[i] = p.added(m, items[i], true)
		}
	}
	return value.Items(items)
}

func (p *Program) added(m *budget.Meter, base value.Value, item bool) value.Value {
	out := value.Map()
	if n := base.Len() + len(p.outputs[0].members); !m.Steps(n) || !m.Hold(int64(n)*memberSize) {
		return out
	}
	if base.Kind() == value.Object {
		for i := range base.Len() {
			out.Add(base.Name(i), base.At(i))
		}
	}
	all := p.outputs[0]
	for i, o := range all.members {
		if !item || !o.isRoot() {
			out.Set(all.names[i], orNull(o.apply(m, base)))
		}
	}
	return out
}
