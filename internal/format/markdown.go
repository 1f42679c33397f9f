package format

import (
	"bufio"
	"bytes"
	stdhtml "html"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"

	"github.com/fairlead/fairlead/internal/value"
)

// markdown decodes CommonMark with GFM tables to its front matter, its tables
// and its sections. Only blocks at the top level count. A section runs from a
// heading to the next one of any level; its content is the text of its blocks,
// without tables and markup, a line each.
type markdown struct {
	parser parser.Parser
	prefix string // of the headings of the sections wanted
}

func newMarkdown(schema Schema) markdown {
	return markdown{goldmark.New(goldmark.WithExtensions(extension.Table)).Parser(), schema.Text}
}

func (m markdown) decode(src []byte, left *allowance) (value.Value, error) {
	front, src, err := frontMatter(src, left)
	if err != nil {
		return value.Value{}, err
	}
	if err := affordable(src, left); err != nil {
		return value.Value{}, err
	}
	root := m.parser.Parse(text.NewReader(src))
	left = left.again()
	tables, sections := value.List(), value.List()
	var open *section
	closeSection := func() {
		if open != nil && strings.HasPrefix(open.heading, m.prefix) {
			sections.Append(open.value())
		}
	}
	for block := root.FirstChild(); block != nil; block = block.NextSibling() {
		switch b := block.(type) {
		case *ast.Heading:
			if err := left.take(4); err != nil {
				return value.Value{}, err
			}
			closeSection()
			open = &section{heading: plainText(b, src), level: b.Level}
		case *east.Table:
			if err := addTable(tables, b, src, left); err != nil {
				return value.Value{}, err
			}
		default:
			if open != nil {
				open.add(plainText(block, src))
			}
		}
	}
	closeSection()
	return value.Map(
		value.Member{Name: "frontMatter", Value: front},
		value.Member{Name: "tables", Value: tables},
		value.Member{Name: "sections", Value: sections},
	), nil
}

type section struct {
	heading string
	level   int
	content []string
}

func (s *section) add(text string) {
	if text != "" {
		s.content = append(s.content, text)
	}
}

func (s *section) value() value.Value {
	return value.Map(
		value.Member{Name: "heading", Value: value.Of(s.heading)},
		value.Member{Name: "level", Value: value.Int(int64(s.level))},
		value.Member{Name: "content", Value: value.Of(strings.Join(s.content, "\n"))},
	)
}

// frontMatter splits off the YAML mapping between two lines of three dashes at
// the very start; an empty object where there is none.
func frontMatter(src []byte, left *allowance) (front value.Value, rest []byte, err error) {
	first, lines, ok := bytes.Cut(src, []byte("\n"))
	if !ok || string(bytes.TrimRight(first, "\r")) != "---" {
		return value.Map(), src, nil
	}
	for at := 0; at < len(lines); {
		line, _, _ := bytes.Cut(lines[at:], []byte("\n"))
		if string(bytes.TrimRight(line, "\r")) != "---" {
			at += len(line) + 1
			continue
		}
		rest = lines[min(at+len(line)+1, len(lines)):]
		if blank(lines[:at]) {
			return value.Map(), rest, nil
		}
		front, err = decodeYAML(lines[:at], left)
		if err == nil && front.Kind() != value.Object { // two thematic breaks with text between them
			return value.Map(), src, nil
		}
		return front, rest, err
	}
	return value.Map(), src, nil
}

// addTable appends the rows of a table, unless its header is blank.
func addTable(tables value.Value, table *east.Table, src []byte, left *allowance) error {
	var cols *columns
	rows := value.List()
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, strings.TrimSpace(plainText(cell, src)))
		}
		if err := left.take(1 + len(cells)); err != nil {
			return err
		}
		if cols == nil {
			if strings.Join(cells, "") == "" {
				return nil
			}
			cols = newColumns(cells)
			continue
		}
		rows.Append(cols.object(cells[:min(len(cells), len(cols.slots))]))
	}
	tables.Append(rows)
	return nil
}

// plainText is the text of a block or inline without its markup. Blocks inside
// it begin on lines of their own.
func plainText(n ast.Node, src []byte) string {
	var b strings.Builder
	writeText(&b, n, src)
	return b.String()
}

func writeText(b *strings.Builder, n ast.Node, src []byte) {
	switch n := n.(type) {
	case *east.Table, *ast.HTMLBlock, *ast.RawHTML, *ast.ThematicBreak:
		return
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		b.Write(bytes.TrimRight(n.Lines().Value(src), "\r\n"))
		return
	case *ast.Text:
		if n.IsRaw() {
			b.Write(n.Value(src))
		} else {
			writeUnescaped(b, n.Value(src))
		}
		if n.SoftLineBreak() || n.HardLineBreak() {
			b.WriteByte('\n')
		}
		return
	case *ast.String:
		b.Write(n.Value)
		return
	case *ast.AutoLink:
		b.Write(n.Label(src))
		return
	case *ast.CodeSpan:
		var code strings.Builder
		for child := n.FirstChild(); child != nil; child = child.NextSibling() {
			writeText(&code, child, src)
		}
		b.WriteString(strings.ReplaceAll(code.String(), "\n", " ")) // CommonMark 0.31 section 6.1
		return
	}
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if child.Type() == ast.TypeBlock && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		writeText(b, child, src)
	}
}

// writeUnescaped resolves backslash escapes and character references. The
// library does that only while it writes HTML, so that is undone again.
func writeUnescaped(b *strings.Builder, text []byte) {
	if bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '&') < 0 {
		b.Write(text)
		return
	}
	var page bytes.Buffer
	w := bufio.NewWriter(&page)
	html.DefaultWriter.Write(w, text)
	_ = w.Flush() // a bytes.Buffer takes everything
	b.WriteString(stdhtml.UnescapeString(page.String()))
}
