package template

import (
	"fmt"
	"strings"
	"unicode"
)

// SyntaxError says why a text is no template.
type SyntaxError struct {
	Offset  int // in bytes into the text
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("parse template: %s at byte %d", e.Message, e.Offset)
}

type kind uint8

const (
	literal kind = iota
	variable
	section
	inverted
)

// item is the index of the implicit iterator: the value pushed last.
const item = -1

// node is a piece of a template. Its offset and length tell where it came from;
// those of a section are of its opening tag.
type node struct {
	kind           kind
	offset, length int
	text           string   // of a literal, or the name
	path           []string // the parts of a dotted name, nil when it has no dot
	index          int      // into Template.vars, or item
	nodes          []node   // of a section
	segments       bool     // a variable that may hold several segments of a path
	before, after  string   // dots of the author beside a variable, within its segment of a path
	json, sparql   mode     // where a variable stands
	yaml           mode     // likewise
}

// openSection is a section that is being read; the outermost is the template.
type openSection struct {
	open  node
	nodes []node
}

type parser struct {
	text  string
	style Style
	pos   int // text before it is in nodes
	stack []openSection
	items int // how many open sections push an item
	vars  []Var
	index map[string]int
}

func parse(text string, s Style) ([]node, []Var, *SyntaxError) {
	if len(text) > MaxText {
		return nil, nil, &SyntaxError{MaxText, fmt.Sprintf("a template is longer than %d bytes", MaxText)}
	}
	p := parser{text: text, style: s, stack: make([]openSection, 1)}
	for at := 0; ; {
		brace := strings.IndexByte(text[at:], '{')
		if brace < 0 {
			break
		}
		at += brace
		end, err := p.tag(at)
		if err != nil {
			return nil, nil, err
		}
		at = end
	}
	if top := p.top(); len(p.stack) > 1 {
		return nil, nil, &SyntaxError{top.open.offset, fmt.Sprintf("section %q is not closed", top.open.text)}
	}
	p.literal(len(text))
	return p.top().nodes, p.vars, nil
}

func (p *parser) top() *openSection { return &p.stack[len(p.stack)-1] }

func (p *parser) add(n node) { p.top().nodes = append(p.top().nodes, n) }

// literal adds the text from p.pos up to end.
func (p *parser) literal(end int) {
	if end > p.pos {
		p.add(node{kind: literal, offset: p.pos, length: end - p.pos, text: p.text[p.pos:end]})
		p.pos = end
	}
}

// tag reads what the brace at start opens, and returns where to read on.
func (p *parser) tag(start int) (next int, err *SyntaxError) {
	rest := p.text[start:]
	if !strings.HasPrefix(rest, "{{") {
		if length := single(rest); p.style == SingleToo && length > 0 {
			return p.variable(start, rest[1:length-1], start+length)
		}
		return start + 1, nil
	}
	closing, inner := "}}", 2
	if strings.HasPrefix(rest, "{{{") {
		closing, inner = "}}}", 3
	}
	length := strings.Index(rest[inner:], closing)
	if length < 0 {
		return 0, &SyntaxError{start, fmt.Sprintf("%s without %s", rest[:inner], closing)}
	}
	end := start + inner + length + len(closing)
	content := strings.TrimSpace(rest[inner : inner+length])
	if inner == 3 || content == "" {
		return p.variable(start, content, end)
	}
	name := strings.TrimSpace(content[1:])
	switch content[0] {
	case '!':
		return p.alone(start, end), nil
	case '#':
		return p.open(node{kind: section, offset: start, length: end - start, text: name})
	case '^':
		return p.open(node{kind: inverted, offset: start, length: end - start, text: name})
	case '/':
		return p.close(start, name, end)
	case '&':
		return p.variable(start, name, end)
	case '>':
		return 0, &SyntaxError{start, "partials ({{>name}}) are not supported"}
	case '=':
		return 0, &SyntaxError{start, "changing the delimiters ({{=…=}}) is not supported"}
	default:
		return p.variable(start, content, end)
	}
}

// single returns the length of {name}, with which text starts, or 0 when what
// stands between the braces is no name.
func single(text string) int {
	named, pattern := false, false
	for i, r := range text[1:] {
		switch {
		case r == '}' && named:
			return i + 2
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			named = true
		case r == '=':
			pattern = true
		case r == '/' && pattern:
		case unicode.IsControl(r) || strings.ContainsRune("{}/?#\"'<>\\:,", r):
			return 0
		}
	}
	return 0
}

// segmented splits the name of a placeholder of a path from the sign that its
// value may hold slashes: {key+}, {+key}, {key*} and {name=projects/*}.
func segmented(name string) (bare string, segments bool) {
	bare, pattern, _ := strings.Cut(name, "=")
	segments = strings.Contains(pattern, "/") || strings.Contains(pattern, "**")
	if trimmed := strings.Trim(strings.TrimSpace(bare), "+*"); trimmed != "" {
		segments = segments || trimmed != strings.TrimSpace(bare)
		return strings.TrimSpace(trimmed), segments
	}
	return name, false
}

func (p *parser) variable(start int, name string, end int) (int, *SyntaxError) {
	n := node{kind: variable, offset: start, length: end - start, text: strings.TrimSpace(name)}
	if p.style == SingleToo {
		n.text, n.segments = segmented(n.text)
	}
	if err := p.name(&n); err != nil {
		return 0, err
	}
	p.literal(start)
	p.add(n)
	p.pos = end
	return end, nil
}

func (p *parser) open(n node) (int, *SyntaxError) {
	if len(p.stack) > MaxDepth {
		return 0, &SyntaxError{n.offset, fmt.Sprintf("sections are nested deeper than %d", MaxDepth)}
	}
	if err := p.name(&n); err != nil {
		return 0, err
	}
	next := p.alone(n.offset, n.offset+n.length)
	p.stack = append(p.stack, openSection{open: n})
	if n.kind == section {
		p.items++
	}
	return next, nil
}

func (p *parser) close(start int, name string, end int) (int, *SyntaxError) {
	open := p.top().open
	switch {
	case len(p.stack) == 1:
		return 0, &SyntaxError{start, fmt.Sprintf("section %q is closed but not open", name)}
	case open.text != name:
		return 0, &SyntaxError{start, fmt.Sprintf("section %q is closed while %q is open", name, open.text)}
	}
	next := p.alone(start, end)
	open.nodes = p.top().nodes
	p.stack = p.stack[:len(p.stack)-1]
	p.add(open)
	if open.kind == section {
		p.items--
	}
	return next, nil
}

// name checks the name of n and gives it its index.
func (p *parser) name(n *node) *SyntaxError {
	switch {
	case n.text == "":
		return &SyntaxError{n.offset, "a tag without a name"}
	case strings.ContainsAny(n.text, "{}"):
		return &SyntaxError{n.offset, fmt.Sprintf("a brace in the name %q", shorten(n.text))}
	case n.text == "." && p.items > 0:
		n.index = item
		return nil
	case n.text != "." && strings.Contains(n.text, "."):
		n.path = strings.Split(n.text, ".")
	}
	optional := n.kind != variable || len(p.stack) > 1
	i, known := p.index[n.text]
	if !known {
		if p.index == nil {
			p.index = make(map[string]int)
		}
		i = len(p.vars)
		p.index[n.text] = i
		p.vars = append(p.vars, Var{Name: n.text, Offset: n.offset, Optional: optional})
	}
	p.vars[i].Optional = p.vars[i].Optional && optional
	n.index = i
	return nil
}

// alone takes the tag at start out of the text, and the whole line when nothing
// else is on it.
func (p *parser) alone(start, end int) int {
	before := strings.TrimRight(p.text[:start], " \t")
	after := strings.TrimLeft(p.text[end:], " \t")
	whole := before == "" || strings.HasSuffix(before, "\n")
	newline := 0
	switch {
	case strings.HasPrefix(after, "\n"):
		newline = 1
	case strings.HasPrefix(after, "\r\n"):
		newline = 2
	case after != "":
		whole = false
	}
	if whole {
		start, end = len(before), len(p.text)-len(after)+newline
	}
	p.literal(start)
	p.pos = end
	return end
}

func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
