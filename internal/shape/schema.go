package shape

import (
	"slices"

	"github.com/fairlead/fairlead/internal/schema"
)

// Schema describes what Apply returns as the document declares it, where that is
// one object or list, else it is nil. An answer need not keep to it: what is not
// found is null, and a scalar that cannot be converted stays as it is. No member
// is required.
func (p *Program) Schema() *schema.Schema {
	if p.Identity() || p.step || len(p.outputs) != 1 {
		return nil
	}
	switch o := p.outputs[0]; o.kind {
	case object, array:
		return o.schema()
	}
	return nil
}

func (o *output) schema() *schema.Schema {
	s := &schema.Schema{Description: o.description}
	switch o.kind {
	case fixed:
		s.Type = o.constant.Kind().String()
	case object:
		s.Type = "object"
		for i, m := range o.members {
			s.Properties = append(s.Properties, schema.Property{Name: o.names[i], Schema: m.schema()})
		}
	case table:
		s.Type = "object"
	case array:
		s.Type = "array"
		if o.item != nil {
			s.Items = o.item.schema()
		}
	case leaf, text:
		if slices.Contains([]string{"string", "integer", "number", "boolean", "object", "array"}, o.typ) {
			s.Type = o.typ
		}
	}
	return s
}
