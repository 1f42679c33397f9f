package template

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func compile(t testing.TB, text string, s Style) *Template {
	t.Helper()
	tmpl, err := Compile(text, s)
	if err != nil {
		t.Fatalf("Compile(%q): %v", text, err)
	}
	return tmpl
}

func names(t *Template) []string {
	var list []string
	for _, v := range t.Vars() {
		list = append(list, v.Name)
	}
	return list
}

func TestCompile_findsVariables(t *testing.T) {
	for _, c := range []struct {
		name, text string
		style      Style
		want       []string
	}{
		{"no variable", "plain } text }} {x}", Double, nil},
		{"one of each name, in order of use", "{{b}}{{ a }}{{{b}}}{{&c}}{{& a}}", Double, []string{"b", "a", "c"}},
		{"dashes", "{{seon-fp}}", Double, []string{"seon-fp"}},
		{"JSONPath", "{{$.results[0].id}}", Double, []string{"$.results[0].id"}},
		{"spaces inside", "{{ First name }}", Double, []string{"First name"}},
		{"other scripts", "{{größe}}{{名}}", Double, []string{"größe", "名"}},
		{"parentheses and quotes", `{{f('x', "y")}}`, Double, []string{`f('x', "y")`}},
		{"dotted names are one variable", "{{step.field}}{{step}}", Double, []string{"step.field", "step"}},
		{"a sign in front of a word", "${{ values.name }}", Double, []string{"values.name"}},
		{"JSON around", `{"a":{"b":{{x}}}}`, Double, []string{"x"}},
		{"JSON around three braces", `{"a":{{{x}}}}`, Double, []string{"x"}},
		{"sections", "{{#s}}{{x}}{{/s}}{{^ t }}{{/ t }}", Double, []string{"s", "x", "t"}},
		{"item inside a section only", "{{#s}}{{.}}{{^t}}{{.}}{{/t}}{{/s}}", Double, []string{"s", "t"}},
		{"item outside of sections", "{{.}}{{^s}}{{.}}{{/s}}", Double, []string{".", "s"}},
		{"single braces in a path", "/a/{id}/{b-c}/{$top}.json", SingleToo, []string{"id", "b-c", "$top"}},
		{"both braces in a path", "/{a}/{{b}}/{a}", SingleToo, []string{"a", "b"}},
		{"OData", "companies({companyId})", SingleToo, []string{"companyId"}},
		{"OData, double braces", "companies({{companyId}})", SingleToo, []string{"companyId"}},
		{"partial segments", "/{name}:archive/{id}.{ext}", SingleToo, []string{"name", "id", "ext"}},
		{"single braces around no name", "/{}/{.}/{a{b}/{a/{a:b}/{\"a\"}", SingleToo, []string{"b"}},
		{"blanks and signs in a path", "/{a b}/{a (b)}/{c|d}", SingleToo, []string{"a b", "a (b)", "c|d"}},
		{"several segments", "/{a+}/{+b}/{c*}/{{D+}}/{e=projects/*}", SingleToo, []string{"a", "b", "c", "D", "e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmpl := compile(t, c.text, c.style)
			if got := names(tmpl); !slices.Equal(got, c.want) {
				t.Errorf("Vars of %q: %q, want %q", c.text, got, c.want)
			}
			if tmpl.Source() != c.text {
				t.Errorf("Source: %q", tmpl.Source())
			}
		})
	}
}

func TestVars_tellsWhereAndWhetherOptional(t *testing.T) {
	tmpl := compile(t, "{{a}} {{#b}}{{a}}{{b}}{{c}}{{/b}} {{^d}}{{e}}{{/d}} {{#f}}{{/f}}{{f}}", Double)
	want := []Var{
		{"a", 0, false}, {"b", 6, true}, {"c", 22, true},
		{"d", 34, true}, {"e", 40, true}, {"f", 52, false},
	}
	if !slices.Equal(tmpl.Vars(), want) {
		t.Errorf("Vars: %v, want %v", tmpl.Vars(), want)
	}
}

func TestLiteral_isTheTextWithoutComments(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"a } b }} {c}":          "a } b }} {c}",
		"a{{! {b} }}c{{!d}}":    "ac",
		"a\n  {{!\nb\n}}  \nc":  "a\nc",
		"text {{! inline }}\nx": "text \nx",
	} {
		tmpl := compile(t, text, Double)
		if !tmpl.IsLiteral() || tmpl.Literal() != want {
			t.Errorf("Literal of %q: %q, want %q", text, tmpl.Literal(), want)
		}
	}
	if tmpl := compile(t, "a{{b}}", Double); tmpl.IsLiteral() || tmpl.Literal() != "" {
		t.Errorf("a variable is no literal: %q", tmpl.Literal())
	}
}

func TestSingle_isOneVariableTagAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		text  string
		style Style
		want  bool
	}{
		{"{{x}}", Double, true},
		{"{{ a.b }}", Double, true},
		{"{{{x}}}", Double, true},
		{"{{& x}}", Double, true},
		{"{x}", SingleToo, true},
		{"{x}", Double, false},
		{" {{x}}", Double, false},
		{"{{x}}\n", Double, false},
		{"{{x}}{{x}}", Double, false},
		{"{{!c}}{{x}}", Double, false},
		{"{{#x}}{{/x}}", Double, false},
		{"", Double, false},
	} {
		if index, ok := compile(t, c.text, c.style).Single(); ok != c.want || index != 0 {
			t.Errorf("Single of %q: %d, %v, want %v", c.text, index, ok, c.want)
		}
	}
}

func TestCompile_refuses(t *testing.T) {
	deep := strings.Repeat("{{#a}}", MaxDepth)
	for _, c := range []struct {
		name, text string
		offset     int
		message    string
	}{
		{"open tag", "ab {{x", 3, "{{ without }}"},
		{"open triple", `{"a":{{{x}},"b":1}`, 5, "{{{ without }}}"},
		{"empty tag", "a{{ }}", 1, "a tag without a name"},
		{"empty section", "{{# }}{{/}}", 0, "a tag without a name"},
		{"empty triple", "{{{ }}}", 0, "a tag without a name"},
		{"brace in a name", "WHERE {{ ?s ?p ?o } UNION { ?a ?b ?c }}", 6, `a brace in the name "?s ?p ?o } UNION { ?a ?b ?c"`},
		{"brace in a section", "{{#a{b}}{{/a{b}}", 0, `a brace in the name "a{b"`},
		{"partial", "x{{> y }}", 1, "partials ({{>name}}) are not supported"},
		{"delimiters", "x{{=<% %>=}}", 1, "changing the delimiters ({{=…=}}) is not supported"},
		{"section left open", "a{{#b}}{{#c}}{{/c}}", 1, `section "b" is not closed`},
		{"section never opened", "a{{/b}}", 1, `section "b" is closed but not open`},
		{"sections crossed", "{{#a}}{{#b}}{{/a}}{{/b}}", 12, `section "a" is closed while "b" is open`},
		{"depth", deep + "{{^a}}", len(deep), "sections are nested deeper than 32"},
		{"length", strings.Repeat("x", MaxText+1), MaxText, "a template is longer than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.text, Double)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || syntax.Offset != c.offset || syntax.Message != c.message {
				t.Errorf("got %v, want %s at byte %d", err, c.message, c.offset)
			}
		})
	}
}

func TestCompile_takesTheLimits(t *testing.T) {
	compile(t, strings.Repeat("x", MaxText), Double)
	compile(t, strings.Repeat("{{#a}}", MaxDepth)+strings.Repeat("{{/a}}", MaxDepth), Double)
}

func TestSyntaxError_readsAsASentence(t *testing.T) {
	_, err := Compile("ab {{x", Double)
	if got, want := err.Error(), "parse template: {{ without }} at byte 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
