// Package format turns what an upstream answers with, in any of the formats a
// consumed operation may declare, into a value.Value. A Decoder is compiled
// once and used by any number of goroutines. It trusts no body: values, nesting
// and work are limited, and an error shows at most a few words of the body.
package format

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits on one decoded answer. Where a library builds a tree of its own first,
// the body is measured against them before the library sees it.
const (
	MaxValues = 1_000_000 // scalars, arrays and objects together
	MaxDepth  = value.MaxDepth
)

// Kind is a format of upstream answers. The zero Kind is JSON, which is also
// what a document means that names none.
type Kind uint8

// The formats. Binary is never decoded: its bytes pass through.
const (
	JSON Kind = iota
	XML
	YAML
	CSV
	TSV
	PSV
	HTML
	Markdown
	Avro
	Protobuf
	Text
	Binary
)

// size is what a value costs in memory while it is decoded, in bytes, with what
// the library keeps of it.
var kinds = [...]struct {
	name, accept string
	size         int64
}{
	JSON:     {"json", "application/json, */*;q=0.5", 0},
	XML:      {"xml", "application/xml, text/xml;q=0.9, */*;q=0.5", 128},
	YAML:     {"yaml", "application/yaml, text/yaml;q=0.9, */*;q=0.5", 0},
	CSV:      {"csv", "text/csv, */*;q=0.5", 64},
	TSV:      {"tsv", "text/tab-separated-values, */*;q=0.5", 64},
	PSV:      {"psv", "text/plain, */*;q=0.5", 64},
	HTML:     {"html", "text/html, application/xhtml+xml;q=0.9, */*;q=0.5", 128},
	Markdown: {"markdown", "text/markdown, text/plain;q=0.9, */*;q=0.5", 128},
	Avro:     {"avro", "application/avro, avro/binary;q=0.9, */*;q=0.5", 64},
	Protobuf: {"protobuf", "application/x-protobuf, application/protobuf;q=0.9, */*;q=0.5", 160},
	Text:     {"text", "text/plain, */*;q=0.5", 0},
	Binary:   {"binary", "*/*", 0},
}

var aliases = map[string]Kind{
	"": JSON, "yml": YAML, "md": Markdown, "proto": Protobuf,
	"plain": Text, "octet-stream": Binary, "raw": Binary,
}

// String is the name of the format as documents write it.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return fmt.Sprintf("format %d", k)
	}
	return kinds[k].name
}

// ParseKind finds the format that a document names, whatever the case. The
// empty name is JSON; "plain" is text, "raw" and "octet-stream" are binary.
func ParseKind(name string) (Kind, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if k, ok := aliases[name]; ok {
		return k, true
	}
	for k := range kinds {
		if kinds[k].name == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// Names lists the formats in the order of the constants, without aliases.
func Names() []string {
	names := make([]string, len(kinds))
	for k := range kinds {
		names[k] = kinds[k].name
	}
	return names
}

// Accept is the value of an Accept header that asks for the format first and
// takes anything else rather than nothing.
func Accept(k Kind) string {
	if int(k) >= len(kinds) {
		return "*/*"
	}
	return kinds[k].accept
}

// Schema is what a format needs to know besides the body. The zero Schema suits
// every format but Protobuf, and Avro answers that are not container files.
type Schema struct {
	// Text is the operation's outputSchema: for HTML a CSS selector of the
	// tables wanted, for Markdown what the headings of the sections wanted begin
	// with, for Avro the schema's file, for Protobuf the file, whose first
	// message is meant unless it says file.proto#Message.
	Text string
	// Files is where schema files and their imports are read, by slash-separated
	// paths that cannot leave it. Only New reads it.
	Files fs.FS
}

// Decoder turns bodies of one format into values.
type Decoder interface {
	// Decode reads the whole body. mediaType is the upstream's Content-Type,
	// which may say the charset; it may be empty. An empty body (for text
	// formats, a blank one) is Absent. The body is not kept. Errors are of type
	// *Error, or that of m, which counts the steps and the bytes; it may be nil.
	Decode(m *budget.Meter, body []byte, mediaType string) (value.Value, error)

	// JSON writes what Decode makes as compact JSON text without making it, where the
	// format allows that, and ok says that it does: a value takes several times the
	// memory of its text. Absent is no text. More than limit bytes are
	// budget.ErrTooLong, which is no *Error.
	JSON(m *budget.Meter, body []byte, mediaType string, limit int64) (text []byte, ok bool, err error)
}

// New compiles a decoder. Its errors are of type *Error and concern the schema.
func New(kind Kind, schema Schema) (Decoder, error) {
	d := &decoder{kind: kind}
	var err error
	switch kind {
	case JSON:
		d.decode = decodeJSON
	case XML:
		d.decode, d.write = decodeXML, writeXML
	case YAML:
		d.decode = decodeYAML
	case CSV:
		d.decode, d.write = separated(','), writeSeparated(',')
	case TSV:
		d.decode, d.write = separated('\t'), writeSeparated('\t')
	case PSV:
		d.decode, d.write = separated('|'), writeSeparated('|')
	case HTML:
		d.decode, err = newHTML(schema)
	case Markdown:
		d.decode = newMarkdown(schema).decode
	case Avro:
		d.decode, err = newAvro(schema)
	case Protobuf:
		d.decode, err = newProtobuf(schema)
	case Text:
		d.decode = func(body []byte, left *allowance) (value.Value, error) {
			if !left.meter.Hold(int64(len(body))) {
				return value.Value{}, left.meter.Err()
			}
			return value.Of(string(body)), nil
		}
	case Binary:
		d.decode = func([]byte, *allowance) (value.Value, error) {
			return value.Value{}, fail("a binary answer is passed on as bytes; it has no JSON form")
		}
	default:
		err = fail("there is no such format")
	}
	if err != nil {
		return nil, asError(kind, err)
	}
	return d, nil
}

type decoder struct {
	kind   Kind
	decode decodeFunc
	write  writeFunc // nil where a value has to be made
}

// decodeFunc decodes a body that is not empty and, for text formats, UTF-8.
type decodeFunc func(body []byte, left *allowance) (value.Value, error)

func (d *decoder) Decode(m *budget.Meter, body []byte, mediaType string) (value.Value, error) {
	body, err := d.prepare(m, body, mediaType)
	if len(body) == 0 || err != nil {
		return value.Value{}, err
	}
	left := &allowance{meter: m, size: kinds[d.kind].size}
	v, err := d.decode(body, left.again())
	switch {
	case m.Err() != nil:
		return value.Value{}, m.Err()
	case err != nil:
		return value.Value{}, asError(d.kind, err)
	}
	return v, nil
}

func (d *decoder) JSON(m *budget.Meter, body []byte, mediaType string, limit int64) (text []byte, ok bool, err error) {
	if d.write == nil {
		return nil, false, nil
	}
	if body, err = d.prepare(m, body, mediaType); len(body) == 0 || err != nil {
		return nil, true, err
	}
	out := &jsonText{meter: m, limit: limit}
	switch err = d.write(body, (&allowance{meter: m}).again(), out); {
	case m.Err() != nil:
		return nil, true, m.Err()
	case err == budget.ErrTooLong:
		return nil, true, err
	case err != nil:
		return nil, true, asError(d.kind, err)
	}
	return out.text, true, nil
}

// prepare is the body as decode wants it: nothing where there is nothing to decode.
func (d *decoder) prepare(m *budget.Meter, body []byte, mediaType string) ([]byte, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if slices.Contains([]Kind{Avro, Protobuf, Binary}, d.kind) {
		return body, nil
	}
	text, err := d.text(body, mediaType)
	if err != nil {
		return nil, asError(d.kind, err)
	}
	if !sameBytes(text, body) && !m.Hold(int64(cap(text))) {
		return nil, m.Err()
	}
	if d.kind != Text && blank(text) {
		return nil, nil
	}
	return text, nil
}

// text returns the body as UTF-8.
func (d *decoder) text(body []byte, mediaType string) ([]byte, error) {
	switch d.kind {
	case JSON:
		// RFC 8259 section 11: JSON has no charset parameter, one that is there
		// changes nothing. It is believed only where the body is not UTF-8.
		if utf8.Valid(body) {
			mediaType = ""
		}
	case HTML:
		if charsetParameter(mediaType) == "" {
			mediaType = "text/html"
		}
	}
	text, err := Charset(body, mediaType)
	if err != nil || d.kind == HTML || utf8.Valid(text) {
		return text, err
	}
	return nil, &Error{Offset: firstInvalid(text),
		Message: "the body is not UTF-8 text, and no other charset is declared"}
}

// sameBytes reports whether text is a part of body and no copy.
func sameBytes(text, body []byte) bool {
	return len(text) == 0 || &text[len(text)-1] == &body[len(body)-1]
}

func firstInvalid(text []byte) int64 {
	for i := 0; ; {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return int64(i)
		}
		i += size
	}
}

// blank reports whether text holds nothing but white space.
func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// Error says why a body, or the schema to read it by, was refused.
type Error struct {
	Kind    Kind
	Offset  int64  // byte of the body, once it is UTF-8; -1 where none is known
	Message string // one clause without a full stop; at most 80 characters of it are the body's
	cause   error
}

// Unwrap returns a library's error, such as io.ErrUnexpectedEOF for a body that breaks off.
func (e *Error) Unwrap() error { return e.cause }

// Error is "decode <format>: <message>" and the offset.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return "decode " + e.Kind.String() + ": " + e.Message
	}
	return fmt.Sprintf("decode %s: %s (byte %d)", e.Kind, e.Message, e.Offset)
}

// fail returns an error without an offset; text of the body among args is quoted first.
func fail(format string, args ...any) error {
	return &Error{Offset: -1, Message: fmt.Sprintf(format, args...)}
}

// foreign returns the error of a library, cut so short that it cannot show much of a body.
func foreign(offset int64, err error) error {
	return &Error{Offset: offset, Message: clip(err.Error(), 80), cause: err}
}

func asError(kind Kind, err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Offset: -1, Message: clip(err.Error(), 80)}
	}
	e.Kind = kind
	return e
}

// quote shows the start of s.
func quote(s string) string { return "“" + clip(s, 30) + "”" }

// clip cuts s to n characters.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}
