// Package template compiles the mustache subset that capability documents use
// and renders it once, with escaping decided by the place of use.
//
// The subset: variables {{x}} ({{{x}}} and {{&x}} mean the same, there is no
// HTML escaping), sections {{#x}}…{{/x}}, inverted sections {{^x}}…{{/x}},
// comments {{!…}} and the implicit iterator {{.}}. Tags that stand alone on a
// line take the line with them, as in the mustache specification. Partials and
// delimiter changes are refused. A name may hold any character but braces.
package template

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Limits of a template.
const (
	MaxText  = 1 << 20 // bytes of a template's text
	MaxDepth = 32      // sections inside one another
)

// Style says which braces make a variable.
type Style uint8

// Double knows {{x}} only. SingleToo knows {x} as well, for paths and base
// URIs: there x holds at least one letter or digit and none of /?#"'<>\:, nor a
// control character, else the braces are text. The forms {x+}, {+x}, {x*} and
// {x=a/*} name x, whose value may hold several segments of a path.
const (
	Double Style = iota
	SingleToo
)

// Var is a variable that a template looks up.
type Var struct {
	Name   string // the whole name as written, dots included, trimmed
	Offset int    // byte offset of its first tag
	// Optional: the text can be rendered without a value, because the name is
	// the condition of a section or stands only inside sections (where an item
	// may provide it, and which may not be rendered at all).
	Optional bool
}

// Template is a compiled text. It never changes, so it may be rendered from
// several goroutines at once.
type Template struct {
	source  string
	literal string // the text when vars is empty
	nodes   []node
	vars    []Var
	json    *SyntaxError // why JSON places cannot be told, or nil
	sparql  *SyntaxError // likewise for SPARQL
	yaml    *SyntaxError // likewise for YAML
}

// Compile reads a template. Its error is a *SyntaxError.
func Compile(text string, s Style) (*Template, error) {
	nodes, vars, syntax := parse(text, s)
	if syntax != nil {
		return nil, syntax
	}
	t := &Template{source: text, nodes: nodes, vars: vars}
	if t.IsLiteral() {
		var literal strings.Builder
		for i := range nodes {
			literal.WriteString(nodes[i].text)
		}
		t.literal = literal.String()
	}
	t.json = assignModes(nodes, scanJSON, func(n *node, m mode) { n.json = m })
	t.sparql = assignModes(nodes, scanSPARQL, func(n *node, m mode) { n.sparql = m })
	yaml := &yamlScanner{start: true}
	t.yaml = assignModes(nodes, yaml.scan, func(n *node, m mode) { n.yaml = m })
	return t, nil
}

// Source returns the text that was compiled.
func (t *Template) Source() string { return t.source }

// IsLiteral reports whether rendering needs no variable.
func (t *Template) IsLiteral() bool { return len(t.vars) == 0 }

// Literal returns what a literal template renders as, and "" for others.
func (t *Template) Literal() string { return t.literal }

// Vars returns the variables in the order of their first use, one for each
// name; a variable's index here is what Lookup is asked for. The slice belongs
// to the template.
func (t *Template) Vars() []Var { return t.vars }

// Path is t for a place in a URL: its literal text percent-encoded with encode
// once and for all, and the named variables allowed several segments.
func (t *Template) Path(encode func(dst []byte, s string) []byte, segments func(name string) bool) *Template {
	encoded := *t
	encoded.literal = string(encode(nil, t.literal))
	encoded.nodes = encodeNodes(t.nodes, encode, segments)
	return &encoded
}

func encodeNodes(nodes []node, encode func(dst []byte, s string) []byte, segments func(name string) bool) []node {
	encoded := slices.Clone(nodes)
	for i := range encoded {
		switch n := &encoded[i]; n.kind {
		case literal:
			n.text = string(encode(nil, n.text))
		case variable:
			n.segments = n.segments || segments(n.text)
			n.before, n.after = dotsAround(nodes, i)
		default:
			n.nodes = encodeNodes(n.nodes, encode, segments)
		}
	}
	return encoded
}

// dotsAround are the literal dots before and after the variable nodes[i] that a
// value could complete to a dot segment: nothing else stands there in its segment.
func dotsAround(nodes []node, i int) (before, after string) {
	if i > 0 && nodes[i-1].kind == literal {
		text := nodes[i-1].text
		rest := strings.TrimRight(text, ".")
		if rest == "" && i == 1 || strings.HasSuffix(rest, "/") {
			before = text[len(rest):]
		}
	}
	if i+1 < len(nodes) && nodes[i+1].kind == literal {
		text := nodes[i+1].text
		rest := strings.TrimLeft(text, ".")
		if rest == "" && i+2 == len(nodes) || strings.HasPrefix(rest, "/") {
			after = text[:len(text)-len(rest)]
		}
	}
	return before, after
}

// Single reports whether the whole text is one variable tag, so that the
// variable's value can be taken with its type.
func (t *Template) Single() (index int, ok bool) {
	if len(t.nodes) != 1 || t.nodes[0].kind != variable || t.nodes[0].length != len(t.source) {
		return 0, false
	}
	return t.nodes[0].index, true
}

// IsJSON reports whether the text is a JSON object or array when every variable
// outside of its strings is a JSON value, and every section there once.
func (t *Template) IsJSON() bool {
	if t.json != nil {
		return false
	}
	v, err := value.Parse(appendSample(nil, t.nodes))
	return err == nil && (v.Kind() == value.Object || v.Kind() == value.Array)
}

func appendSample(dst []byte, nodes []node) []byte {
	for i := range nodes {
		switch n := &nodes[i]; {
		case n.kind == literal:
			dst = append(dst, n.text...)
		case n.kind != variable:
			dst = appendSample(dst, n.nodes)
		case n.json == outside:
			dst = append(dst, '0')
		}
	}
	return dst
}

// BareVars reports which of Vars() stand outside of the strings of a JSON text,
// wherever they stand.
func (t *Template) BareVars() []bool {
	bare := make([]bool, len(t.vars))
	for i := range bare {
		bare[i] = t.json == nil
	}
	noteStrings(t.nodes, bare)
	return bare
}

func noteStrings(nodes []node, bare []bool) {
	for _, n := range nodes {
		if n.kind == variable && n.index >= 0 && n.json != outside {
			bare[n.index] = false
		}
		noteStrings(n.nodes, bare)
	}
}

// Check reports whether t can be rendered with esc at all. Only JSON, JSONText, YAML and SPARQL
// can fail, with the *SyntaxError that Append would return as well: the literal
// text must tell of every variable whether it stands inside a string.
func (t *Template) Check(esc Escape) error {
	switch {
	case (esc == JSON || esc == JSONText) && t.json != nil:
		return t.json
	case esc == SPARQL && t.sparql != nil:
		return t.sparql
	case esc == YAML && t.yaml != nil:
		return t.yaml
	}
	return nil
}
