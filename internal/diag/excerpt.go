package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	excerptWidth = 120 // columns of a quoted line, beyond which it is cut
	excerptLead  = 40  // columns kept before the culprit of a cut line
	tabWidth     = 4
)

// cell is one character as a terminal shows it.
type cell struct {
	text  string
	width int // in columns; zero for combining marks
}

// excerpt returns a line of source as it is shown, and the carets that
// underline at in it, aligned in columns. A line too wide is cut on either side
// of the culprit, an underline too wide at its end.
func excerpt(line []byte, at Range) (text, carets string) {
	cells, before, cutLeft, cutRight := cellsAround(line, at.Start.Column-1)
	end := before + wordLength(cells[before:])
	switch {
	case at.End.Line == at.Start.Line && at.End.Column > at.Start.Column:
		end = min(before+at.End.Column-at.Start.Column, len(cells))
	case at.End.Line > at.Start.Line:
		end = len(cells)
	}

	left, right := 0, len(cells)
	if total := columns(cells); cutLeft || cutRight || total > excerptWidth {
		left, right = window(cells, before)
	}
	cutLeft, cutRight = cutLeft || left > 0, cutRight || right < len(cells)

	var shown strings.Builder
	indent := columns(cells[left:before])
	if cutLeft {
		shown.WriteString("…")
		indent++
	}
	for _, c := range cells[left:right] {
		shown.WriteString(c.text)
	}
	if cutRight {
		shown.WriteString("…")
	}
	underline := max(1, columns(cells[before:max(before, min(end, right))]))
	return shown.String(), strings.Repeat(" ", indent) + strings.Repeat("^", underline)
}

// cellsAround returns the cells near the code point at index start, and the
// index of its cell. It looks no further than a window can reach, so that a
// document of one endless line costs no more than any other.
func cellsAround(line []byte, start int) (cells []cell, before int, cutLeft, cutRight bool) {
	offset, skipped := 0, 0
	for skipped < start-excerptWidth && offset < len(line) {
		_, size := utf8.DecodeRune(line[offset:])
		offset += size
		skipped++
	}
	column := 0
	for offset < len(line) && len(cells) < 3*excerptWidth {
		r, size := utf8.DecodeRune(line[offset:])
		c := cellOf(r, column)
		cells = append(cells, c)
		column += c.width
		offset += size
	}
	before = min(max(start-skipped, 0), len(cells))
	return cells, before, skipped > 0, offset < len(line)
}

// window picks the stretch of cells to show: some of what precedes the culprit,
// and as much after it as fits.
func window(cells []cell, before int) (left, right int) {
	const room = excerptWidth - 2 // for the two ellipses
	left, right = before, before
	used := 0
	for left > 0 && used+cells[left-1].width <= excerptLead {
		left--
		used += cells[left].width
	}
	for right < len(cells) && used+cells[right].width <= room {
		used += cells[right].width
		right++
	}
	for left > 0 && used+cells[left-1].width <= room {
		left--
		used += cells[left].width
	}
	return left, right
}

func columns(cells []cell) (n int) {
	for _, c := range cells {
		n += c.width
	}
	return n
}

// wordLength is how many cells the word at the start takes: a quoted string, or
// all up to a blank or comma, without the punctuation that closes it.
func wordLength(cells []cell) int {
	if len(cells) == 0 {
		return 0
	}
	if quote := cells[0].text; quote == `"` || quote == `'` {
		for i, c := range cells[1:] {
			if c.text == quote {
				return i + 2
			}
		}
	}
	n := 0
	for n < len(cells) && strings.TrimSpace(cells[n].text) != "" && cells[n].text != "," {
		n++
	}
	for n > 1 && strings.Contains(":]}", cells[n-1].text) && !strings.Contains("[{", cells[0].text) {
		n--
	}
	return n
}

// cellOf is how r is shown when it comes at the column, counted from 0.
func cellOf(r rune, column int) cell {
	switch {
	case r == '\t':
		n := tabWidth - column%tabWidth
		return cell{strings.Repeat(" ", n), n}
	case unprintable(r):
		return cell{string(utf8.RuneError), 1}
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return cell{string(r), 0}
	case unicode.Is(wide, r):
		return cell{string(r), 2}
	}
	return cell{string(r), 1}
}

// printable makes one line of s that cannot steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unprintable(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// unprintable reports whether r would steer a terminal instead of showing:
// control characters, line separators, and the marks that reverse the direction
// of text.
func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(steering, r) }

var steering = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x2028, Hi: 0x202e, Stride: 1},
	{Lo: 0x2066, Hi: 0x2069, Stride: 1},
}}

// wide holds the blocks that terminals draw two columns wide (Unicode Standard
// Annex 11, by block).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals, punctuation
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // kana to Yi
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1}, // Hangul Jamo extended
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK compatibility forms
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // fullwidth forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK extensions
	},
}
