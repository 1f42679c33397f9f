package format

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecodeHTML(t *testing.T) {
	const two = `<table class=a><tr><th>A</th></tr><tr><td>1</td></tr></table><div id=d><table class=b><tr><th>B<tr><td>2</table></div>`
	for name, c := range map[string]struct{ selector, body, json string }{
		"thead and tbody":       {"", `<table><thead><tr><th>A<th>B</thead><tbody><tr><td>1<td>2</tbody></table>`, `{"tables":[[{"A":"1","B":"2"}]]}`},
		"header in first row":   {"", two, `{"tables":[[{"A":"1"}],[{"B":"2"}]]}`},
		"selected table":        {"table.b", two, `{"tables":[[{"B":"2"}]]}`},
		"selected element":      {"#d", two, `{"tables":[[{"B":"2"}]]}`},
		"selected twice":        {"div, table.b", two, `{"tables":[[{"B":"2"}]]}`},
		"nothing selected":      {"table.c", two, `{"tables":[]}`},
		"no table":              {"", `<p>x`, `{"tables":[]}`},
		"no header":             {"", `<table><tr><td>1</table>`, `{"tables":[]}`},
		"blank header":          {"", `<table><tr><th> <th></tr><tr><td>1<td>2</table>`, `{"tables":[]}`},
		"no rows":               {"", `<table><tr><th>A</table>`, `{"tables":[[]]}`},
		"short and long rows":   {"", `<table><tr><th>A<th>B<tr><td>1<tr><td>1<td>2<td>3</table>`, `{"tables":[[{"A":"1","B":""},{"A":"1","B":"2"}]]}`},
		"equal names":           {"", `<table><tr><th>A<th>A<tr><td>1<td>2</table>`, `{"tables":[[{"A":"2"}]]}`},
		"rows with th":          {"", `<table><tr><th>A<tr><th>x<td>1<tr><tr><td>2</table>`, `{"tables":[[{"A":"2"}]]}`},
		"footer":                {"", `<table><thead><tr><th>A<tfoot><tr><td>sum<tbody><tr><td>1</table>`, `{"tables":[[{"A":"1"}]]}`},
		"only a thead":          {"", `<table><thead><tr><th>A<tr><td>1</table>`, `{"tables":[[{"A":"1"}]]}`},
		"rowspan":               {"", `<table><tr><th>A<th>B<tr><td rowspan=2>x<td>1<tr><td>2<tr><td>y<td>3</table>`, `{"tables":[[{"A":"x","B":"1"},{"A":"x","B":"2"},{"A":"y","B":"3"}]]}`},
		"colspan":               {"", `<table><tr><th>A<th>B<th>C<tr><td colspan=2>x<td>1</table>`, `{"tables":[[{"A":"x","B":"x","C":"1"}]]}`},
		"colspan in the header": {"", `<table><tr><th colspan=2>A<th>B<tr><td>1<td>2<td>3</table>`, `{"tables":[[{"A":"2","B":"3"}]]}`},
		"nested table":          {"", `<table><tr><th>A<tr><td>x<table><tr><th>B<tr><td>1</table></table>`, `{"tables":[[{"A":"x B 1"}],[{"B":"1"}]]}`},
		"text of a cell":        {"", `<table><tr><th><b>A</b>&nbsp;b<tr><td> <a href=x>one</a><span>two</span><br>three &amp; <script>no</script></table>`, `{"tables":[[{"A b":"onetwo three &"}]]}`},
		"unclosed formatting":   {"", `<b><i><table><tr><th><font color=red>A<tr><td><b>1</table>`, `{"tables":[[{"A":"1"}]]}`},
		"within noscript":       {"", `<body><noscript><table><tr><th>A<tr><td>1</table></noscript>`, `{"tables":[[{"A":"1"}]]}`},
		"beside drawings":       {"", strings.Repeat(`<svg><path d="1"/><title><b></title></svg>`, 600) + two, `{"tables":[[{"A":"1"}],[{"B":"2"}]]}`},
		"page class":            {"body.x table.b", `<!DOCTYPE html><html><head><title>t</title></head><body class=x>` + two, `{"tables":[[{"B":"2"}]]}`},
	} {
		t.Run(name, func(t *testing.T) { want(t, HTML, c.selector, c.body, c.json) })
	}
}

func TestNewHTML_refusesBadSelector(t *testing.T) {
	_, err := New(HTML, Schema{Text: "table["})
	wantError(t, err, HTML, "not a CSS selector")
}

func TestDecodeHTML_survivesHostilePages(t *testing.T) {
	var open strings.Builder
	for i := range 400 {
		fmt.Fprintf(&open, "<b a=%d>", i)
	}
	for name, body := range map[string]string{
		"formatting rebuilt in each paragraph": "<p>" + open.String() + "</p>" + strings.Repeat("<p>x</p>", 100_000),
		"the same inside a raw text element": "<svg><title><p>" + open.String() + "</p>" +
			strings.Repeat("<p>x</p>", 100_000),
		"bodies with attributes": strings.Repeat("<body a=1 b=2>", 100_000),
		"links and tables":       strings.Repeat("<a><table>", 100_000),
		"wide spans":             "<table><tr>" + strings.Repeat("<th colspan=1000>x", 100_000),
		"tall spans": "<table><tr>" + strings.Repeat("<th>x", 500) +
			strings.Repeat("<tr><td rowspan=65534 colspan=1000>x", 10_000),
		"rows without cells": "<table><tr>" + strings.Repeat("<th>x", 100_000) +
			strings.Repeat("<tr>", 500_000),
		"text shown again and again": strings.Repeat("<table><tr><th>x<tr><td>", 120) +
			strings.Repeat("long text ", 1<<20),
		"selected within selected": strings.Repeat("<div>", 500) + strings.Repeat("<hr>", 10_000),
		"deep nesting":             strings.Repeat("<div>", 100_000),
		"too many tags":            strings.Repeat("<br>", MaxValues+1),
	} {
		t.Run(name, func(t *testing.T) { _, _ = decode(t, HTML, "div, table", body) }) // that it ends is the point
	}
}

func TestDecodeHTML_refusesHeavyNesting(t *testing.T) {
	_, err := decode(t, HTML, "", strings.Repeat("<div>", 500)+strings.Repeat("<hr>", 250_000))
	wantError(t, err, HTML, "nested too heavily")
}
