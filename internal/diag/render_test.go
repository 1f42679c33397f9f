package diag

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var testCodes = []*Code{
	{ID: "FL901", Severity: Error, Title: "The call names no operation"},
	{ID: "FL902", Severity: Warning, Title: "A key feeds nothing"},
	{ID: "FL903", Severity: Info, Title: "An input was inferred"},
}

var testTool = Tool{Name: "Fairlead", Version: "1.2.3", InformationURI: "https://example.org/",
	HelpBase: "https://example.org/diagnostics/"}

func TestRender(t *testing.T) {
	golden(t, "*.txtar", func(t *testing.T, files map[string]string) map[string]string {
		list := parseFindings(t, files["findings"])
		sources := func(file string) []byte {
			if text, ok := files[file]; ok {
				return []byte(strings.TrimSuffix(text, "\n"))
			}
			return nil
		}
		out := map[string]string{"summary": list.Summary() + "\n"}
		var text, color, sarif bytes.Buffer
		var lines []byte
		for _, d := range list {
			lines = append(d.AppendJSON(lines), '\n')
		}
		out["json"] = string(lines)
		for _, err := range []error{
			list.WriteText(&text, sources, Style{}),
			list.WriteText(&color, sources, Style{Color: true}),
			WriteSARIF(&sarif, testTool, list, testCodes),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		out["text"], out["sarif"] = text.String(), sarif.String()
		out["color"] = strings.ReplaceAll(color.String(), "\x1b", "␛")
		return out
	})
}

// parseFindings reads lines "CODE file start end | message | hint" and, for the
// finding before it, "related file start | message". A place is line:column.
func parseFindings(t *testing.T, text string) (l List) {
	t.Helper()
	for line := range strings.Lines(text) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), " | ")
		head := strings.Fields(parts[0])
		r := Range{File: head[1]}
		for i, pos := range []*Pos{&r.Start, &r.End} {
			if len(head) > i+2 {
				if _, err := fmt.Sscanf(head[i+2], "%d:%d", &pos.Line, &pos.Column); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
			}
		}
		if head[0] == "related" {
			d := &l[len(l)-1]
			d.Related = append(d.Related, Related{r, parts[1]})
			continue
		}
		code := testCodes[slices.IndexFunc(testCodes, func(c *Code) bool { return c.ID == head[0] })]
		l.Add(code, r, strings.Join(parts[2:], ""), "%s", parts[1])
	}
	return l
}

func TestWriteText_letsNoControlCharacterThrough(t *testing.T) {
	evil := "a\x1b[2J\x07\u202eb\u2028c\x9b\xffd"
	l := List{{Code: "FL901", Range: Range{File: evil, Start: Pos{1, 1}}, Message: evil, Hint: evil,
		Related: []Related{{Range: Range{File: evil}, Message: evil + "\nforged: line"}}}}
	var out bytes.Buffer
	if err := l.WriteText(&out, func(string) []byte { return []byte(evil) }, Style{}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unprintable(r) }); i >= 0 {
		t.Errorf("control character at %d of %q", i, out.String())
	}
	if strings.Contains(out.String(), "\nforged") {
		t.Errorf("a message began a line of its own: %q", out.String())
	}
}

func TestWriteText_returnsTheErrorOfTheWriter(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := (List{{}}).WriteText(w, nil, Style{}); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

func TestWriteText_quotesNothingOutsideTheFile(t *testing.T) {
	for name, at := range map[string]Pos{"file level": {}, "line after the last": {4, 1}} {
		l := List{{Code: "FL901", Severity: Error, Range: Range{File: "f", Start: at}, Message: "m"}}
		var out bytes.Buffer
		if err := l.WriteText(&out, func(string) []byte { return []byte("one\ntwo\nthree") }, Style{}); err != nil {
			t.Fatal(err)
		}
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

func TestExcerpt_cutsLongLinesAroundTheCulprit(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	wideLong := strings.Repeat("漢字", 500)
	for name, c := range map[string]struct {
		line  string
		at    Pos
		end   Pos
		under string
	}{
		"at the start":        {long, Pos{1, 1}, Pos{1, 4}, "012"},
		"in the middle":       {long, Pos{1, 5004}, Pos{1, 5007}, "345"},
		"at the end":          {long, Pos{1, 9998}, Pos{1, 10001}, "789"},
		"just past the width": {long[:121], Pos{1, 120}, Pos{1, 122}, "90"},
		"wide characters":     {wideLong, Pos{1, 501}, Pos{1, 503}, "漢字"},
	} {
		text, carets := excerpt([]byte(c.line), Range{Start: c.at, End: c.end})
		if n := shownWidth(text); n > excerptWidth {
			t.Errorf("%s: %d columns", name, n)
		}
		if got := underlined(text, carets); got != c.under {
			t.Errorf("%s: underlined %q, want %q, in\n%s\n%s", name, got, c.under, text, carets)
		}
	}
}

func TestExcerpt_underlinesTheWordWhenTheRangeHasNoEnd(t *testing.T) {
	for name, c := range map[string]struct {
		line   string
		column int
		under  string
	}{
		"plain scalar":       {"call: koyeb.list-apps # x", 7, "koyeb.list-apps"},
		"key":                {"call: koyeb.list-apps", 1, "call"},
		"double quotes":      {`path: "/a b/{x}" # y`, 7, `"/a b/{x}"`},
		"single quotes":      {"path: 'a b'", 7, "'a b'"},
		"quote not closed":   {"path: 'a b", 7, "'a"},
		"url":                {"baseUri: https://a.example/x", 10, "https://a.example/x"},
		"flow sequence":      {"keys: [one, two]", 13, "two"},
		"flow mapping":       {"with: {x: rest.x}", 11, "rest.x"},
		"template":           {"value: {{token}}", 8, "{{token}}"},
		"lone bracket":       {"with: }", 7, "}"},
		"after a tab":        {"\tcall:\tx.y", 8, "x.y"},
		"combining mark":     {"e\u0301te\u0301 call", 7, "call"},
		"wide before":        {"漢字: 値", 5, "値"},
		"emoji before":       {"🚀: go", 4, "go"},
		"at the end of line": {"call:", 6, ""},
		"beyond the line":    {"call:", 60, ""},
		"column zero":        {"call: x", 0, "call"},
		"empty line":         {"", 1, ""},
		"a blank":            {"a b", 2, " "},
	} {
		text, carets := excerpt([]byte(c.line), Range{Start: Pos{1, c.column}})
		if got := underlined(text, carets); got != c.under {
			t.Errorf("%s: underlined %q, want %q, in\n%s\n%s", name, got, c.under, text, carets)
		}
		if !strings.HasSuffix(carets, "^") {
			t.Errorf("%s: no caret", name)
		}
	}
}

func shownWidth(text string) (n int) {
	for _, r := range text {
		n += cellOf(r, n).width
	}
	return n
}

// underlined returns the characters of text that stand above a caret.
func underlined(text, carets string) string {
	var out strings.Builder
	column := 0
	for _, r := range text {
		if w := cellOf(r, column).width; column < len(carets) && carets[column] == '^' && w > 0 {
			out.WriteRune(r)
			column += w
		} else {
			column += w
		}
	}
	return out.String()
}

func TestSummary_countsInWords(t *testing.T) {
	for want, severities := range map[string][]Severity{
		"no findings":                  nil,
		"1 error":                      {Error},
		"1 warning, 2 notes":           {Info, Warning, Info},
		"2 errors, 3 warnings, 1 note": {Error, Warning, Error, Warning, Info, Warning},
	} {
		var l List
		for _, s := range severities {
			l = append(l, Diagnostic{Severity: s})
		}
		if got := l.Summary(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAppendJSON_isValidWhateverTheText(t *testing.T) {
	text := Diagnostic{Code: "\xff", Message: "a\x00\"\\\u2028",
		Related: []Related{{Message: "\xf0"}, {}}}.AppendJSON(nil)
	if !jsontext.Value(text).IsValid() {
		t.Errorf("not JSON: %s", text)
	}
}

func TestWriteSARIF_hasTheStructureOfTheStandard(t *testing.T) {
	l := List{
		{Code: "FL902", Severity: Warning, Message: "here", Hint: "Do it.",
			Range:   Range{File: "./a dir/ü:1.yaml", Start: Pos{3, 5}, End: Pos{3, 9}},
			Related: []Related{{Range: Range{File: "/abs/b.yaml", Start: Pos{1, 2}}, Message: "there"}}},
		{Code: "FL903", Message: "whole file", Range: Range{File: "a.yaml"}},
		{Code: "FL999", Severity: Error, Message: "no file, \xff"},
	}
	var out bytes.Buffer
	if err := WriteSARIF(&out, testTool, l, testCodes); err != nil {
		t.Fatal(err)
	}
	type location struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI string }
			Region           map[string]int
		}
		Message struct{ Text string }
	}
	var log struct {
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct {
					Name, Version, InformationUri string
					Rules                         []struct {
						ID, HelpUri          string
						ShortDescription     struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleId, Level    string
				RuleIndex        *int
				Message          struct{ Text string }
				Locations        []location
				RelatedLocations []location
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(log.Runs) != 1 || run.ColumnKind != "unicodeCodePoints" ||
		run.Tool.Driver.Name != "Fairlead" {
		t.Errorf("head: %+v", log)
	}
	for i, rule := range run.Tool.Driver.Rules {
		if rule.ID != testCodes[i].ID || rule.HelpUri != testTool.HelpBase+rule.ID ||
			rule.ShortDescription.Text != testCodes[i].Title {
			t.Errorf("rule %d: %+v", i, rule)
		}
	}
	first, second, third := run.Results[0], run.Results[1], run.Results[2]
	if first.Level != "warning" || *first.RuleIndex != 1 || first.Message.Text != "here. Do it." {
		t.Errorf("result: %+v", first)
	}
	at := first.Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "a%20dir/%C3%BC:1.yaml" ||
		fmt.Sprint(at.Region) != "map[endColumn:9 endLine:3 startColumn:5 startLine:3]" {
		t.Errorf("location: %+v", at)
	}
	related := first.RelatedLocations[0]
	if related.PhysicalLocation.ArtifactLocation.URI != "file:///abs/b.yaml" || related.Message.Text != "there" ||
		len(related.PhysicalLocation.Region) != 2 {
		t.Errorf("related location: %+v", related)
	}
	if second.Level != "note" || second.Locations[0].PhysicalLocation.Region != nil {
		t.Errorf("file-level result: %+v", second)
	}
	if third.RuleIndex != nil || third.Locations != nil || third.Level != "error" {
		t.Errorf("result of an unknown code, without a file: %+v", third)
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("call: koyeb.list-apps"), 7, 0)
	f.Add([]byte("\t漢\xff\"a"), 2, 900)
	f.Fuzz(func(t *testing.T, line []byte, column, end int) {
		if column > 1<<30 || end > 1<<30 || column < -1<<30 || end < -1<<30 {
			t.Skip("no line is that long")
		}
		text, carets := excerpt(line, Range{Start: Pos{1, column}, End: Pos{1, end}})
		if !strings.HasSuffix(carets, "^") || strings.Trim(carets, " ^") != "" || len(carets) > excerptWidth+1 {
			t.Errorf("carets %q under %q", carets, text)
		}
	})
}

func BenchmarkWriteText(b *testing.B) {
	source := []byte(strings.Repeat("      call: koyeb.list-apps # what it calls\n", 2000))
	var l List
	for i := range 100 {
		l.Add(testCodes[0], Range{File: "a.yaml", Start: Pos{i*20 + 1, 13}}, "a hint", "a message")
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.WriteText(io.Discard, func(string) []byte { return source }, Style{}); err != nil {
			b.Fatal(err)
		}
	}
}
