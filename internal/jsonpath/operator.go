package jsonpath

import (
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// wordOperator is a lenient operator of filters. It is rewritten to what RFC 9535
// has for it, and so needs no evaluation of its own. On its left is a singular
// query, on its right a literal, of the kind if one is named, or a list of them.
type wordOperator struct {
	list    bool
	kind    value.Kind
	rewrite func(left *query, right []literal) condition
}

var wordOperators = map[string]wordOperator{
	"in":       {list: true, rewrite: among},
	"nin":      {list: true, rewrite: notAmong},
	"anyof":    {list: true, rewrite: anyAmong},
	"subsetof": {list: true, rewrite: allAmong},
	"contains": {rewrite: contains},
	"size":     {kind: value.Number, rewrite: hasSize},
	"empty":    {kind: value.Bool, rewrite: isEmpty},
}

// looseOperator reads =~ or one of wordOperators.
func (p *parser) looseOperator() string {
	if p.eat("=~") {
		return "=~"
	}
	start := p.pos
	word := p.takeWhile(isNameChar)
	if _, ok := wordOperators[word]; !ok {
		p.pos = start
		return ""
	}
	return word
}

// looseCompare reads the right side of a lenient operator.
func (p *parser) looseCompare(left term, operator string, at int) (condition, error) {
	if operator == "=~" {
		return p.regexOperator(left, at)
	}
	if operator == "in" && (p.peek() == '@' || p.peek() == '$') {
		return p.inPath(left, at)
	}
	o := wordOperators[operator]
	if left.query == nil || !left.query.singular {
		return nil, p.fail(left.at, "%s needs a path to one value on its left", operator)
	}
	start := p.pos
	right, err := p.literals(o.list)
	if err != nil {
		return nil, err
	}
	if o.kind != value.Absent && right[0].v.Kind() != o.kind {
		return nil, p.fail(start, "%s needs a %s on its right", operator, o.kind)
	}
	c := o.rewrite(left.query, right)
	p.noteSpelling(at, operator, c)
	return c, nil
}

// noteSpelling quotes the RFC's way to say it, if it is short enough to read.
func (p *parser) noteSpelling(at int, operator string, c condition) {
	var b strings.Builder
	if c.write(&b); b.Len() > 200 {
		p.note(at, "%s is an extension of RFC 9535", operator)
		return
	}
	p.note(at, "%s is an extension of RFC 9535, which writes %s", operator, &b)
}

// literals reads one literal, or a list of at least one in brackets.
func (p *parser) literals(list bool) (all []literal, err error) {
	if list {
		if err := p.expect("["); err != nil {
			return nil, err
		}
	}
	for {
		p.blank()
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		l, ok := t.operand.(literal)
		if !ok {
			return nil, p.fail(t.at, "expected a literal")
		}
		all = append(all, l)
		if !list {
			return all, nil
		}
		p.blank()
		if p.eat("]") {
			return all, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// compareEach compares x with each of the literals.
func compareEach(x operand, operator string, with []literal) (all []condition) {
	for _, l := range with {
		all = append(all, &comparison{operator, x, l})
	}
	return all
}

func whichever(all []condition) condition {
	if len(all) == 1 {
		return all[0]
	}
	return anyOf(all)
}

func every(all []condition) condition {
	if len(all) == 1 {
		return all[0]
	}
	return allOf(all)
}

// current is @.
func current() operand {
	q := &query{relative: true}
	q.compile()
	return single{q}
}

// having is the query q[?where].
func having(q *query, where condition) condition {
	return exists{q.with(selector{kind: byFilter, where: where})}
}

// with is the query with one more segment.
func (q *query) with(s selector) *query {
	longer := &query{relative: q.relative}
	longer.segments = append(append(longer.segments, q.segments...), segment{selectors: []selector{s}})
	longer.compile()
	return longer
}

// inPath is: literal in path, an item of the array there equals it.
func (p *parser) inPath(left term, at int) (condition, error) {
	l, ok := left.operand.(literal)
	if !ok {
		return nil, p.fail(p.pos, "expected a list: only a literal can be sought in a path")
	}
	right, err := p.term()
	if err != nil {
		return nil, err
	}
	if right.query == nil || !right.query.singular {
		return nil, p.fail(right.at, "in needs a list, or a path to one, on its right")
	}
	c := having(right.query, &comparison{"==", current(), l})
	p.noteSpelling(at, "in", c)
	return c, nil
}

func among(left *query, right []literal) condition {
	return whichever(compareEach(single{left}, "==", right))
}

func notAmong(left *query, right []literal) condition {
	return every(compareEach(single{left}, "!=", right))
}

func anyAmong(left *query, right []literal) condition {
	return having(left, whichever(compareEach(current(), "==", right)))
}

// allAmong holds for an empty array, and not for what is no array or object.
func allAmong(left *query, right []literal) condition {
	return allOf{
		anyOf{
			exists{left.with(selector{kind: byWildcard})},
			&comparison{"==", lengthOf{single{left}}, literal{value.Int(0)}},
		},
		negate{having(left, every(compareEach(current(), "!=", right)))},
	}
}

// contains is an item of an array or, for a string, a part of a string.
func contains(left *query, right []literal) condition {
	item := having(left, &comparison{"==", current(), right[0]})
	part := right[0].v
	if part.Kind() != value.String {
		return item
	}
	pattern := literal{value.Of(escapeIRegexp(part.Text()))}
	return anyOf{item, &regexTest{name: "search", input: single{left}, pattern: pattern}}
}

func hasSize(left *query, right []literal) condition {
	return &comparison{"==", lengthOf{single{left}}, right[0]}
}

func isEmpty(left *query, right []literal) condition {
	operator := ">"
	if right[0].v.True() {
		operator = "=="
	}
	return &comparison{operator, lengthOf{single{left}}, literal{value.Int(0)}}
}

// escapeIRegexp is the I-Regexp that matches s and nothing else.
func escapeIRegexp(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '$': // which no escape exists for
			b.WriteString("[$]")
			continue
		case strings.ContainsRune(`()*+.?[\]^{|}`, r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
