package template

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

// render renders text with the members of data, a JSON object, whose names are
// whole variable names.
func render(t testing.TB, text, data string, esc Escape) (string, error) {
	t.Helper()
	tmpl := compile(t, text, Double)
	out, err := tmpl.Append(nil, members(t, tmpl, data), esc)
	return string(out), err
}

func members(t testing.TB, tmpl *Template, data string) Lookup {
	t.Helper()
	object, err := value.Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return func(i int) value.Value { return object.Get(tmpl.Vars()[i].Name) }
}

func TestAppend_rendersValues(t *testing.T) {
	for _, c := range []struct{ name, text, data, want string }{
		{"text", "Hi {{x}}!", `{"x":"Ann"}`, "Hi Ann!"},
		{"no HTML escaping", "{{x}}{{{x}}}{{&x}}", `{"x":"<&\">"}`, `<&"><&"><&">`},
		{"number keeps its text", "{{x}} {{y}}", `{"x":1234567890123456789,"y":1.10}`, "1234567890123456789 1.10"},
		{"booleans", "{{x}}{{y}}", `{"x":true,"y":false}`, "truefalse"},
		{"null is empty", "[{{x}}]", `{"x":null}`, "[]"},
		{"object as compact JSON", "{{x}}", `{"x":{"b": [1, 2], "a": null}}`, `{"b":[1,2],"a":null}`},
		{"array as compact JSON", "{{x}}", `{"x":[1, "a"]}`, `[1,"a"]`},
		{"a value is no template", "{{x}}", `{"x":"{{y}} {{#x}}{{/x}} {{","y":1}`, "{{y}} {{#x}}{{/x}} {{"},
		{"a dotted name is asked whole", "{{a.b}}", `{"a.b":1,"a":{"b":2}}`, "1"},
		{"an item may provide any name", "{{#l}}{{a.b}}{{first name}};{{/l}}", `{"l":[{"a.b":1,"first name":2}]}`, "12;"},
		{"whole name before the way", "{{#l}}{{a.b}}{{/l}}", `{"l":{"a":{"b":2},"a.b":1}}`, "1"},
		{"way through an item", "{{#l}}{{a.b.1}}{{/l}}", `{"l":{"a":{"b":[1,2]}}}`, "2"},
		{"columns of a row", "{{#l}}{{#.}}{{.}}{{/.}}{{/l}}", `{"l":[[1,2],[3]]}`, "123"},
		{"outer names inside", "{{#l}}{{x}}{{y}}{{/l}}", `{"l":[{"x":1},{"x":2}],"y":9}`, "1929"},
		{"inner name hides outer", "{{#l}}{{x}}{{/l}}{{x}}", `{"l":[{"x":null}],"x":9}`, "9"},
		{"empty string is a value", "{{#x}}q={{x}}{{/x}}", `{"x":""}`, "q="},
		{"zero is a value", "{{#x}}{{.}}{{/x}}", `{"x":0}`, "0"},
		{"section without a value", "{{#x}}a{{/x}}{{^x}}b{{/x}}", `{}`, "b"},
		{"standalone lines vanish", "[\n {{#x}} \n  {{.}}\n{{/x}}\n]", `{"x":[1,2]}`, "[\n  1\n  2\n]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := render(t, c.text, c.data, Raw); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestAppend_addsToWhatIsThere(t *testing.T) {
	tmpl := compile(t, "b{{x}}", Double)
	got, err := tmpl.Append([]byte("a"), members(t, tmpl, `{"x":"c"}`), Raw)
	if err != nil || string(got) != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = tmpl.Append([]byte("a"), members(t, tmpl, `{}`), Raw)
	if err == nil || string(got) != "a" {
		t.Errorf("after an error: %q, %v", got, err)
	}
}

func TestAppend_namesAllMissingVariables(t *testing.T) {
	_, err := render(t, "{{b}}{{a.b}}{{b}}{{x}}{{#s}}{{c}}{{/s}}{{#t}}{{d}}{{u.v}}{{/t}}", `{"x":1,"t":{"u":{}},"u.v":1}`, Raw)
	m, ok := errors.AsType[*MissingError](err)
	if want := []string{"b", "a.b", "d", "u.v"}; !ok || !slices.Equal(m.Names, want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	if got, want := err.Error(), `render template: no value for "b", "a.b", "d", "u.v"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppend_stopsSectionsThatMultiply(t *testing.T) {
	list := value.List()
	for range 100 {
		list.Append(value.Int(1))
	}
	text := strings.Repeat("{{#l}}", 20) + strings.Repeat("{{/l}}", 20)
	_, err := compile(t, text, Double).Append(nil, func(int) value.Value { return list }, Raw)
	if err == nil || !strings.Contains(err.Error(), "it repeats to more than") {
		t.Errorf("many items: %v", err)
	}
	list.Append(value.Of(strings.Repeat("x", 1<<20)))
	_, err = compile(t, "{{#l}}{{l}}{{/l}}", Double).Append(nil, func(int) value.Value { return list }, Raw)
	if err == nil || !strings.Contains(err.Error(), "it repeats to more than") {
		t.Errorf("much text: %v", err)
	}
}

func TestAppend_stopsWhenALongValueStandsInManyPlaces(t *testing.T) {
	tmpl, err := Compile(strings.Repeat("{{a}}", 100_000), Double)
	if err != nil {
		t.Fatal(err)
	}
	long := value.Of(strings.Repeat("x", 1<<20))
	_, err = tmpl.Append(nil, func(int) value.Value { return long }, Raw)
	if err == nil || !strings.Contains(err.Error(), "it repeats to more than") {
		t.Errorf("got %v", err)
	}
}
