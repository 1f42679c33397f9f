package template

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

// suites lies beside the repository.
const suites = "../../../shared/suites"

const (
	noHTML       = "the place of use decides about escaping, there is no HTML escaping"
	noDelimiters = "delimiters cannot be changed"
	noPartials   = "there are no partials"
)

// excluded are the cases that do not apply, with the reason. Those about
// delimiters and partials must be refused.
var excluded = map[string]string{
	"interpolation/HTML Escaping":                      noHTML,
	"interpolation/Implicit Iterators - HTML Escaping": noHTML,
	"sections/Implicit Iterator - HTML Escaping":       noHTML,
	"delimiters/Pair Behavior":                         noDelimiters,
	"delimiters/Special Characters":                    noDelimiters,
	"delimiters/Sections":                              noDelimiters,
	"delimiters/Inverted Sections":                     noDelimiters,
	"delimiters/Partial Inheritence":                   noPartials,
	"delimiters/Post-Partial Behavior":                 noPartials,
	"delimiters/Surrounding Whitespace":                noDelimiters,
	"delimiters/Outlying Whitespace (Inline)":          noDelimiters,
	"delimiters/Standalone Tag":                        noDelimiters,
	"delimiters/Indented Standalone Tag":               noDelimiters,
	"delimiters/Standalone Line Endings":               noDelimiters,
	"delimiters/Standalone Without Previous Line":      noDelimiters,
	"delimiters/Standalone Without Newline":            noDelimiters,
	"delimiters/Pair with Padding":                     noDelimiters,
}

// missing are the cases where mustache renders a variable without a value as
// nothing. Here they name it.
var missing = map[string]string{
	"interpolation/Basic Context Miss Interpolation":           "cannot",
	"interpolation/Triple Mustache Context Miss Interpolation": "cannot",
	"interpolation/Ampersand Context Miss Interpolation":       "cannot",
	"interpolation/Dotted Names - Broken Chains":               "a.b.c",
	"interpolation/Dotted Names - Broken Chain Resolution":     "a.b.c.name",
	"interpolation/Dotted Names - Context Precedence":          "b.c",
	"interpolation/Dotted Names are never single keys":         "a.b",
}

func TestAppend_followsTheMustacheSpecification(t *testing.T) {
	ran, left := 0, 0
	for _, suite := range []string{"comments", "delimiters", "interpolation", "inverted", "sections"} {
		text, err := os.ReadFile(filepath.FromSlash(suites + "/mustache-" + suite + ".json"))
		if err != nil {
			t.Skip("the mustache specification is not beside the repository")
		}
		file, err := value.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		cases := file.Get("tests")
		for i := range cases.Len() {
			c := cases.At(i)
			name := suite + "/" + c.Get("name").Text()
			reason := excluded[name]
			if reason == "" {
				ran++
			} else {
				left++
			}
			t.Run(name, func(t *testing.T) { specCase(t, c, reason, missing[name]) })
		}
	}
	if ran != 107 || left != len(excluded) {
		t.Errorf("ran %d and left out %d cases, want 107 and %d", ran, left, len(excluded))
	}
}

func specCase(t *testing.T, c value.Value, reason, miss string) {
	tmpl, err := Compile(c.Get("template").Text(), Double)
	switch reason {
	case noHTML:
		return
	case noDelimiters, noPartials:
		if syntax, ok := errors.AsType[*SyntaxError](err); !ok || !strings.Contains(syntax.Message, "not supported") {
			t.Errorf("Compile: %v, want a refusal", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Append(nil, from(tmpl, c.Get("data")), Raw)
	if miss != "" {
		if m, ok := errors.AsType[*MissingError](err); !ok || !slices.Equal(m.Names, []string{miss}) {
			t.Errorf("Append: %v, want %s missing", err, miss)
		}
		return
	}
	if want := c.Get("expected").Text(); err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// from looks variables up in data, as mustache does at the outermost level.
func from(t *Template, data value.Value) Lookup {
	return func(i int) value.Value {
		if name := t.Vars()[i].Name; name != "." {
			return data.Path(strings.Split(name, ".")...)
		}
		return data
	}
}
