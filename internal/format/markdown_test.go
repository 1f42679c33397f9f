package format

import (
	"strings"
	"testing"
)

func TestDecodeMarkdown(t *testing.T) {
	section := func(json string) string { return `{"frontMatter":{},"tables":[],"sections":[` + json + `]}` }
	for name, c := range map[string]struct{ prefix, body, json string }{
		"heading and paragraph":   {"", "# T\np", section(`{"heading":"T","level":1,"content":"p"}`)},
		"setext, CRLF":            {"", "T\r\n===\r\np\r\n", section(`{"heading":"T","level":1,"content":"p"}`)},
		"front matter":            {"", "---\ntitle: x\ntags: [a]\n---\n# T\n", `{"frontMatter":{"title":"x","tags":["a"]},"tables":[],"sections":[{"heading":"T","level":1,"content":""}]}`},
		"empty front matter":      {"", "---\n---\n# T\n", section(`{"heading":"T","level":1,"content":""}`)},
		"front matter to the end": {"", "---\r\na: 1\r\n---", `{"frontMatter":{"a":1},"tables":[],"sections":[]}`},
		"thematic breaks":         {"", "---\nhello\n---\n", section(`{"heading":"hello","level":2,"content":""}`)},
		"no closing line":         {"", "---\na: 1\n", `{"frontMatter":{},"tables":[],"sections":[]}`},
		"table":                   {"", "|A|B|\n|-|-|\n|1|`x`|\n|2|\n|3|y|z|\n", `{"frontMatter":{},"tables":[[{"A":"1","B":"x"},{"A":"2","B":""},{"A":"3","B":"y"}]],"sections":[]}`},
		"table is not content":    {"", "# T\np\n\n|A|\n|-|\n|1|\n\nq", `{"frontMatter":{},"tables":[[{"A":"1"}]],"sections":[{"heading":"T","level":1,"content":"p\nq"}]}`},
		"table of blank header":   {"", "| | |\n|-|-|\n|1|2|\n", `{"frontMatter":{},"tables":[],"sections":[]}`},
		"nested table":            {"", "> |A|\n> |-|\n> |1|\n", `{"frontMatter":{},"tables":[],"sections":[]}`},
		"any level ends it":       {"", "# A\na\n### B\nb\n# C\n", section(`{"heading":"A","level":1,"content":"a"},{"heading":"B","level":3,"content":"b"},{"heading":"C","level":1,"content":""}`)},
		"heading prefix":          {"In", "intro\n# Install\na\n# Use\nb\n## Inside\n", section(`{"heading":"Install","level":1,"content":"a"},{"heading":"Inside","level":2,"content":""}`)},
		"markup dropped":          {"", "# *T* `c`\n**b** [l](u) ![i](u) <b>h</b> <http://x.y> \\* &amp; &#233; \\&amp;\n", section(`{"heading":"T c","level":1,"content":"b l i h http://x.y * & é &amp;"}`)},
		"code is kept":            {"", "# T\n```go\na := 1\n\nb\n```\n\n    c\n", section(`{"heading":"T","level":1,"content":"a := 1\n\nb\nc"}`)},
		"lists and quotes":        {"", "# T\n- a\n- b\n  1. c\n\n> d\n> e\n", section(`{"heading":"T","level":1,"content":"a\nb\nc\nd\ne"}`)},
		"HTML and breaks":         {"", "# T\n<div>x</div>\n\n***\n\na  \nb\n", section(`{"heading":"T","level":1,"content":"a\nb"}`)},
		"lines in code spans":     {"", "# T\n`a\nb` c\n", section(`{"heading":"T","level":1,"content":"a b c"}`)},
	} {
		t.Run(name, func(t *testing.T) { want(t, Markdown, c.prefix, c.body, c.json) })
	}
}

func TestDecodeMarkdown_refusesBrokenFrontMatter(t *testing.T) {
	_, err := decode(t, Markdown, "", "---\na: [\n---\n")
	wantError(t, err, Markdown, "YAML")
}

func TestDecodeMarkdown_survivesHostileTexts(t *testing.T) {
	var nested strings.Builder
	for i := range 4000 {
		nested.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	wide := strings.Repeat("|a", 20_000) + "|\n" + strings.Repeat("|-", 20_000) + "|\n" + strings.Repeat("|x\n", 20_000)
	for name, body := range map[string]string{
		"links that do not end":   strings.Repeat("[a](", 100_000),
		"the same on lines":       strings.Repeat("2. [a](\n", 100_000),
		"the same in a list":      strings.Repeat("- [a](", 100_000),
		"emphasis":                strings.Repeat("_a*", 200_000),
		"quotes":                  strings.Repeat("> ", 100_000),
		"quotes and lists":        strings.Repeat("> - ", 100_000),
		"nested lists":            nested.String(),
		"what looks like rows":    "|a|b|\n|-|\n" + strings.Repeat("|[a](\n", 100_000),
		"rows that raw HTML held": "<!--\n\n|a|\n|-|\n|-->\n" + strings.Repeat("|[a](\n", 100_000),
		"a wide table":            wide,
		"many lines":              strings.Repeat("a\n\n", MaxValues),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, Markdown, "", body)
			wantError(t, err, Markdown, "")
		})
	}
}

func TestDecodeMarkdown_acceptsLongOrdinaryTexts(t *testing.T) {
	for name, body := range map[string]string{
		"list of links": "# L\n" + strings.Repeat("- [a name](https://example.org/path) - what it **does**\n", 5000),
		"prose":         strings.Repeat("## Heading\nSome *text* with `code` and [a link](x).\nAnother line of it.\n\n", 5000),
		"table":         "|a|b|c|d|e|\n|-|-|-|-|-|\n" + strings.Repeat("|one|`two`|*three*|[4](x)|5|\n", 5000),
		"code":          "```\n" + strings.Repeat("        x = a[i] * b[j] & ~c; // comment\n", 1500) + "```\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decode(t, Markdown, "", body); err != nil {
				t.Error(err)
			}
		})
	}
}
