package secret

import (
	"strconv"
	"strings"
)

// parseDotenv reads lines NAME=value or NAME: value, with an optional "export"
// before them. A value in quotes ("", ”, “) may span lines; in double quotes a
// backslash escapes n, r, t, " and itself. Without quotes it ends before " #".
// Nothing is expanded. Lines of another form are skipped; of equal names the
// last counts.
func parseDotenv(text string) map[string]string {
	entries := map[string]string{}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		at := strings.IndexAny(line, "=:")
		name := strings.TrimSpace(line[:max(at, 0)])
		if after, exported := strings.CutPrefix(name, "export "); exported {
			name = strings.TrimSpace(after)
		}
		if name == "" || name[0] == '#' {
			text = rest
			continue
		}
		entries[name], text = dotenvValue(text[at+1:])
	}
	return entries
}

// dotenvValue reads the value that follows the separator, and returns the lines
// after it.
func dotenvValue(text string) (val, rest string) {
	unpadded := strings.TrimLeft(text, " \t")
	padding := len(text) - len(unpadded)
	text = unpadded
	if text != "" && strings.IndexByte("\"'`", text[0]) >= 0 {
		if end := closingQuote(text); end > 0 {
			_, rest, _ = strings.Cut(text[end:], "\n")
			val = text[1:end]
			if text[0] == '"' {
				val = dotenvEscapes.Replace(val)
			}
			return strings.ReplaceAll(val, "\r\n", "\n"), rest
		}
	}
	line, rest, _ := strings.Cut(text, "\n")
	for i := range line {
		if line[i] == '#' && (i == 0 && padding > 0 || i > 0 && strings.IndexByte(" \t", line[i-1]) >= 0) {
			line = line[:i]
			break
		}
	}
	return strings.TrimSpace(line), rest
}

var dotenvEscapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

// closingQuote returns the index of the quote that ends the one text begins
// with, or 0 when there is none.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] == '"':
			i++
		case text[i] == text[0]:
			return i
		}
	}
	return 0
}

// parseProperties reads Java properties: names and values apart by "=", ":" or
// blanks, comments behind # and !, backslashes for escapes and for values that
// go on in the next line.
func parseProperties(text string) map[string]string {
	entries := map[string]string{}
	var logical strings.Builder
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t\f")
		if logical.Len() == 0 && (line == "" || line[0] == '#' || line[0] == '!') {
			continue
		}
		if slashes := len(line) - len(strings.TrimRight(line, `\`)); slashes%2 == 1 {
			logical.WriteString(line[:len(line)-1])
			continue
		}
		logical.WriteString(line)
		name, val := splitProperty(logical.String())
		entries[unescapeProperty(name)] = unescapeProperty(val)
		logical.Reset()
	}
	return entries
}

func splitProperty(line string) (name, val string) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(line))
	val = strings.TrimLeft(line[end:], " \t\f")
	if val != "" && (val[0] == '=' || val[0] == ':') {
		val = strings.TrimLeft(val[1:], " \t\f")
	}
	return line[:end], val
}

func unescapeProperty(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 't':
			out.WriteByte('\t')
		case 'u':
			if code, err := strconv.ParseUint(s[i+1:min(i+5, len(s))], 16, 16); err == nil && i+5 <= len(s) {
				out.WriteRune(rune(code))
				i += 4
				continue
			}
			out.WriteByte(c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
