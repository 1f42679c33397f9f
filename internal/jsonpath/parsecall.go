package jsonpath

import "github.com/fairlead/fairlead/internal/value"

// call reads the arguments of a function and checks their types (RFC 9535 section 2.4.3).
func (p *parser) call(t term, name string) (term, error) {
	if err := p.enter(); err != nil {
		return t, err
	}
	defer p.leave()
	arguments, err := p.arguments()
	if err != nil {
		return t, err
	}
	wanted, known := arity[name]
	switch {
	case !known:
		return t, p.fail(t.at, "unknown function %s()", name)
	case len(arguments) != wanted:
		return t, p.fail(t.at, "%s() takes %d arguments, not %d", name, wanted, len(arguments))
	}
	first := arguments[0]
	switch name {
	case "count", "value":
		if first.query == nil || first.query.tail != nil {
			return t, p.fail(first.at, "the argument of %s() must be a path", name)
		}
		if name == "count" {
			t.operand = countOf{first.query}
		} else {
			t.operand = valueOf{first.query}
		}
		return t, nil
	case "length":
		of, err := p.comparable(first)
		t.operand = lengthOf{of}
		return t, err
	default: // match, search
		t.condition, err = p.regexTest(name, first, arguments[1])
		return t, err
	}
}

// arity has every function of RFC 9535 section 2.4.
var arity = map[string]int{"length": 1, "count": 1, "value": 1, "match": 2, "search": 2}

func (p *parser) arguments() (list []term, err error) {
	p.blank()
	for !p.eat(")") {
		if len(list) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			p.blank()
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		p.blank()
	}
	return list, nil
}

func (p *parser) regexTest(name string, input, pattern term) (condition, error) {
	in, err := p.comparable(input)
	if err != nil {
		return nil, err
	}
	by, err := p.comparable(pattern)
	if err != nil {
		return nil, err
	}
	test := &regexTest{name: name, input: in, pattern: by}
	if l, ok := by.(literal); ok && l.v.Kind() == value.String && test.compile(l.v.Text()) == nil {
		p.note(pattern.at, "%s is no I-Regexp (RFC 9485: no lookaround, no \\d), so %s() never holds",
			quote(l.v.Text()), name)
	}
	return test, nil
}
