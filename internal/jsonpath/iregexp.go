package jsonpath

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// errNoIRegexp says no more: what is not an I-Regexp simply never matches.
var errNoIRegexp = errors.New("not an I-Regexp (RFC 9485)")

// maxPattern bounds, in bytes, what may come as a pattern from the data.
const maxPattern = 4 * MaxLength

// compileIRegexp compiles a pattern of RFC 9485, to be found anywhere in a text
// or, if whole, to cover it all. A pattern that the RFC allows but that
// is too large to be matched is an error too.
func compileIRegexp(source string, whole bool) (*pattern, error) {
	t := irTranslator{rest: source}
	if len(source) > maxPattern || !t.translate() {
		return nil, errNoIRegexp
	}
	translated := t.out.String()
	if whole {
		translated = `\A(?:` + translated + `)\z`
	}
	return compilePattern(translated)
}

// irTranslator rewrites an I-Regexp (RFC 9485 section 3) in Go's syntax.
type irTranslator struct {
	rest string
	out  strings.Builder
}

func (t *irTranslator) translate() bool {
	groups := 0
	quantifiable := false // an atom without a quantifier was just written
	for t.rest != "" {
		c := t.rest[0]
		switch c {
		case '(':
			groups++
			t.pass("(?:")
			quantifiable = false
		case ')':
			groups--
			t.pass(")")
			quantifiable = true
			if groups < 0 {
				return false
			}
		case '|':
			t.pass("|")
			quantifiable = false
		case '*', '+', '?', '{':
			if !quantifiable || !t.quantifier(c) {
				return false
			}
			quantifiable = false
		case '.':
			t.pass(`[^\n\r]`)
			quantifiable = true
		case '[':
			if !t.class() {
				return false
			}
			quantifiable = true
		case '^', '$': // the grammar has them as characters, the mappings of section 5 leave them anchors
			t.pass(string(c))
			quantifiable = true
		case ']', '}':
			return false
		default:
			if !t.character(normal) {
				return false
			}
			quantifiable = true
		}
	}
	return groups == 0
}

// pass writes s for the next byte.
func (t *irTranslator) pass(s string) {
	t.rest = t.rest[1:]
	t.out.WriteString(s)
}

var counted = regexp.MustCompile(`^\{[0-9]+(,[0-9]*)?\}`)

func (t *irTranslator) quantifier(c byte) bool {
	if c != '{' {
		t.pass(string(c))
		return true
	}
	q := counted.FindString(t.rest)
	t.rest = t.rest[len(q):]
	t.out.WriteString(q)
	return q != ""
}

// Where a character may stand: by itself, in a class, in a class and as the end of a range.
type irPlace uint8

const (
	normal irPlace = iota
	inClass
	rangeEnd
)

// character writes one character, escape or, where allowed, category.
func (t *irTranslator) character(place irPlace) bool {
	r, n := utf8.DecodeRuneInString(t.rest)
	if r == utf8.RuneError && n < 2 || place != normal && strings.ContainsRune(`[]-`, r) {
		return false
	}
	if r != '\\' {
		t.rest = t.rest[n:]
		t.literal(r)
		return true
	}
	if len(t.rest) < 2 {
		return false
	}
	switch escaped := t.rest[1]; {
	case strings.IndexByte("nrt", escaped) >= 0:
		t.out.WriteString(t.rest[:2])
	case strings.IndexByte(`()*+-.?[\]^{|}`, escaped) >= 0:
		t.literal(rune(escaped))
	case escaped == 'p' || escaped == 'P':
		category := categories.FindString(t.rest)
		if category == "" || place == rangeEnd {
			return false
		}
		t.out.WriteString(category)
		t.rest = t.rest[len(category):]
		return true
	default:
		return false
	}
	t.rest = t.rest[2:]
	return true
}

var categories = regexp.MustCompile(`^\\[pP]\{(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]?|S[ckmo]?|C[cfno]?)\}`)

// literal writes a character that stands for itself.
func (t *irTranslator) literal(r rune) {
	if strings.ContainsRune(`\.+*?()|[]{}^$-&~`, r) {
		t.out.WriteByte('\\')
	}
	t.out.WriteRune(r)
}

// class translates [...] and [^...].
func (t *irTranslator) class() bool {
	t.pass("[")
	if strings.HasPrefix(t.rest, "^") {
		t.pass("^")
	}
	empty := true
	if strings.HasPrefix(t.rest, "-") {
		t.pass(`\-`)
		empty = false
	}
	for t.rest != "" {
		switch {
		case t.rest[0] == ']':
			t.pass("]")
			return !empty
		case strings.HasPrefix(t.rest, "-]"):
			t.pass(`\-`)
			continue
		}
		category := strings.HasPrefix(t.rest, `\p`) || strings.HasPrefix(t.rest, `\P`)
		if !t.character(inClass) {
			return false
		}
		empty = false
		if !category && strings.HasPrefix(t.rest, "-") && !strings.HasPrefix(t.rest, "-]") {
			t.pass("-")
			if !t.character(rangeEnd) {
				return false
			}
		}
	}
	return false
}
