package answer

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// conforms reports whether v is what the output schema of a tool promises.
func conforms(v value.Value, s *schema.Schema) bool {
	if s == nil || s.Type == "" {
		return true
	}
	switch s.Type {
	case "integer":
		_, ok := v.Int64()
		return ok || v.Kind() == value.Number && !strings.ContainsAny(v.Text(), ".eE")
	case "array":
		for i := range v.Len() {
			if v.Kind() == value.Array && !conforms(v.At(i), catalogue.ItemsOf(s)) {
				return false
			}
		}
	case "object":
		for i := range s.Properties {
			p := &s.Properties[i]
			if item := v.Get(p.Name); !item.IsAbsent() && !conforms(item, p.Schema) {
				return false
			}
		}
	}
	return v.Kind().String() == s.Type
}

// fitter leaves out of structured content what clients must not get there: what is
// not of the type that an output schema promises, and numbers that they round. No
// member is required, so what is null is left out, too.
type fitter struct {
	mistyped, rounded []string // paths of what was left out and is not null
}

// fit returns v without what has to be left out; false when that is v itself. A nil
// schema promises nothing.
func (f *fitter) fit(v value.Value, s *schema.Schema, path string) (value.Value, bool) {
	free := s == nil || s.Type == ""
	switch {
	case conforms(v, s) && isExact(v):
		return v, true
	case v.Kind() == value.Null:
		return v, false
	case v.Kind() == value.Object && (free || s.Type == "object"):
		kept := value.Map()
		for i := range v.Len() {
			var member *schema.Schema // anything
			if p := s.Property(v.Name(i)); p != nil {
				member = p.Schema
			}
			if item, ok := f.fit(v.At(i), member, strings.TrimPrefix(path+"."+v.Name(i), ".")); ok {
				kept.Add(v.Name(i), item)
			}
		}
		return kept, true
	case v.Kind() == value.Array && (free || s.Type == "array"):
		var items *schema.Schema
		if !free {
			items = catalogue.ItemsOf(s)
		}
		kept, whole, told := value.List(), true, f.told()
		for i := range v.Len() {
			item, ok := f.fit(v.At(i), items, path+"[]")
			whole = whole && ok
			kept.Append(item)
		}
		if whole || f.told() > told {
			return kept, whole // an item that is left out would move the others
		}
	}
	left := &f.mistyped
	if conforms(v, s) {
		left = &f.rounded
	}
	if path != "" && !slices.Contains(*left, path) { // what is the whole answer is plain to see
		*left = append(*left, path)
	}
	return v, false
}

func (f *fitter) told() int { return len(f.mistyped) + len(f.rounded) }

// note names what stands in the text only, and why.
func (f *fitter) note() string {
	var lines []string
	for _, left := range []struct {
		why   string
		paths []string
	}{
		{"Not of the declared type, so only in the text: ", f.mistyped},
		{"Numbers that many clients round, so exact only in the text: ", f.rounded},
	} {
		if left.paths == nil {
			continue
		}
		line := left.why + "`" + strings.Join(left.paths[:min(len(left.paths), 5)], "`, `") + "`"
		if len(left.paths) > 5 {
			line += " and more"
		}
		lines = append(lines, line+".")
	}
	return strings.Join(lines, "\n")
}
