package shape

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// constants compiles strings as templates of which each variable is slot 0.
func constants(n *document.Node) (expr.Expr, bool) {
	if !n.Is(value.String) {
		return expr.Literal(n.Value()), true
	}
	t, err := template.Compile(n.Text, template.Double)
	if err != nil {
		return expr.Expr{}, false
	}
	vars := make([]expr.Expr, len(t.Vars()))
	for i := range vars {
		vars[i] = expr.Slot(0)
	}
	return expr.Text(t, vars), true
}

func TestMock(t *testing.T) {
	given := expr.Frame{value.Int(7)}
	for _, test := range []struct {
		name, outputs, want string
		frame               expr.Frame
	}{
		{"values under their names", `[{name: a, type: string, value: x}, {name: b, type: string, value: "hello {{p}}"}]`, `{"a":"x","b":"hello 7"}`, given},
		{"types that parse", `{n: {type: number, value: "1.50"}, i: {type: integer, value: "5"}, b: {type: boolean, value: "true"}, s: {type: string, value: 5}, p: {type: string, value: "{{p}}"}, o: {type: object, value: '{"a":1}'}, l: {type: array, value: [1]}}`,
			`{"n":1.50,"i":5,"b":true,"s":"5","p":"7","o":{"a":1},"l":[1]}`, given},
		{"types that do not parse", `{n: {type: number, value: five}}`, `{"n":"five"}`, given},
		{"an output without a name", `[{type: string, value: ok}]`, `{"value":"ok"}`, given},
		{"a const", `[{type: string, const: Hello}]`, `{"value":"Hello"}`, given},
		{"nested objects and arrays", `{o: {type: object, properties: {a: {type: number, value: "1"}, none: {type: string}}}, l: {type: array, items: {type: object, properties: {b: {type: string, value: x}}}}, e: {type: array}, n: {type: object, properties: {x: {type: string}}}}`,
			`{"o":{"a":1},"l":[{"b":"x"}],"e":[]}`, given},
		{"a length", `{a: {type: string, maxLength: 2, value: abc}}`, `{"a":"ab"}`, given},
		{"an input that is not given", `{a: {type: string, value: "{{p}}"}, b: {type: string, value: x}}`, `{"b":"x"}`, expr.Frame{{}}},
		{"values that cannot be compiled", `{a: {type: string, value: "{{"}, b: {type: string, value: x}}`, `{"b":"x"}`, given},
		{"no values", `{a: {type: string}}`, `{}`, given},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := CompileMock(outputs(t, test.outputs), constants, nil).Build(test.frame)
			if got := string(v.AppendJSON(nil)); err != nil || got != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestMock_namesWhatIsMissingInAText(t *testing.T) {
	_, err := CompileMock(outputs(t, `{o: {type: object, properties: {a: {type: string, value: "id {{p}}"}}}}`), constants, nil).Build(expr.Frame{{}})
	if err == nil || !strings.Contains(err.Error(), `"p"`) {
		t.Errorf("got %v", err)
	}
}
