package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads an expression from left to right.
type parser struct {
	src     string
	pos     int
	lenient bool
	nesting int // of brackets with filters, parentheses, calls around pos
	filters int // how many of those are filters

	notes    []Note
	extended bool // something was read that RFC 9535 cannot spell
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Offset: at, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) note(at int, format string, args ...any) {
	p.notes = append(p.notes, Note{Offset: at, Message: fmt.Sprintf(format, args...)})
}

// unexpected is the error for what stands at pos.
func (p *parser) unexpected(wanted string) error {
	if p.done() {
		return p.fail(p.pos, "expected %s, found the end", wanted)
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.pos:])
	return p.fail(p.pos, "expected %s, found %q", wanted, r)
}

func (p *parser) done() bool { return p.pos >= len(p.src) }

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.src[p.pos]
}

func (p *parser) ahead(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *parser) eat(s string) bool {
	if !p.ahead(s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) expect(s string) error {
	if !p.eat(s) {
		return p.unexpected(strconv.Quote(s))
	}
	return nil
}

// blank skips what the RFC calls S.
func (p *parser) blank() {
	for !p.done() && isBlank(p.src[p.pos]) {
		p.pos++
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// enter counts one level of nesting; leave ends it.
func (p *parser) enter() error {
	if p.nesting++; p.nesting > maxNesting {
		return p.fail(p.pos, "nested deeper than %d levels", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.nesting-- }

// takeWhile skips the bytes that ok accepts and returns them.
func (p *parser) takeWhile(ok func(c rune) bool) string {
	start := p.pos
	for i, r := range p.src[start:] {
		if !ok(r) {
			p.pos = start + i
			return p.src[start:p.pos]
		}
	}
	p.pos = len(p.src)
	return p.src[start:]
}

// shorthand reads member-name-shorthand of RFC 9535 section 2.5.1.1.
func (p *parser) shorthand() (string, error) {
	if r, _ := utf8.DecodeRuneInString(p.src[p.pos:]); p.done() || !isNameFirst(r) {
		return "", p.unexpected("a member name")
	}
	return p.takeWhile(isNameChar), nil
}

// maxInteger is the largest integer of I-JSON (RFC 7493 section 2.2).
const maxInteger = 1<<53 - 1

// integer reads int of section 2.3.3.1: no leading zeros, no -0, I-JSON's range.
func (p *parser) integer() (int, error) {
	start := p.pos
	p.eat("-")
	digits := p.takeWhile(isDigit)
	text := p.src[start:p.pos]
	switch {
	case digits == "":
		return 0, p.unexpected("a digit")
	case len(digits) > 1 && digits[0] == '0' || text == "-0":
		return 0, p.fail(start, "integer %s has a zero too many", text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		return 0, p.fail(start, "integer %s is beyond 2^53-1", text)
	}
	return int(n), nil
}

// number reads a number literal, as JSON writes it.
func (p *parser) number() (string, error) {
	start := p.pos
	p.eat("-")
	if digits := p.takeWhile(isDigit); digits == "" {
		return "", p.unexpected("a digit")
	} else if len(digits) > 1 && digits[0] == '0' {
		return "", p.fail(start, "number with a leading zero")
	}
	if p.eat(".") && p.takeWhile(isDigit) == "" {
		return "", p.unexpected("a digit")
	}
	if p.eat("e") || p.eat("E") {
		if !p.eat("+") {
			p.eat("-")
		}
		if p.takeWhile(isDigit) == "" {
			return "", p.unexpected("a digit")
		}
	}
	return p.src[start:p.pos], nil
}

// quoted reads a string literal of section 2.3.1.1 in either kind of quotes.
func (p *parser) quoted() (string, error) {
	start, quote := p.pos, p.src[p.pos]
	p.pos++
	var b strings.Builder
	for !p.done() {
		switch c := p.src[p.pos]; {
		case c == quote:
			p.pos++
			return b.String(), nil
		case c < ' ':
			return "", p.fail(p.pos, "control character %q in a string must be escaped", c)
		case c == '\\':
			r, err := p.escape(quote)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return "", p.fail(start, "string without its closing %c", quote)
}

// escape reads from the backslash.
func (p *parser) escape(quote byte) (rune, error) {
	start := p.pos
	p.pos++
	c := p.peek()
	p.pos++
	switch {
	case c == quote:
		return rune(quote), nil
	case c == 'u':
		return p.unicodeEscape(start)
	}
	if i := strings.IndexByte(`btnfr/\`, c); i >= 0 {
		return rune("\b\t\n\f\r/\\"[i]), nil
	}
	return 0, p.fail(start, "unknown escape in a string")
}

// unicodeEscape reads the digits after \u and, for a surrogate, its other half.
func (p *parser) unicodeEscape(start int) (rune, error) {
	r, ok := p.hex4()
	if ok && utf16.IsSurrogate(r) {
		ok = p.eat(`\u`)
		if ok {
			var low rune
			low, ok = p.hex4()
			r = utf16.DecodeRune(r, low)
			ok = ok && r != utf8.RuneError
		}
	}
	if !ok {
		return 0, p.fail(start, `\u in a string needs four hexadecimal digits, and a surrogate its pair`)
	}
	return r, nil
}

func (p *parser) hex4() (rune, bool) {
	if len(p.src)-p.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+4], 16, 16)
	p.pos += 4
	return rune(n), err == nil
}
