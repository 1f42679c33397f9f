package diag

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Sources gives the bytes of a file named in a Range; nil means that there is
// nothing to quote from it.
type Sources func(file string) []byte

// Style says how text is drawn. The zero Style is plain.
type Style struct {
	Color bool // ANSI colours
}

// WriteText writes the diagnostics for people, in the order of the list, in one
// Write: place, severity, message and code on the first line, then the source
// line with the culprit underlined, the hint, and the related places. sources
// may be nil. Control characters of documents and messages never reach w, nor does
// what may be a credential.
func (l List) WriteText(w io.Writer, sources Sources, style Style) error {
	t := textWriter{sources: sources, color: style.Color, lines: map[string][][]byte{}, shown: map[place][]byte{}}
	for _, d := range l {
		if d.Code == CredentialWritten.ID {
			t.secrets = append(t.secrets, d.Range)
		}
	}
	for _, d := range l {
		t.diagnostic(d)
	}
	_, err := w.Write(t.out.Bytes())
	return err
}

// Summary counts the findings: "2 errors, 3 warnings, 1 note" or "no findings".
func (l List) Summary() string {
	var parts []string
	for _, kind := range []struct {
		severity Severity
		noun     string
	}{{Error, "error"}, {Warning, "warning"}, {Info, "note"}} {
		switch n := l.Count(kind.severity); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+kind.noun)
		default:
			parts = append(parts, strconv.Itoa(n)+" "+kind.noun+"s")
		}
	}
	if parts == nil {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

// The colours are ANSI SGR parameters.
const (
	bold = "1"
	dim  = "2"
	cyan = "36"
)

var severityColors = [...]string{Info: "1;36", Warning: "1;33", Error: "1;31"}

type textWriter struct {
	out     bytes.Buffer
	sources Sources
	color   bool
	lines   map[string][][]byte // of the files quoted so far
	shown   map[place][]byte    // what of them is quoted
	secrets []Range             // what is not quoted
}

// place is a line of a file.
type place struct {
	file string
	line int
}

func (t *textWriter) diagnostic(d Diagnostic) {
	color := severityColors[d.Severity]
	t.writeRange(d.Range)
	t.paint(color, d.Severity.String()+":")
	t.out.WriteString(" " + printable(d.Message) + " ")
	t.paint(dim, "["+d.Code+"]")
	t.out.WriteByte('\n')
	t.excerpt(d.Range, color)
	if d.Hint != "" {
		t.out.WriteString("  ")
		t.paint(cyan, "hint:")
		t.out.WriteString(" " + printable(d.Hint) + "\n")
	}
	for _, r := range d.Related {
		t.out.WriteString("  ")
		t.writeRange(r.Range)
		t.out.WriteString(printable(r.Message) + "\n")
	}
}

func (t *textWriter) writeRange(at Range) {
	if place := at.String(); place != "" {
		t.paint(bold, printable(place)+":")
		t.out.WriteByte(' ')
	}
}

func (t *textWriter) excerpt(at Range, color string) {
	line, ok := t.line(at.File, at.Start.Line)
	if !ok {
		return
	}
	text, carets := excerpt(line, at)
	number := strconv.Itoa(at.Start.Line)
	t.paint(dim, fmt.Sprintf(" %s |", number))
	t.out.WriteString(strings.TrimRight(" "+text, " ") + "\n")
	t.paint(dim, fmt.Sprintf(" %*s |", len(number), ""))
	indent := len(carets) - len(strings.TrimLeft(carets, " "))
	t.out.WriteString(" " + carets[:indent])
	t.paint(color, carets[indent:])
	t.out.WriteByte('\n')
}

// line returns the n-th line of the file, counted from 1, without its line break.
func (t *textWriter) line(file string, n int) ([]byte, bool) {
	if t.sources == nil || n < 1 {
		return nil, false
	}
	lines, seen := t.lines[file]
	if !seen {
		if source := t.sources(file); source != nil {
			lines = bytes.Split(source, []byte{'\n'})
		}
		t.lines[file] = lines
	}
	if n > len(lines) {
		return nil, false
	}
	if line, seen := t.shown[place{file, n}]; seen {
		return line, true
	}
	line := bytes.TrimSuffix(concealed(lines, n-1), []byte{'\r'})
	defer func() { t.shown[place{file, n}] = line }()
	for _, s := range t.secrets {
		if s.File == file && s.Start.Line <= n && n <= max(s.Start.Line, s.End.Line) {
			line = conceal(line, n, s)
		}
	}
	return line, true
}

// conceal is a line with asterisks in the place of s, to the end of the line where
// the end of s is not known.
func conceal(line []byte, n int, s Range) []byte {
	runes := []rune(string(line))
	start, end := 0, len(runes)
	if s.Start.Line == n {
		start = s.Start.Column - 1
	}
	if s.End.Line == n {
		end = min(end, s.End.Column-1)
	}
	for i := start; i < end; i++ {
		if !unicode.IsSpace(runes[i]) {
			runes[i] = '*'
		}
	}
	return []byte(string(runes))
}

func (t *textWriter) paint(color, text string) {
	if t.color {
		text = "\x1b[" + color + "m" + text + "\x1b[0m"
	}
	t.out.WriteString(text)
}
