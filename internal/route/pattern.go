// Package route reads the paths that documents expose and finds the one that a
// request is for. It accepts what published documents hold: {x} and {{x}} with
// any name, placeholders that are only a part of a segment, a missing leading
// slash, a trailing one.
package route

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxLength is the length in bytes of the longest path that Parse reads.
const MaxLength = 4096

// Pattern is a parsed path. It does not change once made.
type Pattern struct {
	// Cut is the query string or fragment that the path held, with its "?" or
	// "#". It is no part of the pattern.
	Cut string

	segments []segment
	names    []string
}

// segment is text and placeholders in turn: texts[0], a placeholder, texts[1],
// and so on. All texts are percent-decoded. A segment without placeholders has
// one text, a placeholder alone stands between two empty ones.
type segment struct {
	texts []string
	rest  bool // the placeholder takes all segments that are left
}

func (s *segment) isLiteral() bool { return len(s.texts) == 1 }

func (s *segment) isPlaceholder() bool {
	return len(s.texts) == 2 && s.texts[0] == "" && s.texts[1] == ""
}

// weight is how much literal text a segment holds, in bytes.
func (s *segment) weight() (n int) {
	for _, text := range s.texts {
		n += len(text)
	}
	return n
}

// Parse reads an exposed path. Names are what stands between the braces, without
// the blanks around it; they hold no braces and no slashes and are unique within
// a path. Two placeholders need text or a slash between them.
func Parse(path string) (*Pattern, error) { return parse(path, false) }

// ParseForward is Parse for a path whose requests are passed on: a last segment
// {path} or {x+} stands for one or more segments.
func ParseForward(path string) (*Pattern, error) { return parse(path, true) }

func parse(path string, forward bool) (*Pattern, error) {
	if len(path) > MaxLength {
		return nil, fmt.Errorf("parse path: longer than %d bytes", MaxLength)
	}
	if i := strings.IndexFunc(path, func(r rune) bool { return r < ' ' || r == 0x7F }); i >= 0 {
		return nil, fmt.Errorf("parse path: control character at byte %d", i)
	}
	if !utf8.ValidString(path) {
		return nil, fmt.Errorf("parse path: invalid UTF-8")
	}
	path, cut := split(strings.TrimSpace(path))
	p := &Pattern{Cut: cut}
	path = strings.TrimRight(strings.TrimPrefix(strings.TrimSpace(path), "/"), "/")
	if path == "" {
		return p, nil
	}
	for text := range strings.SplitSeq(path, "/") {
		if err := p.add(text); err != nil {
			return nil, err
		}
	}
	if last := &p.segments[len(p.segments)-1]; forward && last.isPlaceholder() {
		name := &p.names[len(p.names)-1]
		greedy := strings.TrimSuffix(*name, "+")
		if last.rest = *name == "path" || greedy != *name && greedy != ""; last.rest {
			*name = greedy
		}
	}
	for i, name := range p.names {
		if slices.Contains(p.names[:i], name) {
			return nil, fmt.Errorf("parse path: two placeholders are named “%s”", name)
		}
	}
	return p, nil
}

// split cuts a path before the first "?" or "#" outside of braces.
func split(path string) (kept, cut string) {
	open := false
	for i := range len(path) {
		switch c := path[i]; {
		case c == '{' || c == '}':
			open = c == '{'
		case !open && (c == '?' || c == '#'):
			return path[:i], path[i:]
		}
	}
	return path, ""
}

func (p *Pattern) add(text string) error {
	var s segment
	for {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			p.segments = append(p.segments, segment{texts: append(s.texts, literal(text))})
			return nil
		}
		if text[open] == '}' {
			return fmt.Errorf("parse path: “}” without “{” before it in “%s”", text)
		}
		if open == 0 && len(s.texts) > 0 {
			return fmt.Errorf("parse path: nothing separates the placeholder “%s” from the one before it", text)
		}
		s.texts = append(s.texts, literal(text[:open]))
		braces := "}"
		if strings.HasPrefix(text[open:], "{{") {
			braces = "}}"
		}
		name, after, ok := strings.Cut(text[open+len(braces):], braces)
		name = strings.TrimSpace(name)
		switch {
		case !ok || strings.ContainsAny(name, "{}"):
			return fmt.Errorf("parse path: the placeholder “%s” is not closed by “%s”", text[open:], braces)
		case name == "":
			return fmt.Errorf("parse path: a placeholder has no name in “%s”", text)
		}
		p.names = append(p.names, name)
		text = after
	}
}

// literal is text of a path percent-decoded, if that gives text.
func literal(text string) string {
	if decoded := decode(text); utf8.ValidString(decoded) {
		return decoded
	}
	return text
}

// decode undoes percent-encoding; text that is not validly encoded stays as it is.
func decode(text string) string {
	if strings.IndexByte(text, '%') < 0 {
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// Names are the placeholders from left to right, the order of the values that a
// match gives. The caller does not change them.
func (p *Pattern) Names() []string { return p.names }

// String is the path in canonical form: one leading slash, no trailing one,
// placeholders as {x}, and as {x+} where one takes several segments and is not
// named path. Parsing it gives the same pattern again.
func (p *Pattern) String() string {
	next := 0
	return p.spell(func(rest bool) string {
		name := p.names[next]
		next++
		if rest && name != "path" {
			name += "+"
		}
		return "{" + name + "}"
	})
}

// Shape is the path without the names of its placeholders. Patterns of equal
// shape take the same requests.
func (p *Pattern) Shape() string {
	return p.spell(func(rest bool) string {
		if rest {
			return "{+}"
		}
		return "{}"
	})
}

func (p *Pattern) spell(placeholder func(rest bool) string) string {
	if len(p.segments) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, s := range p.segments {
		b.WriteByte('/')
		for i, text := range s.texts {
			if i > 0 {
				b.WriteString(placeholder(s.rest))
			}
			escape(&b, text)
		}
	}
	return b.String()
}

// escape writes text so that Parse reads it as text.
func escape(b *strings.Builder, text string) {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == 0x7F || strings.IndexByte("%{}/?#", c) >= 0 {
			fmt.Fprintf(b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
}
