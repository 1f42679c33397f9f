package jsonpath

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestIRegexp_matches(t *testing.T) {
	for _, c := range []struct{ pattern, whole, not string }{
		{"", "", "a"},
		{"a|", "a", "b"},
		{"(ab)+", "abab", "aba"},
		{"a{2}", "aa", "a"},
		{"a{2,}", "aaa", "a"},
		{"a{1,2}", "aa", "aaa"},
		{"a.c", "a\u2028c", "a\rc"},
		{"[^a-c]", "d", "b"},
		{"[-a]", "-", "b"},
		{"[a-]", "-", "b"},
		{"[.$^]+", "^.$", "a"},
		{`[\[\]\-\\]+`, `[]-\`, "a"},
		{`[\n-\r]`, "\v", " "},
		{`\p{Lu}\P{Lu}`, "Aa", "aA"},
		{`[\p{Nd}x-z]+`, "1y", "a"},
		{`\(\)\*\+\.\?\{\|\}\-\^`, "()*+.?{|}-^", ""},
		{"^a$", "a", "^a$"},
		{"/~&", "/~&", "a"},
	} {
		expression, err := compileIRegexp(c.pattern, true)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if !expression.MatchString(c.whole) || expression.MatchString(c.not) {
			t.Errorf("%s as %s: %q %t, %q %t", c.pattern, expression, c.whole, expression.MatchString(c.whole), c.not,
				expression.MatchString(c.not))
		}
	}
}

func TestIRegexp_refusesOtherSyntax(t *testing.T) {
	for _, pattern := range []string{
		"(", ")", "a)", "[", "[]", "[^]", "]", "{", "}", "*", "a**", "a+?", "(*)", "|*", "a{", "a{}", "a{,2}", "a{x}",
		`\`, `\d`, `\w`, `\s`, `\b`, `\$`, `\1`, `\p`, `\p{}`, `\p{Xx}`, `\p{Greek}`, "(?i)a", "(?:a)", "(?=a)",
		"[a--b]", "[[:alpha:]]", "[a-\\p{Lu}]", "[b-a]", "[a-b-c]", "a{1001}", "\xff",
	} {
		if expression, err := compileIRegexp(pattern, false); err == nil {
			t.Errorf("%s is accepted as %s", pattern, expression)
		}
	}
}

func FuzzIRegexp(f *testing.F) {
	for _, seed := range []string{"a.c", `[^\p{Lu}-]{1,3}`, "(a|b)*", `\.\n`, "^x$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := compileIRegexp(text, true); err == nil && !utf8.ValidString(text) {
			t.Errorf("%q is accepted", text)
		}
		if len(text) > 500 || !utf8.ValidString(text) {
			return
		}
		expression, err := compileIRegexp(escapeIRegexp(text), true)
		if err != nil || !expression.MatchString(text) || expression.MatchString(text+"x") {
			t.Errorf("%q, escaped %q, does not match itself: %v", text, escapeIRegexp(text), err)
		}
	})
}

// Go's engine must understand each category that the RFC has.
func TestIRegexp_knowsEveryCategory(t *testing.T) {
	for class, kinds := range map[string]string{"L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "Z": "lps",
		"S": "ckmo", "C": "cfno"} {
		for _, kind := range append(strings.Split(kinds, ""), "") {
			if _, err := regexp.Compile(`\p{` + class + kind + `}`); err != nil {
				t.Error(err)
			}
		}
	}
}
