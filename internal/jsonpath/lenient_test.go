package jsonpath

import (
	"strings"
	"testing"
)

const sample = `{
	"items": [
		{"name": "bolt", "price": 1.10, "tags": ["iron", "small"], "a-b": {"c": 1}, "size": "S"},
		{"name": "Nut", "price": 3, "tags": [], "a-b": {"c": 2}, "size": "M"},
		{"name": "gear$wheel", "price": 2.5, "tags": ["iron", "big"], "size": "L", "on": null}
	],
	"properties": {"Participation Status": {"select": {"name": "Confirmed"}}, "R&D": 1, "a/b": 2},
	"@odata.nextLink": "https://example.com/next",
	"@type": "List",
	"list@odata.count": 3,
	"@microsoft.graph.downloadUrl": "https://example.com/file",
	"2xx": {"0": "zero"},
	"empty": [],
	"word": "héllo",
	"full-name": "x/y",
	"length": 7,
	"sci": [1e3, 50], "huge": [1e308, 1e308], "wild": [1e400, 2], "wide": [9223372036854775807, 9223372036854775807], "tenths": [0.1, 0.2],
	"dc:title": "T"
}`

// Each lenient form: what it selects, its RFC spelling, what is noted.
var lenientForms = []struct{ name, expr, spelling, want, note string }{
	{"nothing is the root", "", "$", "", "empty path"},
	{"blanks are the root", " \t ", "$", "", "empty path"},
	{"a lone dot after the root", "$.", "$", "", "is the root"},
	{"a lone dot after the root, with blanks", " $. ", "$", "", "is the root"},
	{"a dot alone", ".", "$", "", "is the root"},
	{"blanks around", "  $.word\n", "$.word", `"héllo"`, "blanks around"},
	{"braces around", "{{$.word}}", "$.word", `"héllo"`, "no {{ }}"},
	{"braces and blanks around", " {{ $.word }} ", "$.word", `"héllo"`, "no {{ }}"},
	{"no root", "word", "$.word", `"héllo"`, "starts with $"},
	{"no root, several segments", "items[0].name", "$.items[0].name", `"bolt"`, "starts with $"},
	{"no root, a bracket first", "[0]", "$[0]", "", "starts with $"},
	{"no root, a dot first", ".word", "$.word", `"héllo"`, "starts with $"},
	{"no root, a name with dashes", "full-name", "$['full-name']", `"x/y"`, "starts with $"},
	{"no root, a function", "items.size()", "$.items.size()", "3", "starts with $"},
	{"a dot before an index", "$.items.[1].name", "$.items[1].name", `"Nut"`, "no dot before"},
	{"a dot before a quoted name", "$.['word']", "$.word", `"héllo"`, "no dot before"},
	{"blanks after a dot", "$. word", "$.word", `"héllo"`, "blanks after"},
	{"a name with dashes", "$.items[0].a-b.c", "$.items[0]['a-b'].c", "1", "['a-b']"},
	{"a name with a space", "$.properties.Participation Status.select.name", "$.properties['Participation Status'].select.name", `"Confirmed"`, "['Participation Status']"},
	{"a name with an ampersand", "$.properties.R&D", "$.properties['R&D']", "1", "['R&D']"},
	{"a name with a slash", "$.properties.a/b", "$.properties['a/b']", "2", "['a/b']"},
	{"a name with a colon", "$.dc:title", "$['dc:title']", `"T"`, "['dc:title']"},
	{"a name that starts with a digit", "$.2xx", "$['2xx']", `{"0":"zero"}`, "['2xx']"},
	{"a name of digits", "$.2xx.0", "$['2xx']['0']", `"zero"`, "an item of an array is [0]"},
	{"an annotation of OData", "$.@odata.nextLink", "$['@odata.nextLink']", `"https://example.com/next"`, "['@odata.nextLink']"},
	{"an annotation of OData without root", "@odata.nextLink", "$['@odata.nextLink']", `"https://example.com/next"`, "starts with $"},
	{"an annotation of a member", "$.list@odata.count", "$['list@odata.count']", "3", "['list@odata.count']"},
	{"an annotation with two dots", "$.@microsoft.graph.downloadUrl", "$['@microsoft.graph.downloadUrl']", `"https://example.com/file"`, "downloadUrl"},
	{"a name with an at sign", "$.@type", "$['@type']", `"List"`, "['@type']"},
	{"a quoted name after a dot", `$.properties."R&D"`, "$.properties['R&D']", "1", "['R&D']"},
	{"a name in brackets without quotes", "$[word]", "$.word", `"héllo"`, "['word']"},
	{"a name with dashes in brackets without quotes", "$[full-name]", "$['full-name']", `"x/y"`, "['full-name']"},
	{"two names in brackets without quotes", "$[word, length]", "$['word', 'length']", `["héllo",7]`, "['length']"},
	{"the last item by length", "$.items[(@.length-1)].name", "$.items[-1].name", `"gear$wheel"`, "[-1]"},
	{"the last but one by length", "$.items[( @.length() - 2 )].name", "$.items[-2].name", `"Nut"`, "[-2]"},
	{"a member called length", "$.length", "$.length", "7", ""},

	{"length of an array", "$.items.length()", "$.items.length()", "3", "extension"},
	{"length of a string counts code points", "$.word.length()", "$.word.length()", "5", "extension"},
	{"length of an object", "$.properties.size()", "$.properties.size()", "3", "extension"},
	{"length of a number is nothing", "$.length.length()", "$.length.length()", "", "extension"},
	{"length of nothing is nothing", "$.none.length()", "$.none.length()", "", "extension"},
	{"length of several nodes counts them", "$.items[*].name.length()", "$.items[*].name.length()", "3", "extension"},
	{"least of several nodes, as written", "$.items[*].price.min()", "$.items[*].price.min()", "1.10", "extension"},
	{"greatest of descendants", "$..price.max()", "$..price.max()", "3", "extension"},
	{"sum of several nodes", "$..price.sum()", "$..price.sum()", "6.6", "extension"},
	{"sum of integers", "$..c.sum()", "$..c.sum()", "3", "extension"},
	{"sum of nothing", "$.empty.sum()", "$.empty.sum()", "0", "extension"},
	{"average", "$..price.avg()", "$..price.avg()", "2.2", "extension"},
	{"average of integers", "$..c.avg()", "$..c.avg()", "1.5", "extension"},
	{"average of nothing is nothing", "$.empty.avg()", "$.empty.avg()", "", "extension"},
	{"least of no array is nothing", "$.word.min()", "$.word.min()", "", "extension"},
	{"keys of an object", "$.properties.keys()", "$.properties.keys()", `["Participation Status","R&D","a/b"]`, "extension"},
	{"keys of an array are nothing", "$.items.keys()", "$.items.keys()", "", "extension"},

	{"a pattern that is an I-Regexp", "$.items[?(@.name =~ /b.*/)].name", "$.items[?match(@.name, 'b.*')].name", `["bolt"]`, "match(@.name, 'b.*')"},
	{"a pattern must match everything", "$.items[?(@.name =~ /ol/)].name", "$.items[?match(@.name, 'ol')].name", `[]`, "match"},
	{"a pattern that ignores case", "$.items[?(@.name =~ /NUT/i)].name", "$.items[?@.name =~ /NUT/i].name", `["Nut"]`, "whole text"},
	{"a pattern with classes of Perl", `$.items[?(@.name =~ /\w+/)].name`, `$.items[?@.name =~ /\w+/].name`, `["bolt","Nut"]`, "whole text"},
	{"a pattern with slashes", `$[?@ =~ /\w\/y/]`, `$[?@ =~ /\w\/y/]`, `["x/y"]`, "whole text"},
	{"in", "$.items[?(@.size in ['S', 'L'])].name", "$.items[?@.size == 'S' || @.size == 'L'].name", `["bolt","gear$wheel"]`, "in is"},
	{"in one", "$.items[?@.price in [3.0]].name", "$.items[?@.price == 3.0].name", `["Nut"]`, "in is"},
	{"a list too long to be quoted", "$.items[?@.size in ['S'" + strings.Repeat(", 'S'", 20) + "]].name", "$.items[?@.size == 'S'" + strings.Repeat(" || @.size == 'S'", 20) + "].name", `["bolt"]`, "in is an extension of RFC 9535"},
	{"in beside another condition", "$.items[?@.size in ['S','L'] && @.price > 2].name", "$.items[?(@.size == 'S' || @.size == 'L') && @.price > 2].name", `["gear$wheel"]`, "in is"},
	{"in a path", "$.items[?('big' in @.tags)].name", "$.items[?@.tags[?@ == 'big']].name", `["gear$wheel"]`, "in is"},
	{"nin", "$.items[?(@.size nin ['S', 'L'])].name", "$.items[?@.size != 'S' && @.size != 'L'].name", `["Nut"]`, "nin is"},
	{"contains an item", "$.items[?(@.tags contains 'iron')].name", "$.items[?@.tags[?@ == 'iron'] || search(@.tags, 'iron')].name", `["bolt","gear$wheel"]`, "contains is"},
	{"contains a text, literally", "$.items[?(@.name contains 'r$w')].name", "$.items[?@.name[?@ == 'r$w'] || search(@.name, 'r[$]w')].name", `["gear$wheel"]`, "contains is"},
	{"contains a dot, literally", "$.items[?(@.name contains '.')].name", `$.items[?@.name[?@ == '.'] || search(@.name, '\\.')].name`, `[]`, "contains is"},
	{"contains a number", "$[?@ contains 1]", "$[?@[?@ == 1]]", `[{"Participation Status":{"select":{"name":"Confirmed"}},"R&D":1,"a/b":2}]`, "contains is"},
	{"size", "$.items[?(@.tags size 2)].name", "$.items[?length(@.tags) == 2].name", `["bolt","gear$wheel"]`, "size is"},
	{"empty", "$.items[?(@.tags empty true)].name", "$.items[?length(@.tags) == 0].name", `["Nut"]`, "empty is"},
	{"not empty", "$.items[?(@.tags empty false)].name", "$.items[?length(@.tags) > 0].name", `["bolt","gear$wheel"]`, "empty is"},
	{"anyof", "$.items[?(@.tags anyof ['small', 'big'])].name", "$.items[?@.tags[?@ == 'small' || @ == 'big']].name", `["bolt","gear$wheel"]`, "anyof is"},
	{"nin one", "$.items[?@.size nin ['S']].price", "$.items[?@.size != 'S'].price", "[3,2.5]", "nin is"},
	{"sum with exponents", "$.sci.sum()", "$.sci.sum()", "1050", "extension"},
	{"sum beyond doubles is nothing", "$.huge.sum()", "$.huge.sum()", "", "extension"},
	{"sum with a term beyond doubles is nothing", "$.wild.sum()", "$.wild.sum()", "", "extension"},
	{"average with a term beyond doubles is nothing", "$.wild.avg()", "$.wild.avg()", "", "extension"},
	{"sum of large integers is exact", "$.wide.sum()", "$.wide.sum()", "18446744073709551614", "extension"},
	{"sum as on paper", "$.tenths.sum()", "$.tenths.sum()", "0.3", "extension"},
	{"each of each", "$.items.*.tags[*]", "$.items[*].tags[*]", `["iron","small","iron","big"]`, ""},
	{"subsetof", "$.items[?(@.tags subsetof ['small', 'iron'])].name", "$.items[?(@.tags[*] || length(@.tags) == 0) && !@.tags[?@ != 'small' && @ != 'iron']].name", `["bolt","Nut"]`, "subsetof is"},
	{"a name with dashes in a filter", "$.items[?(@.a-b.c == 2)].name", "$.items[?@['a-b'].c == 2].name", `["Nut"]`, "['a-b']"},
	{"length in a filter", "$.items[?(@.tags.length() > 0)].name", "$.items[?length(@.tags) > 0].name", `["bolt","gear$wheel"]`, "length()"},
	{"length of several nodes in a filter", "$.items[?(@.tags[*].size() == 2)].name", "$.items[?count(@.tags[*]) == 2].name", `["bolt","gear$wheel"]`, "size()"},
	{"another function in a filter", "$.items[?(@.price == $..price.max())].name", "$.items[?@.price == $..price.max()].name", `["Nut"]`, "max()"},
}

func TestLenient_notesEachFormWithItsSpelling(t *testing.T) { // semantics 5.4
	root := mustParse(t, sample)
	for _, c := range lenientForms {
		t.Run(c.name, func(t *testing.T) {
			path, notes, err := Compile(c.expr, Lenient)
			if err != nil {
				t.Fatal(err)
			}
			if path.String() != c.spelling {
				t.Errorf("%q is spelled %s, want %s", c.expr, path, c.spelling)
			}
			want := c.want
			if path.IsRoot() {
				want = string(root.AppendJSON(nil))
			}
			if got := path.Eval(nil, root).Text(); strings.Trim(want, `"`) != got {
				t.Errorf("%q gives %s, want %s", c.expr, got, want)
			}
			checkNotes(t, c.expr, c.note, notes)
			again := mustCompile(t, path.String(), Lenient)
			if again.String() != path.String() {
				t.Errorf("%s compiles to %s", path, again)
			}
		})
	}
}

// checkNotes wants one note to speak of want, and each to have a spelling if
// and only if Strict accepts it.
func checkNotes(t *testing.T, expr, want string, notes []Note) {
	t.Helper()
	found := want == "" && notes == nil
	for _, n := range notes {
		found = found || want != "" && strings.Contains(n.Message, want)
		if n.Offset < 0 || n.Offset > len(expr) {
			t.Errorf("the note %q is at %d, outside %q", n.Message, n.Offset, expr)
		}
		if n.Standard == "" {
			continue
		}
		if _, _, err := Compile(n.Standard, Strict); err != nil {
			t.Errorf("the spelling %s is not standard: %v", n.Standard, err)
		}
	}
	if !found {
		t.Errorf("%q has the notes %+v, want one with %q", expr, notes, want)
	}
}

func TestStrict_refusesEveryLenientForm(t *testing.T) {
	for _, c := range lenientForms {
		if c.note == "" {
			continue
		}
		if _, _, err := Compile(c.expr, Strict); err == nil {
			t.Errorf("%s: %q is accepted", c.name, c.expr)
		}
	}
}

func TestNote_offersNoSpellingWhereTheStandardHasNone(t *testing.T) {
	for expr, want := range map[string]string{
		"$.a-b.c":            "$['a-b'].c",
		"$.a-b.length()":     "",
		"$[?@.a =~ /x/i]":    "",
		"$[?@.a-b =~ /x/]":   "$[?match(@['a-b'], 'x')]",
		"$[?@.a.max() > 1]":  "",
		"$[?@.a.size() > 1]": "$[?length(@.a) > 1]",
	} {
		_, notes, err := Compile(expr, Lenient)
		if err != nil || len(notes) == 0 {
			t.Fatalf("%q: %v, %v", expr, notes, err)
		}
		for _, n := range notes {
			if n.Standard != want {
				t.Errorf("%q is noted with the spelling %q, want %q", expr, n.Standard, want)
			}
		}
	}
}

func TestNote_standsAtItsForm(t *testing.T) {
	_, notes, err := Compile(" {{ $.é-x[0].a b.length() }}", Lenient)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, n := range notes {
		got = append(got, n.Offset)
	}
	if want := []int{1, 6, 14, 18}; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] ||
		got[2] != want[2] || got[3] != want[3] {
		t.Errorf("notes at %v, want %v: %+v", got, want, notes)
	}
}

func TestNote_tellsOfPatternsThatNeverMatch(t *testing.T) {
	for _, d := range []Dialect{Strict, Lenient} {
		path, notes, err := Compile(`$[?match(@, '\\d+')]`, d)
		if err != nil || len(notes) != 1 || notes[0].Offset != 12 {
			t.Fatalf("notes %+v, error %v", notes, err)
		}
		if got := path.Select(nil, mustParse(t, `["1"]`)); len(got) > 0 {
			t.Errorf("selects %v", got)
		}
	}
}

func TestLenient_refusesWhatHasNoPlainMeaning(t *testing.T) {
	for _, c := range []struct {
		expr   string
		offset int
		want   string
	}{
		{"$this.team", 1, `expected "." or "["`},
		{"$.{{name}}", 2, "a member name"},
		{"{{name}}", 0, "a member name"},
		{"${steps.x}", 1, `expected "." or "["`},
		{"5.0", 0, "a member name"},
		{"'text'", 0, "a member name"},
		{"@.name", 0, "a member name"},
		{"Hello, world", 5, `"." or "["`},
		{"$.a.", 4, "a member name"},
		{"$.a..", 5, "a member name"},
		{"$[]", 2, "a name"},
		{"$.items.first()", 13, "first()"},
		{"$.Amount (net)", 8, `"." or "["`},
		{"concat(a)", 6, "concat()"},
		{"$.items.length().x", 16, "nothing can follow length()"},
		{"$..length()", 9, "length()"},
		{"$.a[?@.b.length()]", 5, "must be compared"},
		{"$[?@.a = 1]", 7, `"," or "]"`},
		{"$[?@.a in []]", 11, "literal"},
		{"$[?@.a in [@.b]]", 11, "literal"},
		{"$[?@.a in $.b]", 10, "expected a list"},
		{"$[?@.* in [1]]", 3, "one value"},
		{"$[?!@.a in [1]]", 8, "parentheses"},
		{"$[?@.a empty 1]", 13, "boolean on its right"},
		{"$[?@.a size 'x']", 12, "number on its right"},
		{"$[?1 anyof [1]]", 3, "path to one value on its left"},
		{"$[?length(@) in [1]]", 3, "path to one value on its left"},
		{"$[?'a' in @.*]", 10, "a path to one"},
		{"$[?'a' in 'b']", 3, "path to one value on its left"},
		{"$[?@.a in [1 2]]", 13, `","`},
		{"$[?@.a =~ /(?=x)/]", 10, "cannot be used"},
		{"$[?@.a =~ /x/g]", 13, "flag g"},
		{"$[?@.a =~ /x]", 10, "closing /"},
		{"$[?@.a =~ 'x']", 10, `"/"`},
		{"$[01]", 2, "zero too many"},
		{"$['a", 2, "closing '"},
	} {
		_, _, err := Compile(c.expr, Lenient)
		syntax, ok := err.(*SyntaxError)
		if !ok {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if syntax.Offset != c.offset || !strings.Contains(syntax.Message, c.want) {
			t.Errorf("%q: %v, want %q at %d", c.expr, err, c.want, c.offset)
		}
	}
}
