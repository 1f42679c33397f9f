package jsonpath

import (
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// slashRegex is the lenient operator =~ with a pattern that no I-Regexp can say.
type slashRegex struct {
	input          operand
	pattern, flags string
	expression     *pattern
}

func (o *slashRegex) holds(in scope, node value.Value) bool {
	v := o.input.value(in, node)
	return v.Kind() == value.String && o.expression.matches(in, v.Text())
}

func (o *slashRegex) write(b *strings.Builder) {
	o.input.write(b)
	b.WriteString(" =~ /" + strings.ReplaceAll(o.pattern, "/", `\/`) + "/" + o.flags)
}

// regexOperator reads /pattern/flags. As in the engines that published documents
// were written for, the pattern must match the whole text.
func (p *parser) regexOperator(left term, at int) (condition, error) {
	x, err := p.comparable(left)
	if err != nil {
		return nil, err
	}
	start := p.pos
	pattern, err := p.slashed()
	if err != nil {
		return nil, err
	}
	flags := p.takeWhile(isNameChar)
	if bad := strings.Trim(flags, "ims"); bad != "" {
		return nil, p.fail(p.pos-len(flags), "flag %s is not one of i, m, s", bad)
	}
	standard := &regexTest{name: "match", input: x, pattern: literal{value.Of(pattern)}}
	if flags == "" && standard.compile(pattern) != nil {
		p.noteSpelling(at, "=~", standard)
		return standard, nil
	}
	prefix := ""
	if flags != "" {
		prefix = "(?" + flags + ")"
	}
	expression, err := compilePattern(prefix + `\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, p.fail(start, "this regular expression cannot be used: %v", err)
	}
	p.extended = true
	p.note(at, "=~ is an extension of RFC 9535; the pattern must match the whole text")
	return &slashRegex{x, pattern, flags, expression}, nil
}

// slashed reads /.../, in which \/ is a slash.
func (p *parser) slashed() (string, error) {
	start := p.pos
	if err := p.expect("/"); err != nil {
		return "", err
	}
	var b strings.Builder
	for !p.done() {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '/':
			return b.String(), nil
		case c == '\\' && p.peek() != '/' && !p.done():
			b.WriteString(p.src[p.pos-1 : p.pos+1])
			p.pos++
		case c == '\\':
			b.WriteByte('/')
			p.pos++
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail(start, "regular expression without its closing /")
}
