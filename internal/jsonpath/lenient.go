package jsonpath

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What may stand in an unquoted name besides the characters of the RFC.
const (
	extraFirst    = "@$#-"      // at its beginning, after a dot
	extraInPath   = "-@#:/+%&$" // after a dot
	extraInBare   = "-@"        // in a path without $, which might be any text
	extraInFilter = "-:"        // in a filter, where operators follow
)

// dotted are the annotation prefixes (OData, Microsoft Graph) whose dot belongs
// to the member's name.
var dotted = [...]string{"@odata", "@microsoft", "@microsoft.graph"}

// looseStart reads what stands before the segments.
func (p *parser) looseStart(q *query) error {
	p.unwrap()
	start := p.pos
	switch {
	case p.done():
		p.note(0, "an empty path is the root: $")
	case p.eat("$"):
		if strings.TrimSpace(p.src[p.pos:]) == "." {
			p.pos = len(p.src)
			p.note(start, `"$." is the root: $`)
		}
	case p.src[p.pos:] == ".":
		p.pos++
		p.note(start, `"." is the root: $`)
	case p.peek() == '.' || p.peek() == '[':
		p.note(start, "a path starts with $")
	default:
		r, _ := utf8.DecodeRuneInString(p.src[p.pos:])
		if !isNameFirst(r) && !p.ahead("@") || p.ahead("@.") || p.ahead("@[") {
			return p.unexpected(`"$" or a member name`)
		}
		p.note(start, "a path starts with $")
		name := p.looseName(extraInBare)
		if p.function(q, name, start) {
			return nil
		}
		if p.peek() == '(' {
			return p.fail(p.pos, "no function is called %s()", name)
		}
		p.noteName(start, name)
		q.segments = append(q.segments, segment{selectors: []selector{{kind: byName, name: name}}})
	}
	return nil
}

// unwrap takes away blanks around the path and one {{ }}.
func (p *parser) unwrap() {
	text := p.src
	if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "{{"); ok {
		if inner, ok = strings.CutSuffix(inner, "}}"); ok && strings.HasPrefix(strings.TrimSpace(inner), "$") {
			p.note(strings.Index(text, "{{"), "a path needs no {{ }}")
			text = strings.TrimSpace(inner)
			p.pos = strings.IndexByte(p.src, '$')
			p.src = p.src[:p.pos+len(text)]
			return
		}
	}
	text = strings.TrimSpace(text)
	if text != "" && text != p.src {
		p.note(0, "blanks around a path")
	}
	p.pos = strings.Index(p.src, text)
	p.src = p.src[:p.pos+len(text)]
}

// looseDot reads what may wrongly follow a dot: blanks, a bracket.
func (p *parser) looseDot(single bool) {
	at := p.pos
	if p.blank(); p.pos > at {
		p.note(at, "blanks after a dot")
	}
	if single && p.peek() == '[' {
		p.note(at-1, "no dot before a bracket")
	}
}

// looseMember reads the name after a dot, or, where call allows it, a function,
// which it puts into q.
func (p *parser) looseMember(q *query, call bool) (string, error) {
	start := p.pos
	if c := p.peek(); c == '\'' || c == '"' {
		name, err := p.quoted()
		p.note(start, "a quoted name stands in brackets: [%s]", quote(name))
		return name, err
	}
	extra := extraInPath
	if p.filters > 0 {
		extra = extraInFilter
	}
	name := p.looseName(extra)
	if name == "" {
		return "", p.unexpected("a member name")
	}
	if p.peek() == '(' {
		if call && p.function(q, name, start) {
			return "", nil
		}
		return "", p.fail(p.pos, "no function is called %s() here, and a name with parentheses stands in brackets: ['...']", name)
	}
	p.noteName(start, name)
	return name, nil
}

// looseName reads an unquoted name: in a path with the single blanks inside it,
// anywhere with the dots of annotations.
func (p *parser) looseName(extra string) string {
	start := p.pos
	inName := func(r rune) bool { return isNameChar(r) || strings.ContainsRune(extra, r) }
	if !p.done() && strings.IndexByte(extraFirst, p.peek()) >= 0 {
		p.pos++
	}
	for {
		p.takeWhile(inName)
		name, end := p.src[start:p.pos], p.pos
		switch {
		case slices.ContainsFunc(dotted[:], func(a string) bool { return strings.HasSuffix(name, a) }):
			p.eat(".")
		case name != "" && p.filters == 0:
			p.takeWhile(func(r rune) bool { return r == ' ' })
		}
		if r, _ := utf8.DecodeRuneInString(p.src[p.pos:]); p.done() || p.pos == end || !inName(r) {
			p.pos = end
			return name
		}
	}
}

// noteName notes a name that the RFC wants in brackets.
func (p *parser) noteName(at int, name string) {
	if isShorthand(name) {
		return
	}
	hint := ""
	if strings.Trim(name, "0123456789") == "" {
		hint = "; an item of an array is [" + name + "]"
	}
	p.note(at, "a member name like this is quoted in brackets: [%s]%s", quote(name), hint)
}

// function puts the trailing function into q if that is what name() is.
func (p *parser) function(q *query, name string, at int) bool {
	i := slices.IndexFunc(tails[:], func(t tail) bool { return t.name == name })
	if i < 0 || !p.eat("()") {
		return false
	}
	q.tail = &tails[i]
	p.note(at, "%s() at the end of a path is an extension of RFC 9535", name)
	return true
}

// looseTail turns the function at the end of a query in a filter into the RFC's
// own, where there is one.
func (p *parser) looseTail(q *query) (operand, *query) {
	switch {
	case q.tail == nil:
		return nil, q
	case q.tail.name != "length" && q.tail.name != "size":
		p.extended = true
		return single{q}, nil
	}
	q.tail = nil
	if q.singular {
		return lengthOf{single{q}}, nil
	}
	return countOf{q}, nil
}

var fromEnd = regexp.MustCompile(`^\(\s*@\.(?:length|size)(?:\(\))?\s*-\s*([1-9][0-9]{0,14})\s*\)`)

// looseSelector reads an unquoted name in brackets, or (@.length-1).
func (p *parser) looseSelector() (selector, error) {
	start := p.pos
	if m := fromEnd.FindStringSubmatch(p.src[p.pos:]); m != nil {
		p.pos += len(m[0])
		n, _ := strconv.Atoi(m[1])
		p.note(start, "an item counted from the end is written [-%d]", n)
		return selector{kind: byIndex, index: -n}, nil
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.pos:])
	if p.done() || !isNameFirst(r) {
		return selector{}, p.unexpected("a name, an index, a slice, \"*\" or \"?\"")
	}
	name := p.looseName(extraInFilter)
	p.note(start, "a name in brackets is quoted: [%s]", quote(name))
	return selector{kind: byName, name: name}, nil
}
