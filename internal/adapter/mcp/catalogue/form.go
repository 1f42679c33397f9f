package catalogue

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// Schemas go out in the form that every client and model accepts: one refuses all
// tools of a server for a part of one schema. So there are no references, unions and
// combinators, no additionalProperties in any spelling; arrays have items, items have
// a type, an enum holds different texts that are not empty, and what nests deeper
// than models take is described instead.

// maxDepth is how many schemas stand within each other. The strictest models refuse
// more than 10.
const maxDepth = 8

// AppendSchema appends the JSON Schema that clients get to see of an input.
func AppendSchema(dst []byte, s *schema.Schema) []byte { return appendSchema(dst, s, 1) }

// appendSchema appends what stands at a depth, which is 1 for the whole.
func appendSchema(dst []byte, s *schema.Schema, depth int) []byte {
	dst = append(dst, '{')
	comma := false
	key := func(name string) {
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = append(value.AppendString(dst, name), ':')
	}
	kind, deepest := announcedType(s), depth >= maxDepth
	if kind != "" {
		key("type")
		dst = value.AppendString(dst, kind)
	}
	enum := choices(s, kind)
	description := s.Description
	if values := titled(s); values != "" && (enum == nil || s.Titles != nil) {
		description = strings.TrimSpace(description + " One of " + values + ".")
	}
	if deepest && (len(s.Properties) > 0 || s.Items != nil && len(s.Items.Properties) > 0) {
		description = strings.TrimSpace(description + " " + outlined(s))
	}
	if description != "" {
		key("description")
		dst = value.AppendString(dst, description)
	}
	if enum != nil {
		key("enum")
		dst = value.List(enum...).AppendJSON(dst)
	}
	if d := typedDefault(s, kind); !d.IsAbsent() {
		key("default")
		dst = d.AppendJSON(dst)
	}
	if s.Pattern != nil {
		key("pattern")
		dst = value.AppendString(dst, s.Pattern.String())
	}
	if s.MaxLength > 0 {
		key("maxLength")
		dst = value.Int(int64(s.MaxLength)).AppendJSON(dst)
	}
	if s.MCPHeader != "" {
		key("x-mcp-header")
		dst = value.AppendString(dst, s.MCPHeader)
	}
	switch kind {
	case "array":
		key("items")
		dst = appendItems(dst, s.Items, depth)
	case "object":
		key("properties")
		dst = appendProperties(dst, s, deepest, depth)
	}
	return append(dst, '}')
}

// appendItems appends what an array holds; of the deepest array only the type.
func appendItems(dst []byte, s *schema.Schema, depth int) []byte {
	if s == nil {
		s = &schema.Schema{}
	}
	if announcedType(s) == "" {
		typed := *s
		typed.Input = true // so it is announced as a text, and taken as it comes
		s = &typed
	}
	if depth < maxDepth {
		return appendSchema(dst, s, depth+1)
	}
	switch kind := announcedType(s); kind {
	case "object":
		return append(dst, `{"type":"object","properties":{}}`...)
	case "array":
		return append(dst, `{"type":"array","items":{"type":"string"}}`...)
	default:
		return append(value.AppendString(append(dst, `{"type":`...), kind), '}')
	}
}

func appendProperties(dst []byte, s *schema.Schema, deepest bool, depth int) []byte {
	dst = append(dst, '{')
	required := value.List()
	for i, p := range s.Properties {
		if deepest {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		inner := p.Schema
		if inner == nil {
			inner = &schema.Schema{}
		}
		dst = appendSchema(append(value.AppendString(dst, p.Name), ':'), inner, depth+1)
		if p.Required {
			required.Append(value.Of(p.Name))
		}
	}
	dst = append(dst, '}')
	if required.Len() > 0 {
		dst = required.AppendJSON(append(dst, `,"required":`...))
	}
	return dst
}

// announcedType is the type that a caller is told. What has only values has theirs;
// any other input without a type is a text, because models refuse a property without
// one, and is taken as it comes; unless it is any JSON value.
func announcedType(s *schema.Schema) string {
	switch {
	case s.Type != "":
		return s.Type
	case len(s.Enum) > 0:
		return typeOfAll(s.Enum)
	case s.Items != nil:
		return "array"
	case s.Input && !s.JSON:
		return "string"
	}
	return ""
}

// typeOfAll is the type of all values but null, or string where they have several.
func typeOfAll(values []value.Value) string {
	kind := ""
	for _, v := range values {
		one := v.Kind().String()
		if v.Kind() == value.Number {
			one = "number"
			if !strings.ContainsAny(v.Text(), ".eE") {
				one = "integer"
			}
		}
		switch {
		case v.Kind() == value.Null || one == kind:
		case kind == "":
			kind = one
		case (kind == "integer" || kind == "number") && v.Kind() == value.Number:
			kind = "number"
		default:
			return "string"
		}
	}
	if kind == "" {
		return "string"
	}
	return kind
}

// choices is the enum that is announced: of texts only, each once. Others are told
// in the description.
func choices(s *schema.Schema, kind string) (enum []value.Value) {
	if kind != "string" {
		return nil
	}
	for _, v := range s.Enum {
		text := value.Of(v.Text())
		if v.IsScalar() && v.Kind() != value.Null && v.Text() != "" &&
			!slices.ContainsFunc(enum, func(e value.Value) bool { return value.Equal(e, text) }) {
			enum = append(enum, text)
		}
	}
	return enum
}

// titled are the values of an enum in words, with their titles.
func titled(s *schema.Schema) string {
	var words []string
	for i, v := range s.Enum {
		word := v.Text()
		if v.Kind() == value.Null || word == "" {
			continue
		}
		if s.Titles != nil {
			word += " (" + s.Titles[i] + ")"
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// typedDefault is the default in the announced type; absent when it has none.
func typedDefault(s *schema.Schema, kind string) value.Value {
	d, problem := (&schema.Schema{Type: kind}).Convert(s.Default)
	if s.Default.IsAbsent() || problem != nil {
		return value.Value{}
	}
	return d
}

// maxOutline is how many characters describe what nests too deeply.
const maxOutline = 600

// outlined says in words what the members of a schema are.
func outlined(s *schema.Schema) string {
	var b strings.Builder
	outline(&b, s)
	text := b.String()
	if utf8.RuneCountInString(text) > maxOutline {
		text = string([]rune(text)[:maxOutline]) + "…"
	}
	return "As JSON: " + text
}

func outline(b *strings.Builder, s *schema.Schema) {
	switch {
	case b.Len() > 4*maxOutline: // nobody reads that far
	case s == nil:
		b.WriteString("any")
	case len(s.Properties) > 0:
		b.WriteByte('{')
		for i, p := range s.Properties {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.Name + ": ")
			outline(b, p.Schema)
		}
		b.WriteByte('}')
	case s.Items != nil:
		b.WriteByte('[')
		outline(b, s.Items)
		b.WriteByte(']')
	default:
		if kind := announcedType(s); kind != "" {
			b.WriteString(kind)
		} else {
			b.WriteString("any")
		}
	}
}
