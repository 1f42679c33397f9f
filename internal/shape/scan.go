package shape

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// span is where a value stands in the text; the zero span is nowhere.
type span struct{ start, end int }

// scan reads JSON text and notes where selected parts of it stand. It accepts
// what value.Parse accepts: RFC 8259, valid UTF-8, no unpaired surrogates, nested
// to value.MaxDepth.
//
// Reading functions take the index of what they read and return the index behind
// it, or -1. An index past the end reads as a zero byte.
type scan struct {
	src     []byte
	meter   *budget.Meter
	slots   []span // of the selections being read, frame by frame
	names   []span // of the objects being copied: their names in the copy
	scratch []byte
}

// bytesPerStep is how many bytes are read or copied in one step.
const bytesPerStep = 32

// reads counts the reading of a text again; false means not to read it.
func (s *scan) reads(at span) bool { return s.meter.Steps(1 + (at.end-at.start)/bytesPerStep) }

// value reads the value at i. Of the parts of it that sel selects, it notes the
// places in the slots that start at frame; sel may be nil.
func (s *scan) value(sel *selection, frame, i, depth int) (end int) {
	if depth > value.MaxDepth {
		return -1
	}
	switch peek(s.src, i) {
	case '"':
		end, _ = skipString(s.src, i)
	case '{':
		end = s.members(sel, frame, i, depth)
	case '[':
		end = s.items(sel, frame, i, depth)
	case 't':
		end = literal(s.src, i, "true")
	case 'f':
		end = literal(s.src, i, "false")
	case 'n':
		end = literal(s.src, i, "null")
	default:
		end = skipNumber(s.src, i)
	}
	if sel != nil {
		s.slots[frame+sel.slot] = span{i, end}
	}
	return end
}

func (s *scan) members(sel *selection, frame, i, depth int) int {
	src := s.src
	selective := sel != nil && len(sel.names) > 0
	if i = space(src, i+1); peek(src, i) == '}' {
		return i + 1
	}
	for {
		if peek(src, i) != '"' {
			return -1
		}
		end, escaped := skipString(src, i)
		if end < 0 {
			return -1
		}
		var member *selection
		if selective {
			if member = sel.member(s.name(src[i:end], escaped)); member != nil {
				member.forget(s.slots[frame:]) // an earlier member of that name
			}
		}
		if i = space(src, end); peek(src, i) != ':' {
			return -1
		}
		if i = s.value(member, frame, space(src, i+1), depth+1); i < 0 {
			return -1
		}
		switch i = space(src, i); peek(src, i) {
		case ',':
			i = space(src, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

func (s *scan) items(sel *selection, frame, i, depth int) int {
	src := s.src
	selective := sel != nil && len(sel.indexes) > 0
	if i = space(src, i+1); peek(src, i) == ']' {
		return i + 1
	}
	for index := 0; ; index++ {
		var item *selection
		if selective {
			item = sel.item(index)
		}
		if i = s.value(item, frame, i, depth+1); i < 0 {
			return -1
		}
		switch i = space(src, i); peek(src, i) {
		case ',':
			i = space(src, i+1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func peek(src []byte, i int) byte {
	if i < len(src) {
		return src[i]
	}
	return 0
}

func space(src []byte, i int) int {
	for i < len(src) && src[i] <= ' ' && (src[i] == ' ' || src[i] == '\n' || src[i] == '\r' || src[i] == '\t') {
		i++
	}
	return i
}

func literal(src []byte, i int, word string) int {
	if i+len(word) > len(src) || string(src[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// plain marks the bytes that stand for themselves in a string, one by one.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// skipString reads a string from its opening quote on; escaped is true when
// something in it is.
func skipString(src []byte, i int) (end int, escaped bool) {
	for i++; i < len(src); {
		switch c := src[i]; {
		case plain[c]:
			i++
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i = skipEscape(src, i); i < 0 {
				return -1, true
			}
		default:
			_, size := utf8.DecodeRune(src[i:])
			if size == 1 { // a control character or invalid
				return -1, escaped
			}
			i += size
		}
	}
	return -1, escaped
}

func skipEscape(src []byte, i int) int {
	switch peek(src, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		r := hex4(src, i+2)
		if r >= 0 && !utf16.IsSurrogate(r) {
			return i + 6
		}
		if r >= 0 && literal(src, i+6, `\u`) > 0 && utf16.DecodeRune(r, hex4(src, i+8)) != utf8.RuneError {
			return i + 12
		}
	}
	return -1
}

func hex4(src []byte, i int) (r rune) {
	for j := i; j < i+4; j++ {
		switch c := peek(src, j); {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

func skipNumber[T []byte | string](src T, i int) int {
	at := func(i int) byte {
		if i < len(src) {
			return src[i]
		}
		return 0
	}
	digits := func() bool {
		start := i
		for isDigit(at(i)) {
			i++
		}
		return i > start
	}
	if at(i) == '-' {
		i++
	}
	if at(i) == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if at(i) == '.' {
		if i++; !digits() {
			return -1
		}
	}
	if at(i)|0x20 == 'e' {
		if i++; at(i) == '+' || at(i) == '-' {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
