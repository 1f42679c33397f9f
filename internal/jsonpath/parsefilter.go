package jsonpath

import "github.com/fairlead/fairlead/internal/value"

// alternatives reads logical-expr of RFC 9535 section 2.3.5.1.
func (p *parser) alternatives() (condition, error) {
	parts, err := p.joined("||", p.conjunction)
	if len(parts) == 1 {
		return parts[0], err
	}
	return anyOf(parts), err
}

func (p *parser) conjunction() (condition, error) {
	parts, err := p.joined("&&", p.basic)
	if len(parts) == 1 {
		return parts[0], err
	}
	return allOf(parts), err
}

// joined reads one or more parts with the operator between them.
func (p *parser) joined(operator string, part func() (condition, error)) (parts []condition, err error) {
	for {
		c, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, c)
		end := p.pos
		p.blank()
		if !p.eat(operator) {
			p.pos = end
			return parts, nil
		}
		p.blank()
	}
}

// basic reads a group, a test or a comparison.
func (p *parser) basic() (condition, error) {
	negated := p.eat("!")
	if negated {
		p.blank()
	}
	c, err := p.groupOrTest(negated)
	if err != nil || !negated {
		return c, err
	}
	return negate{c}, nil
}

func (p *parser) groupOrTest(negated bool) (condition, error) {
	if p.eat("(") {
		return p.group()
	}
	t, err := p.term()
	if err != nil {
		return nil, err
	}
	end := p.pos
	p.blank()
	at := p.pos
	if operator := p.operator(); operator != "" {
		if negated {
			return nil, p.fail(at, `"!" needs parentheses around a comparison`)
		}
		return p.compare(t, operator, at)
	}
	p.pos = end
	switch {
	case t.condition != nil:
		return t.condition, nil
	case t.query != nil && t.query.tail == nil:
		return exists{t.query}, nil
	default:
		return nil, p.fail(t.at, "this value must be compared with something")
	}
}

func (p *parser) group() (condition, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.blank()
	c, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	p.blank()
	return c, p.expect(")")
}

// operators of comparisons, the longer before its beginning.
var operators = [...]string{"==", "!=", "<=", ">=", "<", ">"}

func (p *parser) operator() string {
	for _, o := range operators {
		if p.eat(o) {
			return o
		}
	}
	if p.lenient {
		return p.looseOperator()
	}
	return ""
}

func (p *parser) compare(left term, operator string, at int) (condition, error) {
	p.blank()
	if _, loose := wordOperators[operator]; loose || operator == "=~" {
		return p.looseCompare(left, operator, at)
	}
	right, err := p.term()
	if err != nil {
		return nil, err
	}
	a, err := p.comparable(left)
	if err != nil {
		return nil, err
	}
	b, err := p.comparable(right)
	return &comparison{operator, a, b}, err
}

// term is what stands at one side of an operator, or is an argument: one of a
// value, a query, a condition.
type term struct {
	at        int
	operand   operand
	query     *query
	condition condition
}

// comparable returns the term as an operand: a literal, a function's value, a
// singular query.
func (p *parser) comparable(t term) (operand, error) {
	switch {
	case t.operand != nil:
		return t.operand, nil
	case t.query == nil:
		return nil, p.fail(t.at, "the result of match() or search() cannot be compared")
	case !t.query.singular && t.query.tail == nil:
		return nil, p.fail(t.at, "%s may select several nodes, only a single value can be compared", t.query)
	default:
		return single{t.query}, nil
	}
}

func (p *parser) term() (term, error) {
	t := term{at: p.pos}
	var err error
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		q := &query{relative: c == '@'}
		if err = p.segments(q); err == nil {
			t.operand, t.query = p.looseTail(q)
		}
	case c == '\'' || c == '"':
		var s string
		s, err = p.quoted()
		t.operand = literal{value.Of(s)}
	case c == '-' || isDigit(rune(c)):
		var text string
		text, err = p.number()
		t.operand = literal{value.Num(text)}
	default:
		return p.word()
	}
	return t, err
}

var keywords = map[string]value.Value{
	"true":  value.Boolean(true),
	"false": value.Boolean(false),
	"null":  value.Nil(),
}

// word reads a keyword or a function call.
func (p *parser) word() (term, error) {
	t := term{at: p.pos}
	name := p.takeWhile(func(c rune) bool { return 'a' <= c && c <= 'z' || c == '_' || isDigit(c) })
	if p.eat("(") {
		return p.call(t, name)
	}
	v, ok := keywords[name]
	if !ok {
		p.pos = t.at
		return t, p.unexpected("a path that starts with \"@\" or \"$\", a literal or a function")
	}
	t.operand = literal{v}
	return t, nil
}
