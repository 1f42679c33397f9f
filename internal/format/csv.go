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
		v, err := rows(text, comma, false, left)
		if errors.Is(err, csv.ErrBareQuote) {
			// A quote within an unquoted cell (5" pipe) is a plain character. The
			// strict reading comes first because only it notices a quote left open.
			v, err = rows(text, comma, true, left.again())
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			err = fail("line %d, column %d: %v", parse.Line, parse.Column, parse.Err)
		}
		return v, err
	}
}

func rows(text []byte, comma rune, lazy bool, left *allowance) (value.Value, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, lazy, -1, true
	header, err := r.Read()
	if err != nil {
		if err == io.EOF {
			return value.Value{}, nil
		}
		return value.Value{}, err
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
	}
	cols := newColumns(header)
	width := len(header)
	var items []value.Value
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return value.Items(items), nil
		}
		if err != nil {
			return value.Value{}, err
		}
		if len(cells) == width+1 && cells[width] == "" {
			cells = cells[:width]
		}
		if len(cells) > width {
			line, _ := r.FieldPos(0)
			return value.Value{}, fail("line %d has %d cells but the header names %d columns", line, len(cells), width)
		}
		if err := left.take(1 + len(cells)); err != nil {
			return value.Value{}, err
		}
		items = append(items, cols.object(cells))
	}
}
