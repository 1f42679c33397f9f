// Package schema says what an input may be: the subset of JSON Schema 2020-12
// that every model accepts (no $ref, no combinators), with conversion of what
// callers really send.
package schema

import (
	"regexp"

	"github.com/fairlead/fairlead/internal/value"
)

// Schema describes one value. The zero Schema accepts everything.
type Schema struct {
	Type        string // string, integer, number, boolean, array, object; "" is any
	Description string
	Enum        []value.Value
	Titles      []string // of the values of Enum, for people; nil when they have none
	EnumNames   bool     // forms show Titles under the older keyword enumNames
	MCPHeader   string   // x-mcp-header: clients repeat the value in Mcp-Param-NAME (MCP 2026-07-28)
	Default     value.Value
	Pattern     *regexp.Regexp // for strings
	MaxLength   int            // of strings, in code points; 0 is no limit
	Items       *Schema        // of arrays; nil is any
	Properties  []Property     // of objects, in order
	Closed      bool           // objects have no other members
	// Entity marks a whole request body: declared as an object, it takes any
	// JSON value, and a string that holds JSON is what it holds.
	Entity bool
	// Input marks what a caller gives: where its type is not known it is
	// announced as a string, because models refuse a property without a type, and
	// taken as it comes.
	Input bool
}

// Property is one member of an object.
type Property struct {
	Name     string
	Schema   *Schema
	Required bool
}

// AppendJSON appends the JSON Schema to dst. Arrays always have items, which
// some models require.
func (s *Schema) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	comma := false
	key := func(name string) {
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = append(value.AppendString(dst, name), ':')
	}
	if kind := s.announced(); kind != "" {
		key("type")
		dst = value.AppendString(dst, kind)
	}
	if s.Description != "" {
		key("description")
		dst = value.AppendString(dst, s.Description)
	}
	if len(s.Enum) > 0 {
		key("enum")
		dst = value.List(s.Enum...).AppendJSON(dst)
	}
	if !s.Default.IsAbsent() {
		key("default")
		dst = s.Default.AppendJSON(dst)
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
	if s.Type == "array" {
		key("items")
		items := s.Items
		if items == nil {
			items = &Schema{Input: s.Input}
		}
		dst = items.AppendJSON(dst)
	}
	if s.Type == "object" {
		dst = s.appendMembers(dst)
	}
	return append(dst, '}')
}

// announced is the type that a caller is told.
func (s *Schema) announced() string {
	if s.Type == "" && s.Input {
		if len(s.Enum) > 0 {
			return s.Enum[0].Kind().String()
		}
		return "string"
	}
	return s.Type
}

func (s *Schema) appendMembers(dst []byte) []byte {
	var required []value.Value
	dst = append(dst, `,"properties":{`...)
	for i, p := range s.Properties {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendString(dst, p.Name), ':')
		dst = p.Schema.AppendJSON(dst)
		if p.Required {
			required = append(required, value.Of(p.Name))
		}
	}
	dst = append(dst, '}')
	if len(required) > 0 {
		dst = append(dst, `,"required":`...)
		dst = value.List(required...).AppendJSON(dst)
	}
	if s.Closed {
		return append(dst, `,"additionalProperties":false`...)
	}
	return append(dst, `,"additionalProperties":true`...)
}
