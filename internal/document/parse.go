package document

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"bytes"

	"go.yaml.in/yaml/v4"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits on a document.
const (
	MaxBytes = 1 << 20
	MaxDepth = 64
	MaxNodes = 200_000 // after aliases are resolved, which is what an alias bomb exhausts
)

// Parse reads the first YAML document (or JSON text) of src. The tree is nil
// when the text cannot be read, and then the list holds an error. Keys given
// twice are reported with both places; the last one counts.
func Parse(file string, src []byte) (*Node, diag.List) {
	p := parser{file: file}
	if len(src) > MaxBytes {
		p.diags.Add(diag.DocumentLimit, diag.Range{File: file}, "Split the document, or move large data into files.",
			"the document has more than %s", budget.SizeText(MaxBytes))
		return nil, p.diags
	}
	src = plainDirective(bytes.TrimPrefix(src, []byte("\uFEFF")))
	p.src = src
	if !utf8.Valid(src) {
		p.diags.Add(diag.SyntaxError, diag.Range{File: file, Start: firstInvalid(src)}, "Save the file as UTF-8.",
			"the document is not UTF-8 text")
		return nil, p.diags
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		p.syntax(err)
		return nil, p.diags
	}
	var doc yaml.Node
	if err := loader.Load(&doc); err != nil {
		p.syntax(err)
		return nil, p.diags
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		p.diags.Add(diag.MultipleDocuments, p.at(&second), "Put each capability into a file of its own.",
			"only the first document of a multi-document file is read")
	}
	root := &doc
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	n := p.node(root, 0)
	if p.failed {
		return nil, p.diags
	}
	return n, p.diags
}

// directive is the %YAML directive of a text, after comments and blank lines.
var directive = regexp.MustCompile(`\A(?:[ \t]*(?:#[^\n]*)?\r?\n)*%YAML[ \t]`)

// plainDirective makes a comment of a %YAML directive: whatever version it names,
// the text is read as this package reads all.
func plainDirective(src []byte) []byte {
	at := directive.FindIndex(src)
	if at == nil {
		return src
	}
	copied := bytes.Clone(src)
	copied[at[1]-len("%YAML ")] = '#'
	return copied
}

type parser struct {
	file   string
	src    []byte
	diags  diag.List
	nodes  int
	failed bool
}

func (p *parser) syntax(err error) {
	at := diag.Range{File: p.file}
	message := err.Error()
	var load *yaml.LoadError
	switch {
	case errors.Is(err, io.EOF):
		p.diags.Add(diag.SyntaxError, at, "Write a capability document, or remove the file.", "the document is empty")
		return
	case errors.As(err, &load):
		message = load.Message
		mark := load.Mark
		if strings.Contains(message, "could not find expected") && load.ContextMark.Line > 0 {
			mark = load.ContextMark // the scanner notices one line too late
		}
		at.Start = diag.Pos{Line: mark.Line, Column: max(mark.Column, 1)}
	}
	hint := "Correct the YAML at this place; nothing of the document is served until it parses."
	if lines := bytes.Split(p.src, []byte("\n")); at.Start.Line > 0 && at.Start.Line <= len(lines) {
		switch line := lines[at.Start.Line-1]; {
		case unquoted.Match(line):
			hint = quoteBraces
		case tabbed.Match(line):
			hint = "Indent the line with blanks: YAML takes no tabs there."
		}
	}
	p.diags.Add(diag.SyntaxError, at, hint, "not valid YAML: %s", message)
}

// unquoted is a line with a template that stands in no quotes.
var unquoted = regexp.MustCompile(`^[^"']*\{\{`)

// tabbed is a line that is indented with a tab.
var tabbed = regexp.MustCompile(`^ *\t`)

const quoteBraces = "Put a text that holds {{…}} between quotes: \"{{id}}\"."

func (p *parser) limit(y *yaml.Node, format string, args ...any) *Node {
	if !p.failed {
		p.diags.Add(diag.DocumentLimit, p.at(y), "Simplify the document: no capability needs this.", format, args...)
	}
	p.failed = true
	return nil
}

func (p *parser) node(y *yaml.Node, depth int) *Node {
	if p.failed {
		return nil
	}
	if depth > MaxDepth {
		return p.limit(y, "nested deeper than %d levels", MaxDepth)
	}
	if p.nodes++; p.nodes > MaxNodes {
		return p.limit(y, "more than %d values once aliases are resolved", MaxNodes)
	}
	n := &Node{At: p.at(y)}
	switch y.Kind {
	case yaml.AliasNode:
		target := p.node(y.Alias, depth+1)
		if target != nil {
			target.At = n.At
		}
		return target
	case yaml.SequenceNode:
		n.Kind = value.Array
		for _, item := range y.Content {
			n.Items = append(n.Items, p.node(item, depth+1))
		}
	case yaml.MappingNode:
		n.Kind = value.Object
		p.mapping(n, y, depth)
	default:
		n.Kind, n.Text = scalar(y), y.Value
	}
	return n
}

func (p *parser) mapping(n *Node, y *yaml.Node, depth int) {
	var merged []Pair
	index := map[string]int{}
	for i := 0; i+1 < len(y.Content) && !p.failed; i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			hint := "Use a plain text as the key."
			if k.Kind == yaml.MappingNode {
				hint = quoteBraces
			}
			p.diags.Add(diag.SyntaxError, p.at(k), hint, "a mapping key must be a scalar")
			continue
		}
		item := p.node(v, depth+1)
		if k.Value == "<<" && k.Style == 0 && item != nil {
			merged = append(merged, mergePairs(item)...)
			continue
		}
		if at, twice := index[k.Value]; twice {
			earlier := &n.Pairs[at]
			p.diags = append(p.diags, diag.Diagnostic{
				Code: diag.DuplicateKey.ID, Severity: diag.DuplicateKey.Severity, Range: p.at(k),
				Message: "the key " + quote(k.Value) + " is given twice; the last one counts",
				Hint:    "Remove one of the two.",
				Related: []diag.Related{{Range: earlier.KeyAt, Message: "first given here"}},
			})
			earlier.Value, earlier.KeyAt = item, p.at(k)
			continue
		}
		index[k.Value] = len(n.Pairs)
		n.Pairs = append(n.Pairs, Pair{Key: k.Value, KeyAt: p.at(k), Value: item})
	}
	for _, m := range merged {
		if _, have := index[m.Key]; !have {
			index[m.Key] = len(n.Pairs)
			n.Pairs = append(n.Pairs, m)
		}
	}
}

// mergePairs is what a YAML merge key (<<) brings: the members of one mapping or of several.
func mergePairs(n *Node) (pairs []Pair) {
	pairs = append(pairs, n.Pairs...)
	for _, item := range n.Items {
		if item != nil {
			pairs = append(pairs, item.Pairs...)
		}
	}
	return pairs
}

func (p *parser) at(y *yaml.Node) diag.Range {
	r := diag.Range{File: p.file, Start: diag.Pos{Line: y.Line, Column: y.Column}}
	if y.Kind == yaml.ScalarNode && y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 &&
		!strings.ContainsAny(y.Value, "\n\t\"'\\") {
		width := utf8.RuneCountInString(y.Value)
		if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			width += 2
		}
		r.End = diag.Pos{Line: y.Line, Column: y.Column + max(width, 1)}
	}
	return r
}

// scalar decides the kind of a scalar by the JSON schema of YAML 1.2.2
// (section 10.2) with the spellings of the core schema for null and booleans:
// dates, octal-looking and quoted texts stay strings.
func scalar(y *yaml.Node) value.Kind {
	if y.Style&yaml.TaggedStyle != 0 && y.ShortTag() == "!!str" {
		return value.String
	}
	if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return value.String
	}
	switch y.Value {
	case "", "~", "null", "Null", "NULL":
		return value.Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return value.Bool
	}
	if isNumber(y.Value) {
		return value.Number
	}
	return value.String
}

// isNumber reports whether s is a number of RFC 8259 section 6.
func isNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	s = strings.TrimPrefix(s, "-")
	if strings.HasPrefix(s, "0") {
		s = s[1:]
	} else if !digits() {
		return false
	}
	if strings.HasPrefix(s, ".") {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

func quote(s string) string { return "“" + s + "”" }

func firstInvalid(src []byte) diag.Pos {
	pos := diag.Pos{Line: 1, Column: 1}
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		if r == utf8.RuneError && size == 1 {
			break
		}
		pos.Column++
		if r == '\n' {
			pos.Line, pos.Column = pos.Line+1, 1
		}
		src = src[size:]
	}
	return pos
}
