package template

import "strings"

// mode is where in a JSON, SPARQL or YAML text something stands.
type mode uint8

const (
	outside mode = iota
	inString
	// The rest is SPARQL's and YAML's.
	inApostrophes
	inLongString
	inLongApostrophes
	inIRI
	inComment
	inPlain // a YAML scalar without quotes
	inBlock // a YAML block scalar
)

// scan follows literal text from a mode to the mode at its end. The problem, if
// any, is a sentence about what follows the text.
type scan func(m mode, text string) (end mode, problem string)

const (
	openString  = "a string is not closed"
	splitEscape = "a tag inside an escape sequence"
	ambiguous   = "whether a variable stands inside a string depends on a section: it ends in another place than it begins"
	openIRI     = "an IRI is not closed; write a blank after < when it compares"
)

// assignModes tells every variable where it stands, once and for all renderings. That
// works when text leaves a section in the mode in which it entered.
func assignModes(nodes []node, s scan, set func(*node, mode)) *SyntaxError {
	end, err := assignModesFrom(outside, nodes, s, set)
	if err != nil || end == outside || end == inComment || end == inPlain || end == inBlock {
		return err
	}
	last := &nodes[len(nodes)-1]
	if end == inIRI {
		return &SyntaxError{last.offset, openIRI}
	}
	return &SyntaxError{last.offset, openString}
}

func assignModesFrom(m mode, nodes []node, s scan, set func(*node, mode)) (mode, *SyntaxError) {
	for i := range nodes {
		n := &nodes[i]
		switch n.kind {
		case literal:
			end, problem := s(m, n.text)
			if problem != "" {
				return m, &SyntaxError{n.offset + n.length, problem}
			}
			m = end
		case variable:
			set(n, m)
		default:
			end, err := assignModesFrom(m, n.nodes, s, set)
			if err == nil && end != m {
				err = &SyntaxError{n.offset, ambiguous}
			}
			if err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

// scanJSON knows the strings of RFC 8259 section 7.
func scanJSON(m mode, text string) (mode, string) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			m = inString - m
		case text[i] == '\\' && m == inString:
			size := 2
			if i+1 < len(text) && text[i+1] == 'u' {
				size = 6
			}
			if i+size > len(text) {
				return m, splitEscape
			}
			i++
		}
	}
	return m, ""
}

// delimiters of SPARQL's string literals, the long ones first.
var delimiters = [...]struct {
	text string
	mode mode
}{{`"""`, inLongString}, {`'''`, inLongApostrophes}, {`"`, inString}, {`'`, inApostrophes}}

// scanSPARQL knows the strings, IRIs and comments of SPARQL 1.1 section 19.
func scanSPARQL(m mode, text string) (mode, string) {
	for text != "" {
		size := 1
		switch m {
		case outside:
			m, size = openSPARQL(text)
		case inComment:
			if text[0] == '\n' || text[0] == '\r' {
				m = outside
			}
		case inIRI:
			if text[0] == '>' {
				m = outside
			} else if excludedFromIRI(text[0]) {
				return m, openIRI
			}
		default:
			if text[0] == '\\' {
				size = 2
			}
			for _, d := range delimiters {
				if d.mode == m && strings.HasPrefix(text, d.text) {
					m, size = outside, len(d.text)
				}
			}
		}
		if size > len(text) {
			return m, splitEscape
		}
		text = text[size:]
	}
	return m, ""
}

// openSPARQL returns what the start of text, outside of everything, opens.
func openSPARQL(text string) (m mode, size int) {
	for _, d := range delimiters {
		if strings.HasPrefix(text, d.text) {
			return d.mode, len(d.text)
		}
	}
	switch text[0] {
	case '#':
		return inComment, 1
	case '<': // a comparison, unless everything up to > may stand in an IRI
		for i := 1; i < len(text); i++ {
			if excludedFromIRI(text[i]) {
				if text[i] == '>' {
					return outside, i + 1
				}
				return outside, 1
			}
		}
		return inIRI, len(text)
	}
	return outside, 1
}
