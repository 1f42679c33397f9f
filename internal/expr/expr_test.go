package expr

import (
	"errors"
	"testing"

	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t testing.TB, source string, vars ...Expr) Expr {
	t.Helper()
	compiled, err := template.Compile(source, template.Double)
	if err != nil {
		t.Fatal(err)
	}
	return Text(compiled, vars)
}

func TestEval(t *testing.T) {
	frame := Frame{value.Int(9007199254740993), parse(t, `{"a":{"b":[10,20]}}`), {}}
	for name, test := range map[string]struct {
		e    Expr
		want string
	}{
		"a literal":                        {Literal(value.Of("x")), `"x"`},
		"a slot keeps its type":            {Slot(0), `9007199254740993`},
		"a field":                          {Slot(1, "a", "b"), `[10,20]`},
		"an item by index":                 {Slot(1, "a", "b", "1"), `20`},
		"a field that is not there":        {Slot(1, "a", "c"), ``},
		"an index past the end":            {Slot(1, "a", "b", "2"), ``},
		"an index that is no number":       {Slot(1, "a", "b", "x"), ``},
		"an empty slot":                    {Slot(2), ``},
		"nothing":                          {Expr{}, ``},
		"a template of one variable":       {text(t, "{{x}}", Slot(0)), `9007199254740993`},
		"a template of one variable, gone": {text(t, "{{x}}", Slot(2)), ``},
		"a template with text around":      {text(t, "id {{x}}", Slot(0)), `"id 9007199254740993"`},
		"a template without variables":     {text(t, "plain"), `"plain"`},
	} {
		v, err := test.e.Eval(frame)
		if got := v.Kind() != value.Absent; err != nil || got != (test.want != "") || got &&
			string(v.AppendJSON(nil)) != test.want {
			t.Errorf("%s: got %s, %v, want %s", name, v.AppendJSON(nil), err, test.want)
		}
	}
	var missing *template.MissingError
	if _, err := text(t, "id {{x}}", Slot(2)).Eval(frame); !errors.As(err, &missing) || missing.Names[0] != "x" {
		t.Errorf("got %v", err)
	}
}

func TestAppend_escapesOnlyTemplates(t *testing.T) {
	frame := Frame{value.Of("a/b")}
	out, err := text(t, "/x/{{y}}", Slot(0)).Append([]byte("pre"), frame, template.PathSegment)
	if err != nil || string(out) != "pre/x/a%2Fb" {
		t.Errorf("got %s, %v", out, err)
	}
	if out, _ = Slot(0).Append(nil, frame, template.PathSegment); string(out) != "a/b" {
		t.Errorf("got %s", out)
	}
}

func TestInSlotAndConstant(t *testing.T) {
	if i, ok := Slot(3).InSlot(); !ok || i != 3 {
		t.Error("a slot is in its slot")
	}
	if _, ok := Slot(3, "a").InSlot(); ok {
		t.Error("a field is no slot")
	}
	if v, ok := Literal(value.Int(1)).Constant(); !ok || v.Text() != "1" {
		t.Error("a literal is constant")
	}
	if _, ok := Slot(0).Constant(); ok {
		t.Error("a slot is not constant")
	}
}

func TestEval_leavesMembersWithoutValueOut(t *testing.T) {
	frame := Frame{value.Of("a"), {}}
	e := Object([]string{"a", "none", "list"}, []Expr{Slot(0), Slot(1), Array([]Expr{Slot(1), Literal(value.Int(1))})})
	v, err := e.Eval(frame)
	if got := string(v.AppendJSON(nil)); err != nil || got != `{"a":"a","list":[1]}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, constant := e.Constant(); constant || e.IsZero() {
		t.Error("an object of expressions is taken for a constant or for nothing")
	}
}
