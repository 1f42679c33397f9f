package shape

import (
	"testing"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/value"
)

func TestNothing_isWhatTheOutputsDeclare(t *testing.T) {
	for outputs, want := range map[string]string{
		`[{type: string, mapping: $.a}]`:                                                       `null`,
		`[{type: array, mapping: $.a, items: {type: string}}]`:                                 `[]`,
		`[{type: object, mapping: $.a, values: {type: string}}]`:                               `{}`,
		`[{type: object, mapping: $.a, properties: {x: {type: string, mapping: $.x}}}]`:        `{"x":null}`,
		`{a: {type: string}, b: {type: array, items: {type: string}}}`:                         `{"a":null,"b":null}`,
		`[{type: array, mapping: $.a, items: {type: string}}, {type: string, mapping: $.b.c}]`: `[]`,
	} {
		p := program(t, outputs)
		answer, err := value.Parse([]byte(`{"secret":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Apply(nil, answer); ok {
			t.Errorf("%s finds %s", outputs, got.AppendJSON(nil))
		}
		if got := string(p.Nothing().AppendJSON(nil)); got != want {
			t.Errorf("%s: got %s, want %s", outputs, got, want)
		}
	}
}

func TestCompileXML_makesListsOfWhatOccursOnce(t *testing.T) {
	decoder, err := format.New(format.XML, format.Schema{})
	if err != nil {
		t.Fatal(err)
	}
	const one, two, none = `<r><items><item><n>1</n></item></items></r>`, `<r><items><item><n>1</n></item><item><n>2</n></item></items></r>`, `<r><items></items></r>`
	for _, c := range []struct{ outputs, xml, want string }{
		{`[{type: array, mapping: $.items.item, items: {type: object, properties: {n: {type: integer}}}}]`, one, `[{"n":1}]`},
		{`[{type: array, mapping: $.items.item, items: {type: object, properties: {n: {type: integer}}}}]`, two, `[{"n":1},{"n":2}]`},
		{`[{type: array, mapping: "$.items.item[*]", items: {type: object, properties: {n: {type: integer}}}}]`, one, `[{"n":1}]`},
		{`[{type: array, mapping: "$.items.item[*]", items: {type: object, properties: {n: {type: integer}}}}]`, two, `[{"n":1},{"n":2}]`},
		{`[{type: array, mapping: "$.items.item[*].n", items: {type: integer}}]`, one, `[1]`},
		{`[{type: array, mapping: "$.items.item[*].n", items: {type: integer}}]`, two, `[1,2]`},
		{`[{type: array, mapping: "$.items.item[*].n", items: {type: integer}}]`, none, `[]`},
		{`[{type: array, mapping: "$..item[*].n"}]`, one, `["1"]`},
		{`[{type: string, mapping: "$.items.item[0].n"}]`, one, `"1"`},
		{`[{type: string, mapping: "$.items.item[-1].n"}]`, two, `"2"`},
		{`[{type: string, mapping: "$.items.item[1].n"}]`, one, ``},
		{`[{type: array, mapping: "$.items.item[0:1].n"}]`, one, `["1"]`},
		{`[{type: array, mapping: "$.items.item[?(@.n=='1')].n"}]`, one, `["1"]`},
		{`[{type: array, mapping: "$.items.item[?(@.n=='1')].n"}]`, two, `["1"]`},
		{`[{type: array, mapping: "$.items[*].n"}]`, one, `["1"]`},
		{`[{type: array, mapping: $.items, items: {type: object, properties: {n: {type: integer}}}}]`, none, `[]`},
		{`[{type: array, mapping: $.items.item, items: {type: string}}]`, none, ``},
		{`{items: {type: array, mapping: $.items.item, items: {type: object, properties: {n: {type: string}}}}}`, one, `{"items":[{"n":"1"}]}`},
		{`[{type: object, mapping: $.items.item, properties: {n: {type: string}}}]`, one, `{"n":"1"}`},
	} {
		var diags diag.List
		answer, err := decoder.Decode(nil, []byte(c.xml), "application/xml")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if v, ok := CompileXML(outputs(t, c.outputs), &diags).Apply(nil, answer); ok {
			got = string(v.AppendJSON(nil))
		}
		if got != c.want {
			t.Errorf("%s of %s: got %s, want %s", c.outputs, c.xml, got, c.want)
		}
	}
}
