package template

import (
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name, text string
		esc        Escape
	}{
		{"path", "/v1/apps/{{app}}/services/{{id}}/logs", PathSegment},
		{"header", "Bearer {{token}}", Header},
		{"JSON", `{"name":"{{app}}","id":{{id}},"token":"{{token}}","size":{{size}}}`, JSON},
		{"section", "{{#list}}{{name}}={{.}};{{/list}}", Raw},
	} {
		b.Run(c.name, func(b *testing.B) {
			tmpl := compile(b, c.text, Double)
			byName := map[string]value.Value{
				"app": value.Of("billing-worker"), "id": value.Of("0f1a2b3c-4d5e"), "token": value.Of("abcdefghijklmnop"),
				"size": value.Int(42), "name": value.Of("n"), "list": value.List(value.Int(1), value.Int(2), value.Int(3)),
			}
			values := make([]value.Value, len(tmpl.Vars()))
			for i, v := range tmpl.Vars() {
				values[i] = byName[v.Name]
			}
			look := func(i int) value.Value { return values[i] }
			dst := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Append(dst, look, c.esc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`{"name":"{{app}}","id":{{id}},"token":"{{token}}","size":{{size}}}`, Double); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAppend_allocatesNothingWhenThereIsRoom(t *testing.T) {
	tmpl := compile(t, `{"a":"{{x}}","b":{{y}}}`, Double)
	look := func(i int) value.Value { return value.Of("text") }
	dst := make([]byte, 0, 256)
	for esc := Raw; esc <= SPARQL; esc++ {
		if esc == JSONText { // it reads the value
			continue
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := tmpl.Append(dst, look, esc); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("place %d: %v allocations", esc, n)
		}
	}
}
