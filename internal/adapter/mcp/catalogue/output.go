package catalogue

import (
	"cmp"

	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// ItemsMember holds a list that is an answer: structured content was an object in
// every revision before 2026-07-28.
const ItemsMember = "items"

// ValueMember holds an answer that is neither the object nor the list promised.
const ValueMember = "value"

// announced is the output schema of a tool whose answers look like s, or nil when
// that says nothing: an object, or one that holds the list.
func announced(s *schema.Schema) *schema.Schema {
	switch {
	case s == nil:
	case s.Type == "object" && len(s.Properties) > 0:
		return s
	case s.Type == "array" && s.Items != nil && s.Items.Type != "":
		return &schema.Schema{Type: "object", Properties: []schema.Property{{Name: ItemsMember, Schema: s}}}
	}
	return nil
}

// appendOutputSchema appends the schema of answers. Nothing is required of an
// object, because APIs leave out what they do not have, and no type is a union
// with null, which not every client takes.
func appendOutputSchema(dst []byte, s *schema.Schema) []byte {
	switch {
	case s == nil || s.Type == "" && s.Description == "":
		return append(dst, "{}"...)
	case s.Type == "":
		return append(value.AppendString(append(dst, `{"description":`...), s.Description), '}')
	}
	dst = value.AppendString(append(dst, `{"type":`...), s.Type)
	if s.Description != "" {
		dst = value.AppendString(append(dst, `,"description":`...), s.Description)
	}
	switch s.Type {
	case "array":
		dst = appendOutputSchema(append(dst, `,"items":`...), ItemsOf(s))
	case "object":
		dst = append(dst, `,"properties":{`...)
		for i, p := range s.Properties {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendOutputSchema(append(value.AppendString(dst, p.Name), ':'), p.Schema)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// ItemsOf are the items of a list as they are announced. Scalars have no type:
// one that is null cannot be left out without moving the others.
func ItemsOf(s *schema.Schema) *schema.Schema {
	if i := s.Items; i != nil && i.Type != "" && i.Type != "object" && i.Type != "array" {
		return &schema.Schema{Description: cmp.Or(i.Description, i.Type)}
	}
	return s.Items
}
