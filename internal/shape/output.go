package shape

import (
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

type kind uint8

const (
	leaf   kind = iota // what the path finds
	fixed              // a constant
	text               // a template over the base
	object             // of members
	array              // of items
	table              // an object with members of any name, each an item
	broken             // its text cannot be compiled: finds nothing
)

// output is one compiled output parameter.
type output struct {
	kind        kind
	path        *jsonpath.Path // from the base; nil is the base itself
	typ         string
	maxLength   int
	description string

	constant value.Value        // fixed
	template *template.Template // text
	names    []string           // object
	members  []*output          // object, parallel to names
	item     *output            // array, table; nil leaves the items as they are

	partial bool // of an object: of which no member is found, it is absent
	lone    bool // of an array: what occurs once is a list of one, and "" an empty one
	loose   bool // a node that is no array or object, though declared so, stays as it is

	stream streaming
}

// isRoot reports whether o is its base as it is.
func (o *output) isRoot() bool {
	return o.path == nil && o.maxLength == 0 && (o.kind == leaf || o.kind == array && o.item == nil)
}

// apply evaluates o from the base; Absent when nothing is found.
func (o *output) apply(m *budget.Meter, base value.Value) value.Value {
	if !m.Step() {
		return value.Value{}
	}
	found := base
	if o.path != nil {
		found = o.path.Eval(m, base)
	}
	switch o.kind {
	case leaf:
		return o.convert(found)
	case fixed:
		return o.constant
	case text:
		return o.render(m, base)
	case object:
		return o.object(m, found)
	case array, table:
		return o.each(m, found)
	default:
		return value.Value{}
	}
}

func (o *output) object(m *budget.Meter, base value.Value) value.Value {
	if o.path != nil && base.Kind() <= value.Null || o.loose && base.Kind() != value.Object {
		return base
	}
	members, found := make([]value.Member, len(o.members)), !o.partial
	for i, member := range o.members {
		v := member.apply(m, base)
		found = found || !v.IsAbsent()
		members[i] = value.Member{Name: o.names[i], Value: orNull(v)}
	}
	if !found {
		return value.Value{}
	}
	return value.Members(members)
}

// nothing is o where nothing is found.
func (o *output) nothing() value.Value {
	switch o.kind {
	case array:
		return value.List()
	case table:
		return value.Map()
	case object:
		members := make([]value.Member, len(o.members))
		for i, name := range o.names {
			members[i] = value.Member{Name: name, Value: value.Nil()}
		}
		return value.Map(members...)
	default:
		return value.Nil()
	}
}

func (o *output) each(m *budget.Meter, found value.Value) value.Value {
	switch found.Kind() {
	case value.Null:
		return found
	case value.Array:
		if o.kind == array {
			return o.items(m, found)
		}
	case value.Object:
		if o.kind == table {
			return o.values(m, found)
		}
	}
	switch {
	case o.lone && found.Kind() == value.String && found.Text() == "":
		return value.List()
	case o.lone && !found.IsAbsent():
		return o.items(m, value.List(found))
	case o.loose:
		return found
	}
	return value.Value{}
}

func (o *output) items(m *budget.Meter, list value.Value) value.Value {
	if o.item == nil {
		return list
	}
	if !o.affords(m, list) {
		return value.Value{}
	}
	items := make([]value.Value, list.Len())
	for i := range items {
		items[i] = orNull(o.item.apply(m, list.At(i)))
	}
	return value.Items(items)
}

func (o *output) values(m *budget.Meter, table value.Value) value.Value {
	if !o.affords(m, table) {
		return value.Value{}
	}
	members := make([]value.Member, table.Len())
	for i := range members {
		members[i] = value.Member{Name: table.Name(i), Value: orNull(o.item.apply(m, table.At(i)))}
	}
	return value.Members(members)
}

// memberSize is what a member of a built object costs, in bytes.
const memberSize = 48

// affords takes what the items of list cost when they are built anew.
func (o *output) affords(m *budget.Meter, list value.Value) bool {
	each := max(1, len(o.item.members)) * memberSize
	return m.Hold(int64(list.Len()) * int64(each))
}

func (o *output) render(m *budget.Meter, base value.Value) value.Value {
	vars := o.template.Vars()
	look := func(i int) value.Value { return variable(base, vars[i].Name) }
	if i, ok := o.template.Single(); ok {
		return o.convert(look(i))
	}
	rendered, err := o.template.Append(nil, look, template.Raw)
	if err != nil || !m.Steps(len(rendered)) || !m.Hold(int64(len(rendered))) {
		return value.Value{}
	}
	return o.convert(value.Of(string(rendered)))
}

// variable finds a template's name below base: the member of that whole name,
// else part by part. The name may be written as a path, $.name.
func variable(base value.Value, name string) value.Value {
	name = strings.TrimPrefix(name, "$.")
	if v := base.Get(name); !v.IsAbsent() {
		return v
	}
	for _, part := range strings.Split(name, ".") {
		base = expr.Field(base, part)
	}
	return base
}

func orNull(v value.Value) value.Value {
	if v.IsAbsent() {
		return value.Nil()
	}
	return v
}
