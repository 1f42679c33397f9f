package catalogue

import (
	"cmp"
	"slices"
	"strings"

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
		dst = appendOutputSchema(append(dst, `,"items":`...), itemsOf(s))
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

// itemsOf are the items of a list as they are announced. Scalars have no type:
// one that is null cannot be left out without moving the others.
func itemsOf(s *schema.Schema) *schema.Schema {
	if i := s.Items; i != nil && i.Type != "" && i.Type != "object" && i.Type != "array" {
		return &schema.Schema{Description: cmp.Or(i.Description, i.Type)}
	}
	return s.Items
}

// Conforms reports whether v is what appendOutputSchema promises.
func Conforms(v value.Value, s *schema.Schema) bool {
	if s == nil || s.Type == "" {
		return true
	}
	switch s.Type {
	case "integer":
		_, ok := v.Int64()
		return ok || v.Kind() == value.Number && !strings.ContainsAny(v.Text(), ".eE")
	case "array":
		for i := range v.Len() {
			if v.Kind() == value.Array && !Conforms(v.At(i), itemsOf(s)) {
				return false
			}
		}
	case "object":
		for i := range s.Properties {
			p := &s.Properties[i]
			if item := v.Get(p.Name); !item.IsAbsent() && !Conforms(item, p.Schema) {
				return false
			}
		}
	}
	return v.Kind().String() == s.Type
}

// Fitter makes answers conform to output schemas. No member is required, so what
// is null, or of another type, is left out.
type Fitter struct{ Left []string } // paths of what was left out and is not null

// Fit returns v without what does not conform; false when that is v itself.
func (f *Fitter) Fit(v value.Value, s *schema.Schema, path string) (value.Value, bool) {
	switch {
	case Conforms(v, s):
		return v, true
	case v.Kind() == value.Null:
		return v, false
	case s.Type == "object" && v.Kind() == value.Object:
		kept := value.Map()
		for i := range v.Len() {
			var member *schema.Schema // anything
			if p := s.Property(v.Name(i)); p != nil {
				member = p.Schema
			}
			if item, ok := f.Fit(v.At(i), member, strings.TrimPrefix(path+"."+v.Name(i), ".")); ok {
				kept.Add(v.Name(i), item)
			}
		}
		return kept, true
	case s.Type == "array" && v.Kind() == value.Array:
		kept, whole, told := value.List(), true, len(f.Left)
		for i := range v.Len() {
			item, ok := f.Fit(v.At(i), itemsOf(s), path+"[]")
			whole = whole && ok
			kept.Append(item)
		}
		if whole || len(f.Left) > told {
			return kept, whole // an item that is left out would move the others
		}
	}
	if !slices.Contains(f.Left, path) {
		f.Left = append(f.Left, path)
	}
	return v, false
}
