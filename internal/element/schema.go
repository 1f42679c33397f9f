package element

import (
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Schema is the JSON Schema (2020-12) of documents of all versions. It is
// tolerant as the reading is: keys that it does not know are fine, and what
// versions write differently is valid side by side.
func Schema() value.Value {
	defs := value.Map()
	for id := range elements {
		defs.Add(elements[id].Def, elements[id].schema())
	}
	sections := value.List()
	for _, section := range []string{"capability", "consumes", "exposes", "aggregates", "binds", "externalRefs"} {
		sections.Append(object("required", texts(section)))
	}
	return object(
		"$schema", value.Of("https://json-schema.org/draft/2020-12/schema"),
		"title", value.Of("Capability document"),
		"type", value.Of("object"),
		"anyOf", sections,
		"$ref", ref(Document),
		"$defs", defs,
	)
}

// object makes a value of names and values in turn.
func object(members ...any) value.Value {
	o := value.Map()
	for i := 0; i+1 < len(members); i += 2 {
		o.Add(members[i].(string), members[i+1].(value.Value))
	}
	return o
}

func ref(id ID) value.Value { return value.Of("#/$defs/" + elements[id].Def) }

func texts(list ...string) value.Value {
	l := value.List()
	for _, s := range list {
		l.Append(value.Of(s))
	}
	return l
}

func (e *Element) schema() value.Value {
	properties := value.Map()
	for i := range e.Fields {
		f := &e.Fields[i]
		for _, name := range f.Names() {
			properties.Add(name, f.schema(name))
		}
	}
	s := object("properties", properties)
	if e.Select == "" {
		return s
	}
	cases := value.List()
	for i, v := range e.Variants {
		spelt := object("properties", object(e.Select,
			object("enum", texts(append([]string{v.Value}, v.Aliases...)...))))
		if i > 0 || !e.Implied {
			spelt.Add("required", texts(e.Select))
		}
		cases.Append(object("if", spelt, "then", object("$ref", ref(v.Of))))
	}
	s.Add("allOf", cases)
	return s
}

// schema is the schema of the key's value under one of its names.
func (f *Field) schema(name string) value.Value {
	s := f.accepts()
	if f.Doc != "" {
		s.Add("description", value.Of(plain(f.meaning())))
	}
	if name != f.Key {
		s.Add("deprecated", value.Boolean(true))
	}
	return s
}

func (f *Field) accepts() value.Value {
	scalar := object("type", texts("string", "number", "boolean", "null"))
	of := object("$ref", ref(f.Of))
	switch f.Kind {
	case Text, Choice:
		if len(f.Values) > 0 { // editors offer them
			return object("anyOf", value.List(object("enum", texts(f.Values...)), scalar))
		}
		return scalar
	case Bool:
		return object("anyOf", value.List(object("type", texts("boolean", "null")), object("enum", value.List(
			value.Of("yes"), value.Of("no"), value.Of("on"), value.Of("off"), value.Of("true"), value.Of("false"),
			value.Int(0), value.Int(1)))))
	case Number:
		return object("type", texts("number", "string", "null"))
	case Time, Rate, Share:
		return scalar
	case Texts:
		return object("type", texts("array", "string", "number", "boolean", "null"))
	case Block:
		return object("type", texts("object", "null"), "$ref", ref(f.Of))
	case Map:
		return object("type", texts("object", "null"))
	case List, Named:
		return object("type", texts("array", "object", "null"), "items", of, "additionalProperties", of)
	case Shape:
		one := object("type", value.Of("object"), "required", texts("type"), "properties",
			object("type", object("type", value.Of("string"))))
		return object("type", texts("array", "object", "null"), "if", one, "then", of, "else",
			object("items", of, "additionalProperties", of))
	case Mixed:
		return of
	default:
		return value.Map()
	}
}

// plain is a line of Markdown without the targets of its links.
func plain(doc string) string {
	return strings.TrimSpace(link.ReplaceAllString(doc, "$1"))
}

var link = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)
