package mcp

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// pages is a list prepared for pagination: each page is a member of a result,
// with the cursor of the next one.
type pages struct {
	kind string
	size int
	page [][]byte
}

// newPages cuts items, which are JSON, into pages of size.
func newPages(kind string, items [][]byte, size int) pages {
	p := pages{kind: kind, size: size}
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
func (p pages) cursor(start int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.kind + ":" + strconv.Itoa(start)))
}

// at returns the page of a cursor; nil is the first. It is not ok when the
// cursor was not made here, or the list ends before it.
func (p pages) at(cursor []byte) ([]byte, bool) {
	if cursor == nil {
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

func (p pages) equal(q pages) bool { return slices.EqualFunc(p.page, q.page, bytes.Equal) }

func (r *request) listTools() *rpcError     { return r.list(r.view.toolPages) }
func (r *request) listPrompts() *rpcError   { return r.list(r.view.promptPages) }
func (r *request) listTemplates() *rpcError { return r.list(r.view.templatePages) }

func (r *request) list(p pages) *rpcError {
	page, ok := p.at(r.params.cursor)
	if !ok {
		return invalidParams("the cursor is not one of this list")
	}
	r.open()
	r.out = append(r.out, page...)
	r.closeCacheable()
	return nil
}

// closePrivate ends a result that is for this caller, now.
func (r *request) closePrivate() {
	if r.modern() {
		r.out = append(r.out, `,"ttlMs":0,"cacheScope":"private"`...)
	}
	r.out = append(r.out, '}')
}

// closeCacheable ends a result that modern clients may keep.
func (r *request) closeCacheable() {
	if r.modern() {
		r.out = append(r.out, r.view.cache...)
	}
	r.out = append(r.out, '}')
}
