package catalogue

import (
	"slices"

	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// portableNames is a copy of the schema in which the properties of objects below
// it have names that every model accepts, or s itself when they do already.
func portableNames(s *schema.Schema) *schema.Schema {
	if s == nil {
		return nil
	}
	items := portableNames(s.Items)
	names := make([]string, len(s.Properties))
	for i, p := range s.Properties {
		names[i] = p.Name
	}
	properties := slices.Clone(s.Properties)
	changed := items != s.Items
	for i, name := range safeNames(names, ofArgument) {
		inner := portableNames(properties[i].Schema)
		changed = changed || name != names[i] || inner != properties[i].Schema
		properties[i].Name, properties[i].Schema = name, inner
	}
	if !changed {
		return s
	}
	renamed := *s
	renamed.Items, renamed.Properties = items, properties
	return &renamed
}

// rename is v with the members that from knows under the names that to, a copy
// of it with other names, has for them.
func rename(v value.Value, from, to *schema.Schema) value.Value {
	if from == to {
		return v
	}
	if v.Kind() == value.String { // the schema takes JSON text for what it holds
		held, err := value.Parse([]byte(v.Text()))
		switch {
		case err != nil:
		case held.Kind() == value.Array && from.Items != nil, held.Kind() == value.Object && from.Properties != nil:
			v = held
		case held.Kind() == value.Object && from.Items != nil: // one for a list
			v = value.List(held)
		}
	}
	switch {
	case v.Kind() == value.Array && from.Items != nil:
		items := make([]value.Value, v.Len())
		for i := range items {
			items[i] = rename(v.At(i), from.Items, to.Items)
		}
		return value.Items(items)
	case v.Kind() == value.Object:
		members := make([]value.Member, v.Len())
		for i := range members {
			name, item := v.Name(i), v.At(i)
			if at := slices.IndexFunc(from.Properties,
				func(p schema.Property) bool { return p.Name == name }); at >= 0 {
				name, item = to.Properties[at].Name, rename(item, from.Properties[at].Schema, to.Properties[at].Schema)
			}
			members[i] = value.Member{Name: name, Value: item}
		}
		return value.Distinct(members)
	}
	return v
}
