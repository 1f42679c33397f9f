package catalogue

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Pages is a list prepared for pagination: each page is a member of a result,
// with the cursor of the next one.
type Pages struct {
	kind string
	size int
	page [][]byte
}

// NewPages cuts items, which are JSON, into pages of size.
func NewPages(kind string, items [][]byte, size int) Pages {
	p := Pages{kind: kind, size: size}
	for start := 0; start == 0 || start < len(items); start += size {
		end := min(start+size, len(items))
		page := append(value.AppendString(nil, kind), ":["...)
		page = append(append(page, bytes.Join(items[start:end], []byte(","))...), ']')
		if end < len(items) {
			page = append(page, `,"nextCursor":"`+p.cursor(end)+`"`...)
		}
		p.page = append(p.page, page)
	}
	return p
}

// cursor says at which entry a page starts. It stays good over a reload.
func (p Pages) cursor(start int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.kind + ":" + strconv.Itoa(start)))
}

// At returns the page of a cursor; nil and "" are the first. It is not ok when the
// cursor was not made here, or the list ends before it.
func (p Pages) At(cursor []byte) ([]byte, bool) {
	if len(cursor) == 0 {
		return p.page[0], true
	}
	text, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err != nil {
		return nil, false
	}
	number, ok := strings.CutPrefix(string(text), p.kind+":")
	start, err := strconv.Atoi(number)
	if !ok || err != nil || start <= 0 || start%p.size != 0 || start/p.size >= len(p.page) {
		return nil, false
	}
	return p.page[start/p.size], true
}

func (p Pages) equal(q Pages) bool { return slices.EqualFunc(p.page, q.page, bytes.Equal) }
