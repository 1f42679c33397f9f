package value

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/budget"
)

// MaxDepth is how deeply arrays and objects may nest in parsed text.
const MaxDepth = 512

// Parse reads exactly one JSON text (RFC 8259). Invalid UTF-8 and text after
// the value are errors that name the byte offset. Of members with equal names
// the last wins, at the place of the first. Nothing of text is kept.
func Parse(text []byte, more ...jsontext.Options) (Value, error) {
	return ParseWithin(nil, text, more...)
}

// ParseWithin is Parse for a call: before a value is made of the text, m takes the
// steps and the bytes for it. The error is that of m when it fails.
func ParseWithin(m *budget.Meter, text []byte, more ...jsontext.Options) (Value, error) {
	p := parser{Decoder: jsontext.NewDecoder(bytes.NewBuffer(text),
		append(more, jsontext.AllowDuplicateNames(true))...)}
	if p.count(text); !m.Steps(p.items+p.members+len(text)/64) || !m.Hold(p.size(len(text))) {
		return Value{}, m.Err()
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if _, err := p.ReadToken(); err != io.EOF {
		return Value{}, fmt.Errorf("parse JSON: text after the value at byte %d", p.InputOffset())
	}
	return v, nil
}

// Decoder reads values from JSON text, with the streaming calls of jsontext for
// those who skip most of it.
type Decoder struct{ *jsontext.Decoder }

// Value reads the next value, whole.
func (d Decoder) Value() (Value, error) {
	text, err := d.ReadValue()
	if err != nil {
		return Value{}, err
	}
	return Parse(text)
}

// parser makes a value in two passes: the first counts what each container
// holds, so that the second makes everything in its final size.
type parser struct {
	*jsontext.Decoder
	sizes   sizes // of the containers that hold something, in the order in which they begin
	items   int   // of all arrays together, not yet made
	members int   // of all objects
	read    int32 // of sizes

	freeItems   []Value
	freeMembers []Member
	freeText    []byte
	left        int        // bytes of text to come, at most
	names       [64]string // seen lately, by a hash
	scratch     []byte
	table       []uint32
}

// Sizes in bytes of what values consist of.
const (
	itemSize   = 16
	memberSize = 32
)

// size is about how many bytes the value of a counted text takes, and making it.
func (p *parser) size(text int) int64 {
	return int64(p.items)*itemSize + int64(p.members)*memberSize + int64(p.sizes.n)*4 + int64(text)
}

// count is the first pass. It does not validate; of what is no JSON it counts
// something.
func (p *parser) count(text []byte) {
	p.left = len(text)
	var open [MaxDepth + 2]int32 // where the open containers stand in sizes, -1 when they hold nothing
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case ',':
			if depth > 0 && open[depth] >= 0 {
				*p.sizes.at(open[depth])++
			}
		case '[', '{':
			if depth++; depth == len(open) {
				return // too deep for the second pass, too
			}
			open[depth] = -1
			if !empty(text[i+1:]) {
				open[depth] = p.sizes.add()
			}
		case ']', '}':
			if depth == 0 {
				return
			}
			if at := open[depth]; at >= 0 && c == ']' {
				p.items += int(*p.sizes.at(at))
			} else if at >= 0 {
				p.members += int(*p.sizes.at(at))
			}
			depth--
		}
	}
}

// empty reports whether a container ends before it holds anything.
func empty(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ']' || c == '}'
		}
	}
	return true
}

func (p *parser) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, fmt.Errorf("parse JSON: nested deeper than %d at byte %d", MaxDepth, p.InputOffset())
	}
	switch p.PeekKind() {
	case '[':
		return p.array(depth)
	case '{':
		return p.object(depth)
	}
	raw, err := p.scalar()
	switch {
	case err == io.EOF:
		return Value{}, fmt.Errorf("parse JSON: no value")
	case err != nil:
		return Value{}, fmt.Errorf("parse JSON: %w", err)
	}
	switch raw[0] {
	case 'n':
		return Nil(), nil
	case 't', 'f':
		return Boolean(raw[0] == 't'), nil
	case '"':
		return ofText(String, p.keep(p.content(raw))), nil
	}
	return ofText(Number, p.keep(raw)), nil
}

// scalar reads the next value, which is no container. The error is the one that
// reading by token has, which says more.
func (p *parser) scalar() (jsontext.Value, error) {
	switch p.PeekKind() {
	case 'n', 't', 'f', '"', '0':
		return p.ReadValue()
	}
	_, err := p.ReadToken()
	if err == nil {
		err = io.ErrUnexpectedEOF // the caller has seen what begins a container
	}
	return nil, err
}

func (p *parser) array(depth int) (Value, error) {
	if _, err := p.ReadToken(); err != nil {
		return Value{}, fmt.Errorf("parse JSON: %w", err)
	}
	var items []Value
	if p.PeekKind() != ']' {
		items = take(&p.freeItems, &p.items, p.next())
	}
	for p.PeekKind() != ']' {
		item, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, item)
	}
	_, err := p.ReadToken()
	return ofItems(items), err
}

func (p *parser) object(depth int) (Value, error) {
	if _, err := p.ReadToken(); err != nil {
		return Value{}, fmt.Errorf("parse JSON: %w", err)
	}
	var members []Member
	if p.PeekKind() != '}' {
		members = take(&p.freeMembers, &p.members, p.next())
	}
	for p.PeekKind() != '}' {
		raw, err := p.ReadValue()
		if err != nil {
			return Value{}, fmt.Errorf("parse JSON: %w", err)
		}
		name := p.name(p.content(raw))
		item, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		members = append(members, Member{name, item})
	}
	_, err := p.ReadToken()
	return ofMembers(p.unique(members)), err
}

// next is how many items or members the container that begins has.
func (p *parser) next() int {
	if p.read == p.sizes.n {
		return 0 // the text is no JSON
	}
	p.read++
	return int(*p.sizes.at(p.read - 1))
}

// sizes is a list of numbers that grows without being copied once it is long.
type sizes struct {
	chunks [][]uint32
	n      int32
}

const sizesChunk = 4 << 10

func (s *sizes) at(i int32) *uint32 { return &s.chunks[i/sizesChunk][i%sizesChunk] }

// add appends the size of a container that holds one thing or more.
func (s *sizes) add() int32 {
	if s.n%sizesChunk == 0 {
		s.chunks = append(s.chunks, make([]uint32, 0, min(64+s.n, sizesChunk)))
	}
	last := &s.chunks[len(s.chunks)-1]
	*last = append(*last, 1)
	s.n++
	return s.n - 1
}

// chunk is how many items or members are made at once, for many containers. A
// value that is kept keeps its chunk.
const chunk = 2048

// take returns room for n, of which there are left in all.
func take[T any](free *[]T, left *int, n int) []T {
	if n > len(*free) {
		*free = make([]T, max(n, min(*left, chunk)))
	}
	room := (*free)[:0:n]
	*free = (*free)[n:]
	*left -= n
	return room
}

// content is the content of a quoted text; it is good until the next call.
func (p *parser) content(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	p.scratch, _ = jsontext.AppendUnquote(p.scratch[:0], raw) // it was read as valid
	return p.scratch
}

// name is keep for names, of which the same come again and again.
func (p *parser) name(b []byte) string {
	if len(b) < 2 {
		return p.keep(b)
	}
	slot := &p.names[(len(b)*7+int(b[0])*3+int(b[len(b)-1])*5+int(b[len(b)/2]))%len(p.names)]
	if *slot != string(b) {
		*slot = p.keep(b)
	}
	return *slot
}

// textChunk is how many bytes of texts stand together. A text that is kept keeps
// its chunk.
const textChunk = 4 << 10

// keep returns b as a text that stays.
func (p *parser) keep(b []byte) string {
	if s, ok := short(b); ok {
		return s
	}
	p.left -= len(b)
	switch {
	case len(b) >= textChunk/8:
		return string(b)
	case len(b) > len(p.freeText):
		p.freeText = make([]byte, max(len(b), min(p.left+len(b), textChunk)))
	}
	n := copy(p.freeText, b)
	s := textOf(p.freeText[:n:n])
	p.freeText = p.freeText[n:]
	return s
}

// Texts that are shared: each ASCII character, and the numbers of two digits.
const (
	ascii = "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f" +
		" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f"
	twoDigits = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"
)

func short(b []byte) (s string, ok bool) {
	switch {
	case len(b) == 0:
		return "", true
	case len(b) == 1 && b[0] < utf8.RuneSelf:
		return ascii[b[0] : b[0]+1], true
	case len(b) == 2 && '0' <= b[0] && b[0] <= '9' && '0' <= b[1] && b[1] <= '9':
		at := 2 * (int(b[0]-'0')*10 + int(b[1]-'0'))
		return twoDigits[at : at+2], true
	}
	return "", false
}

var seed = maphash.MakeSeed()

// unique is members without those whose name comes again: the last value, at the
// first place. It takes linear time, and 8 to 16 bytes for each of many members.
func (p *parser) unique(members []Member) []Member {
	if len(members) <= many {
		kept := members[:0]
		for _, m := range members {
			if i := find(kept, m.Name); i >= 0 {
				kept[i].Value = m.Value
				continue
			}
			kept = append(kept, m)
		}
		return kept
	}
	size := 2
	for size < 2*len(members) {
		size *= 2
	}
	if cap(p.table) < size {
		p.table = make([]uint32, size)
	}
	table := p.table[:size] // of positions in kept and one
	clear(table)
	kept := members[:0]
next:
	for _, m := range members {
		slot := int(maphash.String(seed, m.Name)) & (size - 1)
		for ; table[slot] > 0; slot = (slot + 1) & (size - 1) {
			if k := &kept[table[slot]-1]; k.Name == m.Name {
				k.Value = m.Value
				continue next
			}
		}
		kept = append(kept, m)
		table[slot] = uint32(len(kept))
	}
	return kept
}
