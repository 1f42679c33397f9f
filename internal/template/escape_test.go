package template

import (
	"encoding/xml"
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func TestAppend_escapesByPlace(t *testing.T) {
	for _, c := range []struct {
		name       string
		esc        Escape
		text, x    string // x is JSON
		want, fail string
	}{
		{"path: plain", PathSegment, "/u/{{x}}/p", `"a-b_c.d~1"`, "/u/a-b_c.d~1/p", ""},
		{"path: the vector of the reference", PathSegment, "/u/{{x}}", `"a/b?c"`, "/u/a%2Fb%3Fc", ""},
		{"path: traversal", PathSegment, "/u/{{x}}/p", `"../../admin"`, "", "must not hold the path segments"},
		{"path: two dots", PathSegment, "/u/{{x}}/p", `".."`, "", "must not hold the path segments"},
		{"path: empty", PathSegment, "/u/{{x}}", `""`, "", "must not be empty"},
		{"path: one dot", PathSegment, "/u/{{x}}/p", `"."`, "", "must not hold the path segments"},
		{"path: dots of two values", PathSegment, "/u/{{x}}{{x}}/p", `"."`, "", "must not hold the path segments"},
		{"path: a dot beside a literal one", PathSegment, "/u/.{{x}}/p", `"."`, "", "must not hold the path segments"},
		{"path: encoded already", PathSegment, "/u/{{x}}", `"%2e%2e%2f"`, "", "must not hold the path segments"},
		{"path: fragment, query, backslash", PathSegment, "/u/{{x}}", `"#?\\"`, "/u/%23%3F%5C", ""},
		{"path: parameters", PathSegment, "/u/{{x}}", `"..;a=b"`, "", "must not hold the path segments"},
		{"path: backslashes", PathSegment, "/u/{{x}}", `"a\\..\\b"`, "", "must not hold the path segments"},
		{"path: encoded twice", PathSegment, "/u/{{x}}", `"a%252F.%252e/b"`, "", "must not hold the path segments"},
		{"path: the encoding encoded", PathSegment, "/u/{{x}}", `"%25%32%65%2Fa"`, "", "must not hold the path segments"},
		{"path: dots within names", PathSegment, "/u/{{x}}", `"a..b/.c/d./..."`, "/u/a..b%2F.c%2Fd.%2F...", ""},
		{"path: dots with blanks", PathSegment, "/u/{{x}}", `"a/.. "`, "", "must not hold the path segments"},
		{"path: dots with NUL, encoded", PathSegment, "/u/{{x}}", `"..%00"`, "", "must not hold the path segments"},
		{"path: nothing but a slash", PathSegment, "/u/{{x}}", `"/"`, "", "must not be empty"},
		{"path: nothing but slashes, encoded", PathSegment, "/u/{{x}}", `"%2f%5C/"`, "", "must not be empty"},
		{"path: a blank", PathSegment, "/u/{{x}}", `" "`, "", "must not be empty"},
		{"path: a list of slashes", PathSegment, "/u/{{x}}", `["/"]`, "", "none of them empty"},
		{"path: percent signs", PathSegment, "/u/{{x}}", `"100%.5%zz"`, "/u/100%25.5%25zz", ""},
		{"path: list", PathSegment, "/u/{{x}}", `[1,"a/b",true]`, "/u/1,a%2Fb,true", ""},
		{"path: empty list", PathSegment, "/u/{{x}}", `[]`, "", "must not be empty"},
		{"path: list of lists", PathSegment, "/u/{{x}}", `[[1]]`, "", "texts and numbers only"},
		{"path: list with a comma", PathSegment, "/u/{{x}}", `["1,2",3]`, "/u/1%2C2,3", ""},
		{"path: the query of a path", PathSegment, "/u?q={{x}}", `"a&admin=1+1"`, "/u?q=a%26admin%3D1%2B1", ""},
		{"path: mail address and method", PathSegment, "/u/{{x}}", `"a@b:c"`, "/u/a@b:c", ""},
		{"path: blank, NUL, line feed, umlaut", PathSegment, "/{{x}}", `" \u0000\nä"`, "/%20%00%0A%C3%A4", ""},
		{"path: number", PathSegment, "/{{x}}", `9007199254740993`, "/9007199254740993", ""},
		{"path: object", PathSegment, "/{{x}}", `{"a":[1]}`, "", "not an object"},

		{"query: the vector of the reference", QueryValue, "q={{x}}", `"a b&c"`, "q=a%20b%26c", ""},
		{"form: a blank", FormValue, "q={{x}}", `"a b&c"`, "q=a+b%26c", ""},
		{"query: another parameter", QueryValue, "q={{x}}", `"a&admin=1#;"`, "q=a%26admin%3D1%23%3B", ""},
		{"query: plus and percent", QueryValue, "q={{x}}", `"1+1%20"`, "q=1%2B1%2520", ""},
		{"query: line feed and umlaut", QueryValue, "q={{x}}", `"\r\nä"`, "q=%0D%0A%C3%A4", ""},

		{"header: plain", Header, "Bearer {{x}}", `"a\tb ü"`, "Bearer a\tb ü", ""},
		{"header: another header", Header, "Bearer {{x}}", `"a\r\nX-Admin: 1"`, "", "U+000D"},
		{"header: line feed", Header, "{{x}}", `"a\nb"`, "", "U+000A"},
		{"header: NUL", Header, "{{x}}", `"a\u0000"`, "", "U+0000"},
		{"header: delete", Header, "{{x}}", `"a\u007f"`, "", "U+007F"},
		{"header: in an object", Header, "{{x}}", `{"a":"\r\n"}`, `{"a":"\r\n"}`, ""},

		{"JSON string: quote", JSON, `{"a":"{{x}}"}`, `"b\",\"admin\":\"1"`, `{"a":"b\",\"admin\":\"1"}`, ""},
		{"JSON string: backslash", JSON, `{"a":"{{x}}"}`, `"\\"`, `{"a":"\\"}`, ""},
		{"JSON string: control characters", JSON, `{"a":"{{x}}"}`, `"\n\u0000\t"`, `{"a":"\n\u0000\t"}`, ""},
		{"JSON string: number", JSON, `{"a":"id-{{x}}"}`, `1.10`, `{"a":"id-1.10"}`, ""},
		{"JSON string: object", JSON, `{"a":"{{x}}"}`, `{"b":"\""}`, `{"a":"{\"b\":\"\\\"\"}"}`, ""},
		{"JSON string: null", JSON, `{"a":"{{x}}"}`, `null`, `{"a":""}`, ""},
		{"JSON string: template text", JSON, `{"a":"{{x}}"}`, `"{{x}}"`, `{"a":"{{x}}"}`, ""},
		{"JSON string: after an escaped quote", JSON, `{"a":"\"{{x}}\\"}`, `"\""`, `{"a":"\"\"\\"}`, ""},
		{"JSON text: string", JSONText, `{"a":"{{x}}"}`, `"b\",\"admin\":\"1"`, `{"a":"b\",\"admin\":\"1"}`, ""},
		{"JSON text: number without its type", JSONText, `{"a":{{x}}}`, `"5"`, `{"a":5}`, ""},
		{"JSON text: items", JSONText, `{"a":[{{x}}]}`, `"1,\"b\""`, `{"a":[1,"b"]}`, ""},
		{"JSON text: a word", JSONText, `{"a":{{x}}}`, `"five"`, `{"a":"five"}`, ""},
		{"JSON text: empty", JSONText, `{"a":{{x}}}`, `""`, `{"a":""}`, ""},
		{"JSON text: null", JSONText, `{"a":{{x}}}`, `null`, `{"a":null}`, ""},
		{"JSON text: another member", JSONText, `{"a":{{x}}}`, `"1,\"admin\":true"`, `{"a":"1,\"admin\":true"}`, ""},
		{"JSON text: the end of a list", JSONText, `{"a":[{{x}}]}`, `"1],\"admin\":[1"`, `{"a":["1],\"admin\":[1"]}`, ""},
		{"JSON text: object", JSONText, `{"a":{{x}}}`, `{"b":1}`, `{"a":{"b":1}}`, ""},
		{"JSON name", JSON, `{"{{x}}":1}`, `"a\":2,\"b"`, `{"a\":2,\"b":1}`, ""},
		{"JSON value: text", JSON, `{"a":{{x}}}`, `"1,\"admin\":true"`, `{"a":"1,\"admin\":true"}`, ""},
		{"JSON value: number", JSON, `{"a":{{x}}}`, `12345678901234567890`, `{"a":12345678901234567890}`, ""},
		{"JSON value: boolean", JSON, `[{{x}}]`, `true`, `[true]`, ""},
		{"JSON value: null", JSON, `[{{x}}]`, `null`, `[null]`, ""},
		{"JSON value: object", JSON, `[{{{x}}}]`, `{"b": [1]}`, `[{"b":[1]}]`, ""},
		{"JSON value: after a backslash", JSON, `{"a\\":{{x}}}`, `"b"`, `{"a\\":"b"}`, ""},
		{"JSON: items of a list", JSON, `[{{#x}}{"v":{{.}},"s":"{{.}}"},{{/x}}0]`, `["\"",2]`, `[{"v":"\"","s":"\""},{"v":2,"s":"2"},0]`, ""},

		{"XML: entity", XML, `<a>{{x}}</a>`, `"&xxe;<b/>"`, `<a>&amp;xxe;&lt;b/&gt;</a>`, ""},
		{"XML: attribute", XML, `<a b="{{x}}" c='{{x}}'/>`, `"\" d='1"`, `<a b="&quot; d=&apos;1" c='&quot; d=&apos;1'/>`, ""},
		{"XML: end of CDATA", XML, `<![CDATA[{{x}}]]>`, `"]]><b>"`, `<![CDATA[]]&gt;&lt;b&gt;]]>`, ""},
		{"XML: white space", XML, `<a>{{x}}</a>`, `" \t\r\n"`, `<a> &#9;&#13;&#10;</a>`, ""},
		{"XML: what it cannot hold", XML, `<a>{{x}}</a>`, `"\u0000\u001b\uffff"`, "<a>\uFFFD\uFFFD\uFFFD</a>", ""},

		{"SPARQL string: end", SPARQL, `FILTER(?n = "{{x}}")`, `"a\" || 1=1"`, `FILTER(?n = "a\" || 1=1")`, ""},
		{"SPARQL string: backslash and lines", SPARQL, `'{{x}}'`, `"\\'\r\n"`, `'\\\'\r\n'`, ""},
		{"SPARQL string: escape by number", SPARQL, `"{{x}}"`, `"\\u0022"`, `"\\u0022"`, ""},
		{"SPARQL string: comparison stays", SPARQL, `"{{x}}"`, `"a < b > c"`, `"a < b > c"`, ""},
		{"SPARQL long string", SPARQL, `"""it's "{{x}}" """`, `"\"\"\""`, `"""it's "\"\"\"" """`, ""},
		{"SPARQL long string, apostrophes", SPARQL, `'''{{x}}''' "{{x}}"`, `"'''"`, `'''\'\'\'''' "\'\'\'"`, ""},
		{"SPARQL empty string before", SPARQL, `"" <{{x}}>`, `"a>"`, `"" <a%3E>`, ""},
		{"SPARQL IRI: whole", SPARQL, `DESCRIBE <{{x}}>`, `"http://a/b?c=%20#d"`, `DESCRIBE <http://a/b?c=%20#d>`, ""},
		{"SPARQL IRI: end", SPARQL, `<http://a/{{x}}>`, `"b> ?p \"\\"`, `<http://a/b%3E%20?p%20%22%5C>`, ""},
		{"SPARQL IRI before", SPARQL, `PREFIX a: <http://b#> SELECT a:{{x}}`, `"Q42"`, `PREFIX a: <http://b#> SELECT a:Q42`, ""},
		{"SPARQL bare: number", SPARQL, `FILTER(?x < {{x}})`, `-1.5`, `FILTER(?x < -1.5)`, ""},
		{"SPARQL bare: prefixed name", SPARQL, `?s a {{x}}`, `"wd:Q5"`, `?s a wd:Q5`, ""},
		{"SPARQL bare: more than a word", SPARQL, `LIMIT {{x}}`, `"1 } ; DROP ALL"`, ``, "' ' cannot stand"},
		{"SPARQL bare: object", SPARQL, `LIMIT {{x}}`, `{}`, ``, "'{' cannot stand"},
		{"YAML: a value", YAML, "a: {{x}}", `"b: [c]"`, `a: "b: [c]"`, ""},
		{"YAML: a number", YAML, "a: {{x}}", `1.10`, `a: 1.10`, ""},
		{"YAML: double quotes", YAML, `a: "{{x}}"`, `"\"\nb: 1"`, `a: "\"\nb: 1"`, ""},
		{"YAML: single quotes", YAML, `a: '{{x}}'`, `"it's"`, `a: 'it''s'`, ""},
		{"YAML: single quotes, line break", YAML, `a: '{{x}}'`, `"'\nb: 1"`, "", "double quotes"},
		{"YAML: plain", YAML, "a: b {{x}}", `"two words"`, "a: b two words", ""},
		{"YAML: plain, a colon", YAML, "a: b {{x}}", `"c: d"`, "", "without quotes"},
		{"YAML: plain, a dash", YAML, "a: b{{x}}", `"- d"`, "", "without quotes"},
		{"YAML: flow", YAML, "{a: [1, {{x}}], b: c{{x}}}", `"d"`, `{a: [1, "d"], b: cd}`, ""},
		{"YAML: block", YAML, "- a: |\n    c {{x}}\n  b: {{x}}", `"d: #e"`, "- a: |\n    c d: #e\n  b: \"d: #e\"", ""},
		{"YAML: block, line break", YAML, "a: |\n  c {{x}}", `"d\nb: 1"`, "", "double quotes"},
		{"YAML: comment", YAML, "a: 1 # it's {{x}}\nb: {{x}}", `"d"`, "a: 1 # it's d\nb: \"d\"", ""},
		{"YAML: comment, line break", YAML, "# {{x}}", `"d\u2028b: 1"`, "", "double quotes"},
		{"SPARQL comment", SPARQL, "# {{x}}\nASK {}", `"a\nDROP ALL"`, "# a\\nDROP ALL\nASK {}", ""},
		{"SPARQL after a comment", SPARQL, "# it's\n\"{{x}}\"", `"\""`, "# it's\n\"\\\"\"", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := render(t, c.text, `{"x":`+c.x+`}`, c.esc)
			if c.fail == "" {
				if err != nil || got != c.want {
					t.Errorf("got %q, %v, want %q", got, err, c.want)
				}
				return
			}
			unsafe, ok := errors.AsType[*UnsafeError](err)
			if !ok || unsafe.Name != "x" || !strings.Contains(unsafe.Reason, c.fail) {
				t.Errorf("got %v, want an UnsafeError about x that says %s", err, c.fail)
			}
		})
	}
}

// A value cannot make a dot segment of the dots that the author wrote beside it.
func TestPath_dotsOfTheAuthorAreNoDotSegment(t *testing.T) {
	for _, c := range []struct{ text, x, want string }{
		{"/u/.{{x}}", "/a", ""},
		{"/u/..{{x}}/p", ";", ""},
		{"/u/{{x}}../p", "a/", ""},
		{".{{x}}", "%2f", ""},
		{"{{x}}..", "\\", ""},
		{"/u/.{{x}}", "a/b", "/u/.a%2Fb"},
		{"/u/a.{{x}}.json", "/a", "/u/a.%2Fa.json"},
	} {
		tmpl := compile(t, c.text, Double).Path(AppendPathText, func(string) bool { return false })
		got, err := tmpl.Append(nil, func(int) value.Value { return value.Of(c.x) }, PathSegment)
		if (err == nil) != (c.want != "") || err == nil && string(got) != c.want {
			t.Errorf("%q in %s: %s, %v, want %q", c.x, c.text, got, err, c.want)
		}
	}
}

func TestUnsafeError_namesTheVariableNotTheValue(t *testing.T) {
	_, err := render(t, "Bearer {{token}}", `{"token":"s3cret\r\n"}`, Header)
	if got, want := err.Error(), `render template: value of "token": a header cannot hold the control character U+000D`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCheckHeader_refusesControlCharacters(t *testing.T) {
	if err := CheckHeader("a\tb ü"); err != nil {
		t.Error(err)
	}
	err := CheckHeader("a\nb")
	if err == nil || err.Error() != "a header cannot hold the control character U+000A" {
		t.Errorf("got %v", err)
	}
}

func TestCheck_refusesPlacesThatTheTextLeavesOpen(t *testing.T) {
	for _, c := range []struct {
		name, text string
		esc        Escape
		offset     int
		message    string
	}{
		{"JSON: section opens a string", `{"a":{{#x}}"{{/x}}{{y}}"}`, JSON, 5, ambiguous},
		{"JSON: inverted section closes one", `"{{^x}}"{{/x}}`, JSON, 1, ambiguous},
		{"JSON: backslash before a variable", `{"a":"\{{x}}"}`, JSON, 7, splitEscape},
		{"JSON: half an escape", `{"a":"\u00{{x}}"}`, JSON, 10, splitEscape},
		{"JSON: backslash before a section", `{"a":"{{#x}}\{{/x}}"}`, JSON, 13, splitEscape},
		{"JSON: string left open", `{"a":"{{x}}}`, JSON, 11, openString},
		{"SPARQL: section opens a string", `{{#x}}'{{/x}}`, SPARQL, 0, ambiguous},
		{"SPARQL: backslash before a variable", `'\{{x}}'`, SPARQL, 2, splitEscape},
		{"SPARQL: string left open", `'{{x}}`, SPARQL, 1, openString},
		{"SPARQL: comparison that looks like an IRI", `FILTER(?x <{{x}} && 1)`, SPARQL, 22, openIRI},
		{"SPARQL: IRI left open", `<{{x}}`, SPARQL, 1, openIRI},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmpl := compile(t, c.text, Double)
			err := tmpl.Check(c.esc)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || syntax.Offset != c.offset || syntax.Message != c.message {
				t.Errorf("got %v, want %s at byte %d", err, c.message, c.offset)
			}
			look := func(int) value.Value { return value.Of("v") }
			if _, again := tmpl.Append(nil, look, c.esc); again != err {
				t.Errorf("Append: %v, want %v", again, err)
			}
			if _, err := tmpl.Append(nil, look, Raw); err != nil {
				t.Errorf("Append elsewhere: %v", err)
			}
		})
	}
}

func TestCheck_takesWhatIsClear(t *testing.T) {
	for _, c := range []struct {
		text string
		esc  Escape
	}{
		{`{"a":"{{x}}{{#y}}, {{.}}{{/y}}"{{#z}},"b":"{{z}}"{{/z}}}`, JSON},
		{`{"\u0022{{x}}\\":1}`, JSON},
		{`"`, Raw},
		{"SELECT * { ?s ?p ?o FILTER(?o<5 && ?o > 1) } # it's", SPARQL},
	} {
		if err := compile(t, c.text, Double).Check(c.esc); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func FuzzAppendPathSegment_staysInItsSegment(f *testing.F) {
	for _, s := range []string{"", ".", "..", "a/b", "%2e%2e", "\\", "?#;", "ä\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(AppendPathSegment(nil, s))
		if strings.ContainsAny(got, "/?#\\;&=") || path.Join("/a", got, "b") != "/a/"+got+"/b" && s != "" {
			t.Errorf("%q leaves its segment: %q", s, got)
		}
		if back, err := url.PathUnescape(got); err != nil || back != s {
			t.Errorf("%q comes back as %q, %v", s, back, err)
		}
		if got, want := string(AppendForm(nil, s)), url.QueryEscape(s); got != want {
			t.Errorf("form %q, want %q", got, want)
		}
		if got, want := string(AppendQuery(nil, s)), strings.ReplaceAll(url.QueryEscape(s), "+", "%20"); got != want {
			t.Errorf("query %q, want %q", got, want)
		}
	})
}

// Whatever stands in a path, literal or value: Go sends it as it was built, which
// it does only with a valid encoding, and no server finds a dot segment in it.
func FuzzPath_isValidAndHoldsNoDotSegments(f *testing.F) {
	for _, s := range []string{"", ".", "a/../b", "..\\b", "%2e%2e%2fb", "%252e/", "%25%32%65", "a b", "é|\"", "{x",
		"..;a/b", "%", "a//b"} {
		f.Add("/Invoice Items/", s)
		f.Add(s, "a/b")
	}
	f.Fuzz(func(t *testing.T, literal, s string) {
		for _, placeholder := range []string{"{{x}}", "{x+}"} {
			tmpl, err := Compile("/"+strings.NewReplacer("{", "", "}", "").Replace(literal)+"/"+placeholder, SingleToo)
			if err != nil {
				t.Skip(err)
			}
			tmpl = tmpl.Path(AppendPathText, func(string) bool { return false })
			out, err := tmpl.Append(nil, func(int) value.Value { return value.Of(s) }, PathSegment)
			if err != nil {
				continue
			}
			u := url.URL{RawPath: string(out)}
			if u.Path, err = url.PathUnescape(u.RawPath); err != nil || u.EscapedPath() != u.RawPath {
				t.Errorf("%q is sent as %q", out, u.EscapedPath())
			}
			given := string(out[len(out)-len(appendSegments(nil, s)):])
			if placeholder == "{{x}}" {
				given = string(AppendPathSegment(nil, s))
				if strings.Contains(given, "/") {
					t.Errorf("%q leaves its segment: %q", s, given)
				}
			}
			for range 3 {
				for _, segment := range strings.FieldsFunc(given, func(c rune) bool { return c == '/' || c == '\\' }) {
					if segment == "." || segment == ".." {
						t.Errorf("%q holds a dot segment: %q", s, out)
					}
				}
				given = unescape(given)
			}
		}
	})
}

func FuzzAppendXML_keepsTheText(f *testing.F) {
	for _, s := range []string{"", "]]>", "&lt;", "\r\n\t", "<a b='\"'>", "\x00\xff"} {
		f.Add(s)
	}
	tmpl := compile(f, `<a b="{{x}}">{{x}}</a>`, Double)
	f.Fuzz(func(t *testing.T, s string) {
		out, err := tmpl.Append(nil, func(int) value.Value { return value.Of(s) }, XML)
		if err != nil {
			t.Fatal(err)
		}
		var a struct {
			B    string `xml:"b,attr"`
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal(out, &a); err != nil || a.B != a.Text {
			t.Fatalf("%q: %v, %q and %q", out, err, a.B, a.Text)
		}
		if a.Text != s && !strings.Contains(a.Text, "\uFFFD") {
			t.Errorf("%q comes back as %q", s, a.Text)
		}
	})
}
