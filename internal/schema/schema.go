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
	// JSON marks a value of which nothing is known but that it is JSON: it is announced
	// without a type, and a string that holds an object or array is what it holds.
	JSON bool
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
