package format

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// boms are the byte order marks and the encodings they announce.
var boms = []struct{ mark, name string }{
	{"\xEF\xBB\xBF", "utf-8"},
	{"\xFE\xFF", "utf-16be"},
	{"\xFF\xFE", "utf-16le"},
}

// Charset returns the body as UTF-8 without a byte order mark. The charset is
// the one of the byte order mark, else of mediaType, else of an XML declaration
// or, in HTML, of a meta element; without any of them the body is returned as it
// is. An unknown charset is an error unless the body is UTF-8 anyway. Bytes that
// the charset does not have become U+FFFD, except in UTF-8, which is returned
// unread, and without allocation.
func Charset(body []byte, mediaType string) ([]byte, error) {
	for _, b := range boms {
		if bytes.HasPrefix(body, []byte(b.mark)) {
			return transcode(body[len(b.mark):], b.name)
		}
	}
	if name := charsetParameter(mediaType); name != "" {
		return transcode(body, name)
	}
	if name := declaredEncoding(body); name != "" {
		return transcode(body, name)
	}
	if IsHTML(mediaType, body) {
		e, name, certain := charset.DetermineEncoding(body, "text/html")
		if name == "utf-8" || !certain && utf8.Valid(body) {
			return body, nil
		}
		return e.NewDecoder().Bytes(body)
	}
	return body, nil
}

func transcode(body []byte, name string) ([]byte, error) {
	if strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "us-ascii") {
		return body, nil
	}
	e, canonical := charset.Lookup(name)
	switch {
	case canonical == "utf-8":
		return body, nil
	case e == nil || canonical == "replacement":
		if utf8.Valid(body) {
			return body, nil
		}
		return nil, fail("the charset %s is not known", quote(name))
	}
	text, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fail("the body is not %s text", canonical)
	}
	return text, nil
}

// charsetParameter is the charset of a media type (RFC 9110 section 8.3.1), or "".
func charsetParameter(mediaType string) string {
	_, rest, more := strings.Cut(mediaType, ";")
	for more {
		var parameter string
		parameter, rest, more = strings.Cut(rest, ";")
		name, content, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(strings.TrimSpace(content), `"'`)
		}
	}
	return ""
}

// declaredEncoding is the encoding of an XML declaration, or "". Such a
// declaration can only be read where the encoding is a superset of ASCII.
func declaredEncoding(body []byte) string {
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return ""
	}
	declaration, _, ok := bytes.Cut(body[:min(len(body), 512)], []byte("?>"))
	if !ok {
		return ""
	}
	_, rest, ok := bytes.Cut(declaration, []byte("encoding"))
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if !ok || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := bytes.Cut(rest[1:], rest[:1])
	return string(name)
}

// IsHTML reports whether an answer, or its beginning, is an HTML page: it begins
// like one, or with any markup where its media type says that it is one. JSON and
// plain text under the name of HTML, which some APIs send, are no pages.
func IsHTML(mediaType string, body []byte) bool {
	body = bytes.TrimPrefix(body, []byte(boms[0].mark))
	if LabelsHTML(mediaType) {
		body = bytes.TrimLeft(body, " \t\r\n\f")
		return len(body) > 0 && body[0] == '<'
	}
	for {
		body = bytes.TrimLeft(body, " \t\r\n\f")
		if !bytes.HasPrefix(body, []byte("<!--")) {
			break
		}
		_, rest, closed := bytes.Cut(body[4:], []byte("-->"))
		if !closed {
			return false
		}
		body = rest
	}
	return startsWithTag(body, "<!doctype html") || startsWithTag(body, "<html")
}

// LabelsHTML reports whether a media type is that of HTML or XHTML.
func LabelsHTML(mediaType string) bool {
	essence, _, _ := strings.Cut(mediaType, ";")
	essence = strings.TrimSpace(essence)
	return strings.EqualFold(essence, "text/html") || strings.EqualFold(essence, "application/xhtml+xml")
}

// startsWithTag reports whether body begins with start, in any case, and the name ends there.
func startsWithTag(body []byte, start string) bool {
	return len(body) > len(start) && strings.EqualFold(string(body[:len(start)]), start) &&
		strings.IndexByte(" \t\r\n\f/>", body[len(start)]) >= 0
}
