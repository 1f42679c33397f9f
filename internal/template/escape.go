package template

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// Escape is the place where a template's values end up.
type Escape uint8

// The places.
//
// Raw changes nothing: for text that people read, and values that the operator wrote.
// PathSegment, QueryValue and FormValue percent-encode as AppendPathSegment,
// AppendQuery and AppendForm do. A value in a path is a text that is not empty, a
// number, a boolean, or an array of those, joined by commas; what HasDotSegment
// says of is refused, because some servers resolve it even when it is encoded.
// Header refuses what CheckHeader refuses.
//
// JSON: inside a string literal of the template the value is string content,
// outside it is a JSON value, a string with its quotes. There is no exception.
//
// JSONText is JSON for a text whose values may come without their types, as those of
// a query do: outside of the strings a text that is JSON, or the items of a list, is
// that, and every other one a string.
//
// XML is safe in text and in quoted attributes (XML 1.0); white space other
// than the blank is written as a character reference, and what XML cannot hold
// as U+FFFD. In a CDATA section it is safe, but the references stay as written.
//
// YAML: where a value may begin the value is JSON, which YAML reads; within double
// quotes it is string content, within single quotes, blocks and comments text without
// line breaks, within a scalar without quotes nothing but words.
//
// SPARQL (1.1, section 19): inside a string literal or comment, string content;
// inside <…>, an IRI of which the characters that IRIREF excludes are
// percent-encoded; elsewhere one word of letters, digits and _ - : or a number,
// anything else is refused.
const (
	Raw Escape = iota
	PathSegment
	QueryValue
	FormValue
	Header
	JSON
	JSONText
	XML
	YAML
	SPARQL
)

// UnsafeError says that a value cannot stand where the template puts it. It
// does not hold the value, which may be a secret.
type UnsafeError struct {
	Name   string // of the variable; empty from CheckHeader
	Reason string
}

func (e *UnsafeError) Error() string {
	if e.Name == "" {
		return e.Reason
	}
	return fmt.Sprintf("render template: value of %q: %s", e.Name, e.Reason)
}

// appendValue appends v, which n puts into the text.
func appendValue(dst []byte, v value.Value, esc Escape, n *node) ([]byte, *UnsafeError) {
	switch {
	case esc == JSON && n.json == outside:
		return v.AppendJSON(dst), nil
	case esc == JSONText && n.json == outside &&
		(v.Kind() == value.Null || v.Kind() == value.String && !isJSONItems(v.Text())):
		return v.AppendJSON(dst), nil
	case esc == YAML:
		return appendYAML(dst, v, n.yaml)
	}
	if v.Kind() == value.Null {
		return dst, nil
	}
	if esc == PathSegment {
		return appendPathValue(dst, v, n)
	}
	text := v.Text()
	switch esc {
	case QueryValue:
		return AppendQuery(dst, text), nil
	case FormValue:
		return AppendForm(dst, text), nil
	case Header:
		return append(dst, text...), unsafeHeader(text)
	case JSON, JSONText:
		if n.json == outside {
			return append(dst, text...), nil
		}
		return appendJSONContent(dst, text), nil
	case XML:
		return AppendXML(dst, text), nil
	case SPARQL:
		switch n.sparql {
		case outside:
			return append(dst, text...), unsafeSPARQL(v.Kind(), text)
		case inIRI:
			return appendIRI(dst, text), nil
		default:
			return appendSPARQLContent(dst, text), nil
		}
	default:
		return append(dst, text...), nil
	}
}

func isJSONItems(text string) bool {
	if text == "" {
		return false
	}
	list, err := value.Parse([]byte("[" + text + "]"))
	return err == nil && list.Kind() == value.Array
}

// AppendPathSegment appends s percent-encoded so that it stays within one
// segment of a path (RFC 3986 section 3.3). Of the characters that a segment
// may hold, & = + and ; are encoded too: a documented path may carry a query,
// and some servers read ; as the end of the name. A text of nothing but dots is
// encoded too: it is no dot segment to whoever removes those before decoding,
// but a server that decodes first still takes it for one, as it takes %2F for /.
func AppendPathSegment(dst []byte, s string) []byte {
	dots := strings.Trim(s, ".") == ""
	for i := range len(s) {
		switch c := s[i]; {
		case dots:
			dst = append(dst, "%2E"...)
		case unreserved(c) || strings.IndexByte("!$'()*,:@", c) >= 0:
			dst = append(dst, c)
		default:
			dst = appendPercent(dst, c)
		}
	}
	return dst
}

// appendPathValue appends v as one segment of a path, or, when n may hold
// several, with its slashes.
func appendPathValue(dst []byte, v value.Value, n *node) ([]byte, *UnsafeError) {
	switch v.Kind() {
	case value.Object:
		return dst, &UnsafeError{Reason: "must be a text or number in a path, not an object"}
	case value.Array:
		return appendPathList(dst, v)
	}
	switch text := v.Text(); {
	case holdsNothing(text):
		return dst, &UnsafeError{Reason: emptyInPath}
	case HasDotSegment(n.before + text + n.after):
		return dst, &UnsafeError{Reason: dotsInPath}
	case n.segments:
		return appendSegments(dst, text), nil
	default:
		return AppendPathSegment(dst, text), nil
	}
}

const (
	emptyInPath = "must not be empty in a path"
	dotsInPath  = "must not hold the path segments . or .."
)

// appendPathList appends the items of an array as one segment, with commas between
// them (OpenAPI's style simple); one within an item is percent-encoded.
func appendPathList(dst []byte, v value.Value) ([]byte, *UnsafeError) {
	if v.Len() == 0 {
		return dst, &UnsafeError{Reason: emptyInPath}
	}
	for i := range v.Len() {
		item := v.At(i)
		text := item.Text()
		switch {
		case !item.IsScalar() || item.Kind() == value.Null || holdsNothing(text):
			return dst, &UnsafeError{Reason: "must hold texts and numbers only in a path, none of them empty"}
		case HasDotSegment(text):
			return dst, &UnsafeError{Reason: dotsInPath}
		case i > 0:
			dst = append(dst, ',')
		}
		for j, part := range strings.Split(text, ",") {
			if j > 0 {
				dst = append(dst, "%2C"...)
			}
			dst = AppendPathSegment(dst, part)
		}
	}
	return dst, nil
}

// appendSegments is AppendPathSegment that leaves slashes.
func appendSegments(dst []byte, s string) []byte {
	for i, segment := 0, ""; i <= len(s); i += len(segment) + 1 {
		if i > 0 {
			dst = append(dst, '/')
		}
		segment, _, _ = strings.Cut(s[i:], "/")
		dst = AppendPathSegment(dst, segment)
	}
	return dst
}

// holdsNothing reports whether a server could take s for an empty segment, and the
// path for that of a whole collection: some decode %2F, merge slashes that follow
// each other, and strip blanks and control characters.
func holdsNothing(s string) bool {
	for range maxEncoded {
		if strings.TrimLeftFunc(s, func(c rune) bool { return c == '/' || c == '\\' || stripped(c) }) == "" {
			return true
		}
		decoded := unescape(s)
		if decoded == s {
			return false
		}
		s = decoded
	}
	return false // which HasDotSegment refuses
}

// stripped are blanks and control characters, which some servers remove around a segment.
func stripped(c rune) bool { return c <= ' ' || c == 0x7f }

// HasDotSegment reports whether a server could take a part of s for the path
// segment . or .. : between slashes or backslashes, up to a semicolon, blanks and
// control characters around it, each of them as it is or percent-encoded. What is
// percent-encoded more than maxEncoded times is taken for one.
func HasDotSegment(s string) bool {
	if strings.IndexByte(s, '.') < 0 && strings.IndexByte(s, '%') < 0 {
		return false
	}
	for range maxEncoded {
		for segment := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == '/' || c == '\\' }) {
			segment, _, _ = strings.Cut(segment, ";")
			segment = strings.TrimFunc(segment, stripped)
			if segment == "." || segment == ".." {
				return true
			}
		}
		decoded := unescape(s)
		if decoded == s {
			return false
		}
		s = decoded
	}
	return true
}

const maxEncoded = 5

// unescape undoes percent-encoding once; what is not validly encoded stays.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if decoded, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				c = decoded[0]
				i += 2
			}
		}
		out = append(out, c)
	}
	return string(out)
}

// AppendPathText appends text that the author of a document wrote into a path:
// what a path cannot hold is percent-encoded, everything else stays, slashes and
// percent-encoded bytes too.
func AppendPathText(dst []byte, s string) []byte { return appendURLText(dst, s, "!$&'()*+,;=:@/") }

// AppendQueryText is AppendPathText for a query.
func AppendQueryText(dst []byte, s string) []byte { return appendURLText(dst, s, "!$&'()*+,;=:@/?") }

func appendURLText(dst []byte, s, allowed string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case unreserved(c) || strings.IndexByte(allowed, c) >= 0, c == '%' && i+2 < len(s) && isHex(s[i+1]) &&
			isHex(s[i+2]):
			dst = append(dst, c)
		default:
			dst = appendPercent(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// AppendQuery appends s as a name or value of a query: all but the unreserved
// characters of RFC 3986 section 2.3 is percent-encoded.
func AppendQuery(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = appendPercent(dst, c)
		}
	}
	return dst
}

// AppendForm appends s as a name or value of a form (WHATWG URL,
// application/x-www-form-urlencoded): AppendQuery, but a blank is +.
func AppendForm(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case unreserved(c):
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = appendPercent(dst, c)
		}
	}
	return dst
}

// CheckHeader reports whether s can be the value of an HTTP header: its error,
// an *UnsafeError, names the first control character other than the tab
// (RFC 9110 section 5.5).
func CheckHeader(s string) error {
	if unsafe := unsafeHeader(s); unsafe != nil {
		return unsafe
	}
	return nil
}

func unsafeHeader(s string) *UnsafeError {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return &UnsafeError{Reason: fmt.Sprintf("a header cannot hold the control character %U", c)}
		}
	}
	return nil
}

func appendJSONContent(dst []byte, s string) []byte {
	start := len(dst)
	dst = value.AppendString(dst, s)
	end := start + copy(dst[start:], dst[start+1:len(dst)-1])
	return dst[:end]
}

// AppendXML appends s as text of an element or of a quoted attribute: see XML.
func AppendXML(dst []byte, s string) []byte {
	for _, r := range s {
		switch r {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\'':
			dst = append(dst, "&apos;"...)
		case '\t':
			dst = append(dst, "&#9;"...)
		case '\n':
			dst = append(dst, "&#10;"...)
		case '\r':
			dst = append(dst, "&#13;"...)
		default:
			if r < ' ' || r == 0xFFFE || r == 0xFFFF {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// appendSPARQLContent escapes with ECHAR only: a \u escape would be undone
// before the query is parsed (SPARQL 1.1 section 19.2).
func appendSPARQLContent(dst []byte, s string) []byte {
	for _, r := range s {
		switch r {
		case '"', '\'', '\\':
			dst = append(dst, '\\', byte(r))
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

func appendIRI(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; excludedFromIRI(c) || c == 0x7f {
			dst = appendPercent(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// excludedFromIRI: what may not stand in IRIREF (SPARQL 1.1 section 19.8).
func excludedFromIRI(c byte) bool {
	return c <= ' ' || strings.IndexByte("<>\"{}|^`\\", c) >= 0
}

func unsafeSPARQL(k value.Kind, s string) *UnsafeError {
	if k == value.Number || k == value.Bool {
		return nil
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-:", r) {
			return &UnsafeError{Reason: fmt.Sprintf("%q cannot stand outside a string or IRI of a SPARQL query", r)}
		}
	}
	return nil
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func appendPercent(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '%', hex[c>>4], hex[c&15])
}
