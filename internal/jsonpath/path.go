// Package jsonpath compiles JSONPath (RFC 9535) and evaluates it over
// value.Value.
//
// Strict is the RFC and nothing else. Lenient is a named superset for the
// expressions that published documents hold: every strict expression keeps its
// meaning, every other accepted form is reported by a Note with its RFC
// spelling. A path is compiled once and may be used by many goroutines.
package jsonpath

import (
	"fmt"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// Dialect says which expressions Compile accepts.
type Dialect uint8

// Strict is RFC 9535. Lenient adds what authors write instead: a lone "$.", no
// "$" at all, names with dashes, spaces or leading digits after a dot, quoted
// names after a dot, unquoted names in brackets, ".[0]", "{{$.x}}", the
// functions of the table trailing at the end of a path, the operators of the
// table wordOperators and =~ in filters, and "[(@.length-1)]".
const (
	Strict Dialect = iota
	Lenient
)

// MaxLength is the length in bytes of the longest expression; maxNesting is how
// deeply filters, parentheses and function calls may stand in one another.
const (
	MaxLength  = 4096
	maxNesting = 64
)

// Note tells of one thing in an accepted expression that its author should
// know: a lenient form, or (in both dialects) a pattern that can never match
// because it is no I-Regexp.
type Note struct {
	Offset   int    // in bytes, of the form in the expression
	Message  string // what it is, and what it means here
	Standard string // the whole path in the spelling of RFC 9535; "" when the RFC cannot say it
}

// SyntaxError is every error of Compile.
type SyntaxError struct {
	Offset  int // in bytes, of the culprit
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("parse path: %s at byte %d", e.Message, e.Offset)
}

// Path is a compiled expression.
type Path struct {
	query query
	lone  *query // what Eval tries first, see Lone; nil where that is the same
}

// Compile parses expr. The error, if any, is a *SyntaxError.
func Compile(expr string, d Dialect) (*Path, []Note, error) {
	p := parser{src: expr, lenient: d == Lenient}
	if len(expr) > MaxLength {
		return nil, nil, p.fail(MaxLength, "a path has at most %d bytes", MaxLength)
	}
	for i, r := range expr {
		if r == utf8.RuneError && expr[i] != 0xEF { // U+FFFD itself is EF BF BD
			return nil, nil, p.fail(i, "invalid UTF-8")
		}
	}
	q, err := p.path()
	if err != nil {
		return nil, nil, err
	}
	path := &Path{query: q}
	if len(p.notes) > 0 && !p.extended {
		if spelling := path.String(); len(spelling) <= MaxLength {
			for i := range p.notes {
				p.notes[i].Standard = spelling
			}
		}
	}
	return path, p.notes, nil
}

// String is the path in RFC 9535's spelling, with the shorthand .name where the
// RFC has it; what the RFC cannot say stays lenient. The spelling compiles to
// the same meaning again, if it is not longer than MaxLength: operators that
// the RFC must spell out repeat their operand.
func (p *Path) String() string { return p.query.String() }

// IsRoot reports whether the path selects the root itself.
func (p *Path) IsRoot() bool { return len(p.query.segments) == 0 && p.query.tail == nil }

// Definite reports whether the path yields at most one value whatever the data:
// a singular query (RFC 9535 section 2.3.5.1), or one that ends in a function.
func (p *Path) Definite() bool { return p.query.singular || p.query.tail != nil }

// Locates reports whether the path selects nodes, which have a place: not the result
// of a function.
func (p *Path) Locates() bool { return p.query.tail == nil }

// Segments returns the path as steps when names, indices and wildcards over one
// level are all it has. ok is false when it needs the evaluator. The steps are
// not to be changed; an Index may be negative, counting from the end.
func (p *Path) Segments() (steps []Step, ok bool) {
	if !p.query.plain || p.query.tail != nil {
		return nil, false
	}
	return p.query.steps, true
}

// The methods below count their steps, and the bytes of what they find, with m,
// which may be nil. When m has failed, what they return means nothing.

// Select returns the nodes the path selects, in the order of RFC 9535 with
// members in document order. A node that is selected twice is there twice.
func (p *Path) Select(m *budget.Meter, root value.Value) []value.Value {
	if p.Definite() {
		if v, ok := p.First(m, root); ok {
			return []value.Value{v}
		}
		return nil
	}
	return p.query.nodes(scope{root, m}, root)
}

// First returns the first node that Select would, ok is false when there is
// none. For a definite path without a function it does not allocate.
func (p *Path) First(m *budget.Meter, root value.Value) (v value.Value, ok bool) {
	if p.query.singular && p.query.tail == nil {
		return scope{root, m}.follow(root, p.query.steps)
	}
	return p.query.result(scope{root, m}, root)
}

// Eval is what a mapping of a document means: a definite path gives its value
// or Absent, any other an array of its nodes, which may be empty.
func (p *Path) Eval(m *budget.Meter, root value.Value) value.Value {
	if p.lone != nil {
		if v := p.evalLone(m, root); !v.IsAbsent() {
			return v
		}
	}
	if p.Definite() {
		v, _ := p.First(m, root)
		return v
	}
	return value.Items(p.query.nodes(scope{root, m}, root))
}

// Locate returns where the nodes are that Select returns, in the same order.
// The result of a function is nowhere.
func (p *Path) Locate(m *budget.Meter, root value.Value) []Location {
	if p.query.tail != nil {
		return nil
	}
	w := walk{scope: scope{root, m}, tracks: true}
	w.from(root, p.query.segments)
	return w.places
}
