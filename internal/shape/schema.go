package shape

import (
	"github.com/fairlead/fairlead/internal/schema"
)

// Schema describes what Apply returns where that is always an object, else it is
// nil. It promises no more than Apply keeps: what may be null, or may keep the
// type it had, has no type, only a description. No member is required, so an
// object that Apply found nothing in satisfies it, too.
func (p *Program) Schema() *schema.Schema {
	if p.Identity() || p.step || len(p.outputs) != 1 {
		return nil
	}
	if s := p.outputs[0].schema(); s.Type == "object" && p.outputs[0].kind == object {
		return s
	}
	return nil
}

func (o *output) schema() *schema.Schema {
	s := &schema.Schema{Description: o.description}
	switch {
	case o.kind == fixed:
		s.Type = o.constant.Kind().String()
	case o.kind == object && o.path == nil && !o.loose:
		s.Type = "object"
		for i, m := range o.members {
			s.Properties = append(s.Properties, schema.Property{Name: o.names[i], Schema: m.schema()})
		}
	case o.kind == array && o.path != nil && !o.path.Definite():
		s.Type = "array"
		if o.item != nil {
			s.Items = o.item.schema()
		}
	case s.Description == "" && o.typ != "":
		s.Description = o.typ + " or null"
	}
	return s
}
