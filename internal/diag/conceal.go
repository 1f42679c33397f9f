package diag

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// concealed is the n-th of the lines of a document, counted from 0, with asterisks
// where credentials may stand, whatever the reader of the document makes of them: a
// key that is misspelt, out of place or of the wrong kind is what is quoted most.
func concealed(lines [][]byte, n int) []byte {
	c := concealer{text: []rune(string(lines[n]))}
	c.line(within(lines, n), holds(lines, n))
	return inURL.ReplaceAllFunc([]byte(string(c.text)), func(found []byte) []byte {
		before, credential, _ := bytes.Cut(found, []byte{'='})
		before = append(slices.Clip(before), '=')
		if found[0] == ':' {
			before, credential = found[:len("://")], found[len("://"):]
		}
		return slices.Concat(before, bytes.Repeat([]byte{'*'}, utf8.RuneCount(credential)))
	})
}

// inURL are the user of a URL, and parameters of a query that are named like credentials.
var inURL = regexp.MustCompile(`(?i)://[^\s/@"'{}]+@|[?&][a-z_.-]*(?:token|secret|passw|key|sig)[a-z_.-]*=[^\s&"'{}#]+`)

type concealer struct{ text []rune }

// line reads the line token by token. guarded says that it stands below
// authentication, or is the text of a credential; key is the one that holds it.
func (c *concealer) line(guarded bool, key string) {
	var outer []bool // of the brackets that are open
	names := bindsNames(key)
	key = ""
	for i := 0; i < len(c.text); {
		switch r := c.text[i]; {
		case unicode.IsSpace(r) || r == '-' && c.at(i+1, ' ') || r == '?' && c.at(i+1, ' '):
			i++
		case r == '#' && (i == 0 || unicode.IsSpace(c.text[i-1])):
			return
		case r == ',' && len(outer) > 0:
			key = ""
			i++
		case (r == '{' || r == '[') && !(r == '{' && c.at(i+1, '{')):
			outer, names = append(outer, guarded), bindsNames(key)
			guarded = !harmless(key) && (guarded || guards(key) || r == '[' && holdsCredential(key))
			key = ""
			i++
		case r == '}' || r == ']':
			if len(outer) > 0 {
				guarded, outer = outer[len(outer)-1], outer[:len(outer)-1]
			}
			names = false
			key = ""
			i++
		default:
			end := c.scalar(i, len(outer) > 0)
			text := strings.Trim(string(c.text[i:end]), `"'`)
			next := end
			for next < len(c.text) && c.text[next] == ' ' {
				next++
			}
			if c.at(next, ':') && (next+1 == len(c.text) || c.text[next+1] == ' ' || c.text[i] == '"') {
				key = text
				end = next + 1
			} else if !names && !harmless(key) && (guarded || guards(key) || holdsCredential(key)) && !plain(text) {
				c.hide(i, end)
			}
			i = max(end, i+1)
		}
	}
}

func (c *concealer) at(i int, r rune) bool { return i < len(c.text) && c.text[i] == r }

// scalar is the end of the scalar that begins at i.
func (c *concealer) scalar(i int, flow bool) int {
	quote := c.text[i]
	if quote == '"' || quote == '\'' {
		for j := i + 1; j < len(c.text); j++ {
			switch {
			case c.text[j] == '\\' && quote == '"':
				j++
			case c.text[j] == quote:
				return j + 1
			}
		}
		return len(c.text)
	}
	for j := i; j < len(c.text); j++ {
		if c.text[j] == '{' && c.at(j+1, '{') {
			for ; j < len(c.text) && !(c.text[j] == '}' && c.at(j+1, '}')); j++ {
			}
			j++
			continue
		}
		switch r := c.text[j]; {
		case r == ':' && (j+1 == len(c.text) || c.text[j+1] == ' '), r == ' ' && c.at(j+1, '#'), flow &&
			strings.ContainsRune(",{}[]", r):
			return j
		}
	}
	return len(c.text)
}

func (c *concealer) hide(start, end int) {
	for i := start; i < min(end, len(c.text)); i++ {
		if r := c.text[i]; !unicode.IsSpace(r) && !((i == start || i == end-1) && (r == '"' || r == '\'')) {
			c.text[i] = '*'
		}
	}
}

// within reports whether a line above holds the n-th in block style, and is
// authentication, or begins the text of a credential.
func within(lines [][]byte, n int) bool {
	const far = 200
	indent := indentOf(lines[n])
	for i := n - 1; i >= max(0, n-far) && indent > 0; i-- {
		line := bytes.TrimSpace(lines[i])
		if at := indentOf(lines[i]); len(line) == 0 || at >= indent {
			continue
		} else {
			indent = at
		}
		key, _, found := strings.Cut(strings.TrimLeft(string(line), "- "), ":")
		key = strings.Trim(key, `"' `)
		if found && (guards(key) || holdsCredential(key) &&
			strings.ContainsAny(string(line[len(line)-min(2, len(line)):]), "|>")) {
			return true
		}
		if harmless(key) {
			return false
		}
	}
	return false
}

// holds is the key above the n-th line that holds it in block style.
func holds(lines [][]byte, n int) string {
	const far = 200
	for i := n - 1; i >= max(0, n-far); i-- {
		if line := bytes.TrimSpace(lines[i]); len(line) > 0 && indentOf(lines[i]) < indentOf(lines[n]) {
			key, _, _ := strings.Cut(strings.TrimLeft(string(line), "- "), ":")
			return strings.Trim(key, `"' `)
		}
	}
	return ""
}

// bindsNames reports whether the values below a key are names of variables.
func bindsNames(key string) bool { return key == "keys" || key == "fallback" }

func indentOf(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " \t")) }

// guards reports whether a key is authentication, in any spelling.
func guards(key string) bool {
	key = strings.ToLower(key)
	return key == "auth" || key == "security" || strings.HasPrefix(key, "authent") ||
		strings.HasPrefix(key, "auten") || strings.HasSuffix(key, "auth")
}

// holdsCredential reports whether a key is named like one that holds a credential.
func holdsCredential(key string) bool {
	key = strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(key))
	return !harmless(key) && slices.ContainsFunc([]string{"token", "tokn", "secret", "passw", "apikey", "credential",
		"privatekey", "signingkey", "accesskey", "authorization", "bearer"},
		func(word string) bool { return strings.Contains(key, word) })
}

// harmless reports whether a key of authentication holds no credential, but says
// which and where it is.
func harmless(key string) bool {
	key = strings.ToLower(key)
	return slices.Contains([]string{"type", "in", "placement", "key", "name", "header", "headername", "user",
		"username", "scope", "scopes", "realm", "region", "service",
		"audience", "resource", "clientid", "client_id", "granttype", "grant_type", "signaturemethod",
		"tokenvalidation", "tokenexchange"}, key) ||
		strings.HasSuffix(key, "uri") || strings.HasSuffix(key, "url") || strings.HasSuffix(key, "endpoint")
}

// plain reports whether a text is no credential by itself: a variable, a word for
// truth, or a path into an answer.
func plain(text string) bool {
	switch strings.ToLower(text) {
	case "", "true", "false", "yes", "no", "on", "off", "1", "0", "null", "~", "none", "caller-first", "bearer",
		"basic", "digest", "apikey", "oauth2", "|", ">", "|-", ">-":
		return true
	}
	return strings.HasPrefix(text, "$") || strings.HasPrefix(text, "{{") && strings.Index(text, "}}") == len(text)-2
}
