package format

import "bytes"

// markdownWork is how much a Markdown text may cost to parse, in steps of about
// a nanosecond.
const markdownWork = 1 << 30

// affordable refuses texts that the Markdown parser, which cannot be stopped,
// would take too long or too much memory for. Within a paragraph it may look for
// the end of each bracket, emphasis or code up to the end of the paragraph;
// containers and indentation cost their depth on each line they hold; a table
// gets as many cells in each row as its delimiter row has. All of that is
// counted here, line by line, and what is not surely cheap counts as dear.
func affordable(src []byte, left *allowance) error {
	rows := tableRowsIn{trusted: !mayHoldRaw(src)}
	work := 0
	var run paragraph
	for len(src) > 0 {
		line, rest, _ := bytes.Cut(src, []byte("\n"))
		src = rest
		lead := leading(line)
		work += 4 * lead * lead
		empty := blank(line)
		if row := rows.next(line, empty); row || empty || startsBlock(line) {
			work += run.work()
			if err := left.take(run.values()); err != nil {
				return err
			}
			run = paragraph{columns: run.columns}
			if empty {
				run.columns = 0
			}
		}
		run.add(line)
		if work+run.work() > markdownWork {
			return fail("the text is nested or marked up too heavily to be read")
		}
	}
	return left.take(run.values())
}

// paragraph is a stretch of lines that may be parsed as one.
type paragraph struct {
	lines, bytes, marks int
	columns             int // of a delimiter row in it or before it
}

func (p *paragraph) work() int   { return p.marks * p.bytes }
func (p *paragraph) values() int { return p.lines*(1+p.columns) + p.marks }

func (p *paragraph) add(line []byte) {
	p.lines++
	p.bytes += len(line)
	delimiter, pipes := true, 0
	for _, c := range line {
		switch c {
		case '[', '*', '_', '`', '<':
			p.marks++
			delimiter = delimiter && c == '*'
		case '|':
			pipes++
		case '-', ':', ' ', '\t', '\r', '>', '+':
		default:
			delimiter = delimiter && (c >= '0' && c <= '9' || c == '.' || c == ')')
		}
	}
	if delimiter {
		p.columns = max(p.columns, pipes+1)
	}
}

// leading is the length of the white space and container marks a line begins with.
func leading(line []byte) int {
	return len(line) - len(bytes.TrimLeft(line, " \t\r>-*+0123456789.)"))
}

// startsBlock reports whether a line surely ends the paragraph before it: a
// heading or a list item, at the margin.
func startsBlock(line []byte) bool {
	trimmed := bytes.TrimLeft(line, " ")
	if len(line)-len(trimmed) > 3 || len(trimmed) < 3 {
		return false
	}
	switch trimmed[0] {
	case '#':
		heading := bytes.TrimLeft(trimmed, "#")
		return len(trimmed)-len(heading) <= 6 && len(heading) > 0 && heading[0] == ' '
	case '-', '*', '+':
		return trimmed[1] == ' ' && !blank(trimmed[2:])
	}
	return false
}

// tableRowsIn recognises lines that are surely rows of a table, and so are not
// parsed together with the line before: those that begin with a pipe, after a
// header and a delimiter row that do too and stand behind a blank line.
type tableRowsIn struct {
	trusted bool // no raw HTML block can hold, and end among, what looks like rows
	lines   int  // since the blank line
	header  int  // columns of the first of them, 0 if it is not a header
	in      bool // a table
}

func (t *tableRowsIn) next(line []byte, empty bool) bool {
	if empty || !t.trusted {
		t.lines, t.in = 0, false
		return false
	}
	t.lines++
	line = bytes.TrimRight(line, " \t\r")
	piped := len(line) > 1 && line[0] == '|'
	switch {
	case t.lines == 1:
		t.header = 0
		if piped && line[len(line)-1] == '|' && !bytes.ContainsAny(line, "\\`") {
			t.header = bytes.Count(line, []byte{'|'}) - 1
		}
	case t.lines == 2:
		t.in = t.header > 0 && piped && delimiterColumns(line) == t.header
	default:
		t.in = t.in && piped
		return t.in
	}
	return false
}

// delimiterColumns counts the columns of a delimiter row with pipes at both
// ends; 0 if the line is none.
func delimiterColumns(line []byte) int {
	if len(line) < 2 || line[len(line)-1] != '|' {
		return 0
	}
	n := 0
	for cell := range bytes.SplitSeq(line[1:len(line)-1], []byte{'|'}) {
		cell = bytes.TrimSuffix(bytes.TrimPrefix(bytes.Trim(cell, " "), []byte{':'}), []byte{':'})
		if len(cell) == 0 || len(bytes.Trim(cell, "-")) > 0 {
			return 0
		}
		n++
	}
	return n
}

// mayHoldRaw reports whether an HTML block that goes on over blank lines
// (CommonMark 0.31 section 4.6, kinds 1 to 5) may begin in src.
func mayHoldRaw(src []byte) bool {
	for _, start := range []string{"<!", "<?"} {
		if bytes.Contains(src, []byte(start)) {
			return true
		}
	}
	for at := 0; ; at++ {
		next := bytes.IndexByte(src[at:], '<')
		if next < 0 {
			return false
		}
		at += next
		for _, name := range []string{"script", "pre", "style", "textarea"} {
			tag := src[at+1 : min(at+1+len(name), len(src))]
			if bytes.EqualFold(tag, []byte(name)) {
				return true
			}
		}
	}
}
