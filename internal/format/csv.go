package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// separated decodes rows of cells, the first of which names the columns, to an
// array of objects of strings. Blank lines are skipped. A row may end early and
// then lacks the names; one that is longer than the header is an error, except
// for a single empty cell after a trailing separator.
func separated(comma rune) decodeFunc {
	return func(text []byte, left *allowance) (value.Value, error) {
		var items []value.Value
		any, err := rows(text, comma, left, func() { items = nil }, func(c *columns, cells []string, _ int64) error {
			items = append(items, c.object(cells))
			return nil
		})
		if err != nil || !any {
			return value.Value{}, err
		}
		return value.Items(items), nil
	}
}

// writeSeparated is separated as JSON text.
func writeSeparated(comma rune) writeFunc {
	return func(text []byte, left *allowance, out *jsonText) error {
		any, err := rows(text, comma, left, func() { out.reset() }, func(c *columns, cells []string, read int64) error {
			separator := byte(',')
			if len(out.text) == 0 {
				separator = '['
			}
			out.reserve(read, int64(len(text)))
			out.text = c.appendJSON(append(out.text, separator), cells)
			return out.grown()
		})
		switch {
		case err != nil || !any:
			return err
		case len(out.text) == 0:
			out.text = append(out.text, '[')
		}
		out.text = append(out.text, ']')
		return nil
	}
}

// takeRow takes the cells of a row, behind which read bytes of the text have been read.
type takeRow func(c *columns, cells []string, read int64) error

// rows gives each row to row; any says that there is a header. It may begin anew, and
// says so by again.
func rows(text []byte, comma rune, left *allowance, again func(), row takeRow) (any bool, err error) {
	any, err = readRows(text, comma, false, left, row)
	if errors.Is(err, csv.ErrBareQuote) {
		// A quote within an unquoted cell (5" pipe) is a plain character. The
		// strict reading comes first because only it notices a quote left open.
		again()
		any, err = readRows(text, comma, true, left.again(), row)
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		err = fail("line %d, column %d: %v", parse.Line, parse.Column, parse.Err)
	}
	return any, err
}

func readRows(text []byte, comma rune, lazy bool, left *allowance, row takeRow) (any bool, err error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, lazy, -1, true
	header, err := r.Read()
	if err != nil {
		if err == io.EOF {
			return false, nil
		}
		return false, err
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
	}
	cols := newColumns(header)
	width := len(header)
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return true, err
		}
		if len(cells) == width+1 && cells[width] == "" {
			cells = cells[:width]
		}
		if len(cells) > width {
			line, _ := r.FieldPos(0)
			return true, fail("line %d has %d cells but the header names %d columns", line, len(cells), width)
		}
		if err := left.take(1 + len(cells)); err != nil {
			return true, err
		}
		if err := row(cols, cells, r.InputOffset()); err != nil {
			return true, err
		}
	}
}
