package format

import (
	"fmt"
	"strings"
	"testing"
)

func benchmark(b *testing.B, kind Kind, mediaType, head, item, tail string, n int) {
	var body strings.Builder
	body.WriteString(head)
	for i := range n {
		if i > 0 && kind == JSON {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, item, i, i)
	}
	body.WriteString(tail)
	d, err := New(kind, Schema{})
	if err != nil {
		b.Fatal(err)
	}
	src := []byte(body.String())
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(nil, src, mediaType); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) { // 150 KB
	benchmark(b, JSON, "application/json; charset=utf-8", `[`,
		`{"id":%d,"name":"service-%d","region":"fra","tags":["a","b"],"limits":{"cpu":0.25,"memory":"512MB"},"active":true,"created_at":"2026-11-23T10:00:00Z"}`, `]`, 1000)
}

func BenchmarkXML(b *testing.B) {
	benchmark(b, XML, "application/xml", `<list>`, `<item id="%d"><name>service-%d</name><region>fra</region><tag>a</tag><tag>b</tag></item>`, `</list>`, 1000)
}

func BenchmarkCSV(b *testing.B) {
	benchmark(b, CSV, "text/csv", "id,name,region,cpu,active\n", "%d,service-%d,fra,0.25,true\n", "", 1000)
}

func BenchmarkHTML(b *testing.B) {
	benchmark(b, HTML, "text/html", "<table><tr><th>id<th>name</tr>",
		"<tr><td>%d</td><td><b>service-%d</b></td></tr>\n", "</table>", 1000)
}

func BenchmarkMarkdown(b *testing.B) {
	benchmark(b, Markdown, "text/markdown", "", "## Service %d\nThe *service* [number %d](https://example.org).\n\n",
		"", 1000)
}
