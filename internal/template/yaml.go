package template

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// yamlScanner knows the scalars of YAML 1.2.2 chapters 6 to 8 as far as that
// matters for what is put into them.
type yamlScanner struct {
	flow   int  // open brackets and braces
	indent int  // of the line that is read
	header int  // the indentation of the line whose block scalar is read
	start  bool // nothing but blanks stood on the line so far
}

func (y *yamlScanner) scan(m mode, text string) (mode, string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		blank := i+1 >= len(text) || text[i+1] == ' ' || text[i+1] == '\n' || text[i+1] == '\t' || text[i+1] == '\r'
		switch {
		case c == '\n':
			y.start, y.indent = true, 0
			if m == inComment || m == inPlain {
				m = outside
			}
			continue
		case y.start && c == ' ', y.start && (c == '-' || c == '?') && blank && !(m == inBlock && y.indent > y.header):
			if m == inBlock && c != ' ' {
				m = outside
			}
			y.indent++
			continue
		}
		if y.start && m == inBlock && y.indent <= y.header {
			m = outside
		}
		y.start = false
		switch m {
		case inString:
			if c == '\\' {
				if i+1 == len(text) {
					return m, splitEscape
				}
				i++
			} else if c == '"' {
				m = inPlain // nothing but a separator may follow
			}
		case inApostrophes:
			if c == '\'' && i+1 < len(text) && text[i+1] == '\'' {
				i++
			} else if c == '\'' {
				m = inPlain
			}
		case outside:
			m = y.open(c, blank)
		case inPlain:
			switch {
			case c == ':' && (blank || y.flow > 0):
				m = outside
			case c == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t'):
				m = inComment
			case y.flow > 0 && strings.IndexByte("[]{},", c) >= 0:
				m = y.open(c, blank)
			}
		}
	}
	return m, ""
}

// open returns what c opens where a value may begin.
func (y *yamlScanner) open(c byte, blank bool) mode {
	switch {
	case c == ' ' || c == '\t' || c == '\r' || c == ',':
	case c == '"':
		return inString
	case c == '\'':
		return inApostrophes
	case c == '#':
		return inComment
	case c == '[' || c == '{':
		y.flow++
	case c == ']' || c == '}':
		y.flow = max(y.flow-1, 0)
	case (c == '|' || c == '>') && y.flow == 0:
		y.header = y.indent
		return inBlock
	case blank && strings.IndexByte("-?:", c) >= 0:
	default:
		return inPlain
	}
	return outside
}

// appendYAML appends v as its mode has it: a JSON value, which is YAML, where a
// value may begin, and escaped content within quotes. What could leave a scalar that
// has no escapes is refused.
func appendYAML(dst []byte, v value.Value, m mode) ([]byte, *UnsafeError) {
	if m == outside {
		return escapeYAML(v.AppendJSON(dst), len(dst)), nil
	}
	if v.Kind() == value.Null {
		return dst, nil
	}
	text := strings.ToValidUTF8(v.Text(), "\uFFFD")
	switch m {
	case inString:
		return escapeYAML(appendJSONContent(dst, text), len(dst)), nil
	case inApostrophes:
		text = strings.ReplaceAll(text, "'", "''")
	case inBlock:
		if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
			return dst, &UnsafeError{Reason: "must not begin with a blank in a block of a YAML text"}
		}
	case inPlain:
		for i, c := range text {
			if !unicode.IsLetter(c) && !unicode.IsDigit(c) && (i == 0 || !strings.ContainsRune("_-./@+ ", c)) {
				return dst, &UnsafeError{Reason: fmt.Sprintf("%q cannot stand in a YAML text without quotes", c)}
			}
		}
	}
	for _, c := range text {
		if c != '\t' && !yamlPrintable(c) {
			return dst, &UnsafeError{Reason: fmt.Sprintf("the character %U can stand in double quotes of a YAML text only", c)}
		}
	}
	return append(dst, text...), nil
}

// yamlPrintable reports whether c stands for itself in every scalar, unlike line
// breaks and what is not printable (YAML 1.2.2 section 5.1).
func yamlPrintable(c rune) bool {
	return !unicode.IsControl(c) && c != '\u2028' && c != '\u2029' && c != '\ufeff' && c != '\ufffe' && c != '\uffff'
}

// escapeYAML is dst, of which the JSON from start on gets escapes for what YAML
// reads otherwise.
func escapeYAML(dst []byte, start int) []byte {
	if bytes.ContainsFunc(dst[start:], func(c rune) bool { return !yamlPrintable(c) }) {
		json := string(dst[start:])
		dst = dst[:start]
		for _, c := range json {
			if yamlPrintable(c) {
				dst = utf8.AppendRune(dst, c)
			} else {
				dst = fmt.Appendf(dst, "\\u%04x", c)
			}
		}
	}
	return dst
}
