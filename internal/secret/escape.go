package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaping is a way in which texts stand within others.
type escaping uint8

// The escapings: backslashes of JSON, Go, JavaScript and shells; those of URLs;
// of forms, where "+" is a blank, too; references of XML and HTML.
const (
	backslash escaping = iota
	percent
	form
	reference
	escapings
)

// escapesWithin is how often a text may be escaped, one time around another.
const escapesWithin = 3

// introducers begin the escapes.
var introducers = [escapings]string{backslash: `\`, percent: "%", form: "%+", reference: "&"}

// unusual begin escapes of letters and digits, and of what begins escapes.
var unusual = [...]string{`\u0`, `\x`, `\U`, "&#", ";#"}

// escapesAll reports whether text may hold letters or digits that are escaped, or
// escapes of the characters that escapes begin with.
func escapesAll(text string) bool {
	for _, start := range unusual {
		if strings.Contains(text, start) {
			return true
		}
	}
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+2 >= len(text) {
			return false
		}
		if text = text[i+1:]; '3' <= text[0] && text[0] <= '7' || text[0] == '2' && (text[1] == '5' || text[1] == '6') {
			return true
		}
	}
}

// view is a text of which the escapes were decoded, and where its parts stood.
type view struct {
	text string
	at   []int32 // by byte of text and for its end, the place in the first text; nil says that this is it
}

func (v view) origin(i int) int {
	if v.at == nil {
		return i
	}
	return int(v.at[i])
}

// decode is v with one kind of escapes decoded; ok is false when it has none.
func (v view) decode(e escaping) (decoded view, ok bool) {
	text := v.text
	i := strings.IndexAny(text, introducers[e])
	if i < 0 {
		return v, false
	}
	out := make([]byte, 0, len(text))
	at := make([]int32, 0, len(text)+1)
	var small [utf8.UTFMax]byte
	for from := 0; from < len(text); {
		if i = strings.IndexAny(text[from:], introducers[e]); i < 0 {
			i = len(text) - from
		}
		for ; i > 0; i-- {
			out, at = append(out, text[from]), append(at, int32(v.origin(from)))
			from++
		}
		if from == len(text) {
			break
		}
		char, n := unescape(small[:0], text[from:], e)
		if n == 0 {
			char, n = append(char, text[from]), 1
		} else {
			ok = true
		}
		for range char {
			at = append(at, int32(v.origin(from)))
		}
		out = append(out, char...)
		from += n
	}
	return view{string(out), append(at, int32(v.origin(len(text))))}, ok
}

// unescape appends what the escape at the start of text stands for; n is its
// length, 0 when it is none.
func unescape(dst []byte, text string, e escaping) (char []byte, n int) {
	switch {
	case e == backslash:
		return unescapeBackslash(dst, text)
	case e == reference:
		end := strings.IndexByte(text[:min(len(text), 12)], ';') + 1
		char := html.UnescapeString(text[:end])
		if char == text[:end] || len(char) > utf8.UTFMax {
			return dst, 0
		}
		return append(dst, char...), end
	case text[0] == '+':
		return append(dst, ' '), 1
	}
	if c, ok := number(text, 1, 2); ok {
		return append(dst, byte(c)), 3
	}
	return dst, 0
}

func unescapeBackslash(dst []byte, text string) (char []byte, n int) {
	if len(text) < 2 {
		return dst, 0
	}
	if i := strings.IndexByte(`nrtbf`, text[1]); i >= 0 {
		return append(dst, "\n\r\t\b\f"[i]), 2
	}
	switch text[1] {
	case 'x':
		if c, ok := number(text, 2, 2); ok {
			return append(dst, byte(c)), 4
		}
	case 'u':
		r, ok := number(text, 2, 4)
		if !ok {
			break
		}
		if low, ok := number(text, 8, 4); ok && text[6:8] == `\u` && utf16.IsSurrogate(r) {
			return utf8.AppendRune(dst, utf16.DecodeRune(r, low)), 12
		}
		return utf8.AppendRune(dst, r), 6
	case 'U':
		if r, ok := number(text, 2, 8); ok {
			return utf8.AppendRune(dst, r), 10
		}
	}
	if text[1] < utf8.RuneSelf && !isAlphanumeric(text[1]) {
		return append(dst, text[1]), 2
	}
	return dst, 0
}

// number is what the hexadecimal digits of text from start on say.
func number(text string, start, digits int) (rune, bool) {
	if len(text) < start+digits || text[start] == '+' || text[start] == '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(text[start:start+digits], 16, 32)
	return rune(n), err == nil
}

// group widens the stretch where n stands by the characters that hold bits of it
// and by its padding.
func (v view) group(start, end int, n needle) (int, int) {
	for range n.before {
		if start > 0 && isBase64(v.text[start-1]) {
			start--
		}
	}
	for range n.after {
		if end < len(v.text) && isBase64(v.text[end]) {
			end++
		}
	}
	for range 2 {
		if end < len(v.text) && v.text[end] == '=' {
			end++
		}
	}
	return start, end
}

func isBase64(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("+/-_", c) >= 0 }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
