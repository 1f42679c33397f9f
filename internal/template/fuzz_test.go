package template

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"", "a {{b}} c", "{{{a}}}", "{{#a}}\n{{.}}\n{{/a}}", "{{^a}}{{/a}}", "{{! {{ }}", "{{>a}}", "{{=| |=}}",
		"/{a}/{b.c}/{ d }", `{"a":"\"{{x}}","b":{{y}}}`, "{{", "{{}}", "{{a{b}}", `<{{x}}> "{{y}}" # {{z}}`,
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, single bool) {
		style := Double
		if single {
			style = SingleToo
		}
		tmpl, err := Compile(text, style)
		if err != nil {
			if syntax := err.(*SyntaxError); syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%v: outside of %q", err, text)
			}
			return
		}
		for _, v := range tmpl.Vars() {
			if v.Name == "" || v.Name != strings.TrimSpace(v.Name) || !strings.Contains(text[v.Offset:], v.Name) {
				t.Fatalf("%+v in %q", v, text)
			}
		}
		if _, ok := tmpl.Single(); ok && len(tmpl.Vars()) != 1 {
			t.Fatalf("%q is one of %d variables", text, len(tmpl.Vars()))
		}
		values := []value.Value{value.Of("{{x}}\r\n\"<"), value.Nil(), value.Int(1),
			value.List(value.Of("a"), value.Map(value.Member{Name: "a", Value: value.Boolean(true)})), {}}
		for esc := Raw; esc <= SPARQL; esc++ {
			out, err := tmpl.Append([]byte("<"), func(i int) value.Value { return values[i%len(values)] }, esc)
			if err != nil && string(out) != "<" {
				t.Fatalf("%q left after %v", out, err)
			}
			if tmpl.IsLiteral() && err == nil && string(out) != "<"+tmpl.Literal() {
				t.Fatalf("literal %q renders as %q", tmpl.Literal(), out)
			}
		}
	})
}

func FuzzAppend_keepsJSONValid(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\u0022`, `","b":"`, "{{x}}", "\x00\n\xff", "\u2028</script>", `{"a":1}`} {
		f.Add(s, s)
	}
	tmpl := compile(f, `{"a":"{{x}}","\"{{y}}":[{{x}},{{ y }}],"{{#l}}{{.}}{{/l}}":"{{x}}{{y}}\\"{{#l}},{{.}}:[{{.}},"-{{.}}"]{{/l}}}`, Double)
	f.Fuzz(func(t *testing.T, x, y string) {
		byName := map[string]value.Value{"x": value.Of(x), "y": value.Of(y), "l": value.List(value.Of(y), value.Of(x))}
		out, err := tmpl.Append(nil, func(i int) value.Value { return byName[tmpl.Vars()[i].Name] }, JSON)
		if err != nil {
			t.Fatal(err)
		}
		object, err := value.Parse(out)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		x, y = string([]rune(x)), string([]rune(y)) // invalid bytes become U+FFFD
		if object.Len() < 5 {
			return // names met
		}
		list := object.Get(`"` + y)
		if object.Get("a").Text() != x || list.At(0).Text() != x || list.At(1).Text() != y {
			t.Errorf("%q and %q come back as %s", x, y, out)
		}
	})
}
