package shape

import (
	"testing"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

func schemaText(s *schema.Schema) string {
	if s == nil {
		return "none"
	}
	return said(s).Text()
}

// said is a schema as JSON.
func said(s *schema.Schema) value.Value {
	v := value.Map()
	if s == nil {
		return v
	}
	for _, one := range []struct{ name, text string }{{"type", s.Type}, {"description", s.Description}} {
		if one.text != "" {
			v.Add(one.name, value.Of(one.text))
		}
	}
	switch s.Type {
	case "array":
		v.Add("items", said(s.Items))
	case "object":
		properties := value.Map()
		for _, p := range s.Properties {
			properties.Add(p.Name, said(p.Schema))
		}
		v.Add("properties", properties)
	}
	return v
}

func TestSchema(t *testing.T) {
	for _, test := range []struct{ name, outputs, want string }{
		{"an object", `[{type: object, description: A ship, properties: {n: {type: string, description: Name}, y: {type: number}, s: {type: object, properties: {l: {type: number, mapping: $.l}}}, w: {type: array, mapping: "$.w[*].id", items: {type: string}}, k: {type: string, value: v}}}]`,
			`{"type":"object","description":"A ship","properties":{"n":{"type":"string","description":"Name"},"y":{"type":"number"},"s":{"type":"object","properties":{"l":{"type":"number"}}},"w":{"type":"array","items":{"type":"string"}},"k":{"type":"string"}}}`},
		{"named outputs", `{a: {type: string, mapping: $.a}}`, `{"type":"object","properties":{"a":{"type":"string"}}}`},
		{"an object that may not be found", `[{type: object, mapping: $.x, properties: {a: {type: string}}}]`, `{"type":"object","properties":{"a":{"type":"string"}}}`},
		{"an array", `[{type: array, mapping: "$.x[*]"}]`, `{"type":"array","items":{}}`},
		{"an array of a definite path", `[{type: array, mapping: $.x, items: {type: object, properties: {a: {type: integer}}}}]`, `{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"}}}}`},
		{"an unknown type", `[{type: object, properties: {a: {type: money}}}]`, `{"type":"object","properties":{"a":{}}}`},
		{"one of several", `[{type: object, properties: {a: {type: string}}}, {type: string, mapping: $.b}]`, "none"},
		{"a constant", `[{type: string, value: x}]`, "none"},
		{"the identity", `[{type: object, mapping: $.}]`, "none"},
	} {
		if got := schemaText(program(t, test.outputs).Schema()); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestSchema_holdsForWhatApplyReturns(t *testing.T) {
	for _, v := range vectors {
		p := program(t, v.outputs)
		s := p.Schema()
		if s == nil {
			continue
		}
		answer, ok := p.Apply(nil, parse(t, v.answer))
		if problem := conflict(s, answer); ok && answer.Kind() > value.Null && problem != "" {
			t.Errorf("%s: %s: %s is not valid", v.name, schemaText(s), problem)
		}
	}
}

func TestSchema_ofSteps(t *testing.T) {
	var diags diag.List
	if s := CompileStep(outputs(t, `[{name: a, type: string, value: $.a}]`), &diags, false).Schema(); s != nil {
		t.Error(schemaText(s))
	}
	if got := schemaText(CompileOrchestrated(outputs(t, `{a: {type: number}, l: {type: array, items: {type: string}}}`), &diags).Schema()); got != `{"type":"object","properties":{"a":{"type":"number"},"l":{"type":"array","items":{"type":"string"}}}}` {
		t.Error(got)
	}
	if got := schemaText(CompileOrchestrated(outputs(t, `[{type: object, properties: {a: {type: number}}}]`), &diags).Schema()); got != `{"type":"object","properties":{"a":{"type":"number"}}}` {
		t.Error(got)
	}
}

// conflict returns the part of v that should be an object or a list and is not.
// Where a scalar is declared, what cannot be converted stays as it is.
func conflict(s *schema.Schema, v value.Value) string {
	if (s.Type == "object" || s.Type == "array") && v.Kind() > value.Null && v.Kind().String() != s.Type {
		return v.Text()
	}
	for _, p := range s.Properties {
		if problem := conflict(p.Schema, v.Get(p.Name)); v.Kind() == value.Object && problem != "" {
			return problem
		}
	}
	if s.Items != nil {
		for i := range v.Len() {
			if problem := conflict(s.Items, v.At(i)); problem != "" {
				return problem
			}
		}
	}
	return ""
}
