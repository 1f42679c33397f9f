package jsonpath

import "slices"

// path reads the whole expression.
func (p *parser) path() (query, error) {
	var q query
	var err error
	switch {
	case p.lenient:
		err = p.looseStart(&q)
	case !p.eat("$"):
		err = p.unexpected(`"$"`)
	}
	if err == nil {
		err = p.segments(&q)
	}
	if err != nil {
		return query{}, err
	}
	if !p.done() {
		if q.tail != nil {
			return query{}, p.fail(p.pos, "nothing can follow %s()", q.tail.name)
		}
		return query{}, p.unexpected(`"." or "["`)
	}
	if q.tail != nil {
		p.extended = true
	}
	return q, nil
}

// segments reads segments up to what is none. It fills in q.
func (p *parser) segments(q *query) error {
	for q.tail == nil {
		start := p.pos
		p.blank()
		if c := p.peek(); c != '.' && c != '[' {
			p.pos = start
			break
		}
		if err := p.segment(q); err != nil {
			return err
		}
	}
	q.compile()
	return nil
}

func (p *parser) segment(q *query) error {
	s := segment{descendant: p.eat("..")}
	dotted := !s.descendant && p.eat(".")
	if p.lenient && (dotted || s.descendant) {
		p.looseDot(dotted)
	}
	var err error
	switch {
	case p.peek() == '[':
		if dotted && !p.lenient {
			return p.unexpected("a member name")
		}
		s.selectors, err = p.bracketed()
	case p.eat("*"):
		s.selectors = []selector{{kind: byWildcard}}
	case p.lenient:
		var name string
		if name, err = p.looseMember(q, !s.descendant); q.tail != nil {
			return err
		}
		s.selectors = []selector{{kind: byName, name: name}}
	default:
		var name string
		name, err = p.shorthand()
		s.selectors = []selector{{kind: byName, name: name}}
	}
	if err != nil {
		return err
	}
	q.segments = append(q.segments, s)
	return nil
}

// bracketed reads the selectors of [a, b].
func (p *parser) bracketed() ([]selector, error) {
	if err := p.expect("["); err != nil {
		return nil, err
	}
	var list []selector
	for {
		p.blank()
		s, err := p.selector()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		p.blank()
		if p.eat("]") {
			return slices.Clip(list), nil
		}
		if !p.eat(",") {
			return nil, p.unexpected(`"," or "]"`)
		}
	}
}

func (p *parser) selector() (selector, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		name, err := p.quoted()
		return selector{kind: byName, name: name}, err
	case p.eat("*"):
		return selector{kind: byWildcard}, nil
	case c == '-' || c == ':' || isDigit(rune(c)):
		return p.indexOrSlice()
	case p.eat("?"):
		where, err := p.filter()
		return selector{kind: byFilter, where: where}, err
	case p.lenient:
		return p.looseSelector()
	default:
		return selector{}, p.unexpected("a quoted name, an index, a slice, \"*\" or \"?\"")
	}
}

func (p *parser) indexOrSlice() (selector, error) {
	var parts [3]*int
	for i := range parts {
		if c := p.peek(); c == '-' || isDigit(rune(c)) {
			n, err := p.integer()
			if err != nil {
				return selector{}, err
			}
			parts[i] = &n
		}
		end := p.pos
		p.blank()
		if i == len(parts)-1 || !p.eat(":") {
			p.pos = end
			if i == 0 {
				return selector{kind: byIndex, index: *parts[0]}, nil
			}
			break
		}
		p.blank()
	}
	return selector{kind: bySlice, slice: slice{parts[0], parts[1], parts[2]}}, nil
}

// filter reads the expression after the question mark.
func (p *parser) filter() (condition, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.filters++
	defer func() { p.filters-- }()
	p.blank()
	return p.alternatives()
}
