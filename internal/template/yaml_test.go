package template_test

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Wherever a value stands in a YAML text, it is refused or adds nothing but itself.
func FuzzAppendYAML_keepsTheStructure(f *testing.F) {
	for _, s := range []string{"", "a", "it's", "\"", "\\", "\nz: 1", ", z: 1", "]", "}", ": z", " #", "- z", "|",
		"&a", "*a", "!t", "%", "\u0085z", "\u2028z: 1", "\ufeff"} {
		f.Add(s)
	}
	texts := []struct {
		text  string
		exact bool
	}{
		{`a: "{{x}}"`, true}, {"a: '{{x}}'", true}, {"a: {{x}}", true}, {"a: word {{x}}", false}, {"a: |\n  {{x}}\n  rest", false},
		{"a: [{{x}}]", false}, {"a: {n: {{x}}}", false}, {"a: {n: w{{x}}}", false}, {"# it's {{x}}\na: 1", false},
		{"a:\n- b: {{x}}", false},
		{"a:\n- b: >-\n    {{x}}", false}, {"a:\n- b: |\n    c\n  d: {{x}}", false}, {"a: # {{x}}\n- {{x}}", false},
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range texts {
			tmpl, err := template.Compile(c.text+"\nlast: 1\n", template.Double)
			if err != nil {
				t.Fatal(err)
			}
			out, err := tmpl.Append(nil, func(int) value.Value { return value.Of(s) }, template.YAML)
			if err != nil {
				continue
			}
			root, diags := document.Parse("x.yaml", out)
			if root == nil {
				t.Fatalf("%q makes no YAML: %v\n%s", s, diags, out)
			}
			if len(root.Pairs) != 2 || root.Get("last").Str() != "1" || len(root.Get("a").Items) > 1 ||
				len(root.Get("a").Pairs) > 1 {
				t.Fatalf("%q changes the structure:\n%s", s, out)
			}
			if got := root.Get("a").Str(); c.exact && got != strings.ToValidUTF8(s, "\uFFFD") {
				t.Errorf("got %q, want %q", got, s)
			}
		}
	})
}
