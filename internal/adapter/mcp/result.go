package mcp

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"hash/fnv"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits of an answer that is read whole, in bytes.
const (
	maxAnswer = 32 << 20
	maxBinary = 10 << 20
)

// compactOptions make JSON text compact without touching its strings and numbers.
var compactOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true)}

// result writes the result of a call that worked.
func (r *request) result(t *tool, res *engine.Result) *engine.Error {
	if res.Raw == nil {
		switch res.Value.Kind() {
		case value.Absent:
			r.done(t, res.Status, res.Header)
			return nil
		case value.String:
			r.text(t, res.Value.Text(), true)
			return nil
		}
		r.json = res.Value.AppendJSON(r.json[:0])
		return r.structured(t, res.Value, res.Header)
	}
	limit := int64(maxAnswer)
	res.Binary = res.Binary || isBytes(res.ContentType)
	if res.Binary {
		limit = maxBinary
		if call := t.unit.Steps; len(call) == 1 && call[0].Call != nil && call[0].Call.MaxBinary > 0 {
			limit = call[0].Call.MaxBinary
		}
	}
	if err := r.readRaw(res, limit); err != nil {
		return err
	}
	switch {
	case res.Binary:
		return r.binary(t.unit.Namespace+"/"+t.name, res.ContentType)
	case len(r.raw) == 0:
		r.done(t, res.Status, res.Header)
	default:
		var bad error
		r.json, bad = jsontext.AppendFormat(r.json[:0], r.raw, compactOptions...)
		switch {
		case bad == nil:
			return r.structured(t, value.Value{}, res.Header)
		case isJSON(res.ContentType) && (r.raw[0] == '{' || r.raw[0] == '['): // and no text under a wrong name
			return &engine.Error{Kind: engine.BadAnswer, Status: http.StatusBadGateway, Title: "the API answered JSON that cannot be read", Retry: true,
				Detail: "It begins: " + cutText(string(r.raw), 300)}
		}
		r.text(t, strings.ToValidUTF8(string(r.raw), "\uFFFD"), false)
	}
	return nil
}

// isBytes reports whether a media type is of content that is no text, whatever
// the document says of it.
func isBytes(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || isText(kind) {
		return false
	}
	switch major, _, _ := strings.Cut(kind, "/"); major {
	case "image", "audio", "video", "font":
		return true
	}
	return slices.Contains([]string{"application/pdf", "application/zip", "application/gzip", "application/octet-stream"}, kind)
}

// readRaw reads an upstream's bytes into r.raw, text as UTF-8.
func (r *request) readRaw(res *engine.Result, limit int64) *engine.Error {
	if res.Length > limit {
		return tooLarge(limit)
	}
	raw := r.raw[:0]
	if need := int(max(res.Length, 0)) + 1; cap(raw) < need {
		raw = make([]byte, 0, max(need, 512))
	}
	for {
		n, err := res.Raw.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		r.raw = raw
		switch {
		case int64(len(raw)) > limit:
			return tooLarge(limit)
		case err == io.EOF:
			return r.toUTF8(res)
		case err != nil && r.ctx.Err() != nil:
			return &engine.Error{Kind: engine.Canceled}
		case err != nil:
			return &engine.Error{Kind: engine.Unreachable, Status: http.StatusBadGateway, Title: "the answer of the API broke off", Retry: true}
		case len(raw) == cap(raw):
			raw = append(raw, 0)[:len(raw)]
		}
	}
}

// toUTF8 makes text that was read UTF-8 without a byte order mark, which MCP
// takes only; text that is so already stays untouched.
func (r *request) toUTF8(res *engine.Result) *engine.Error {
	if res.Binary {
		return nil
	}
	text, err := format.Charset(r.raw, res.ContentType)
	if err != nil {
		return &engine.Error{Kind: engine.BadAnswer, Status: http.StatusBadGateway, Title: "the API answered text that cannot be read", Detail: err.Error()}
	}
	r.raw = text
	return nil
}

func tooLarge(limit int64) *engine.Error {
	return &engine.Error{Kind: engine.TooLarge, Status: http.StatusBadGateway, Title: "the answer of the API is larger than " + strconv.FormatInt(limit, 10) + " bytes",
		Detail: "Ask for less: a page, a filter."}
}

// structured writes r.json, compact JSON, as text and as structuredContent. v is
// the same as a value, or Absent where nobody needed one so far.
func (r *request) structured(t *tool, v value.Value, header http.Header) *engine.Error {
	if len(r.json) > 0 && r.json[0] == '"' {
		text, _ := jsontext.AppendUnquote(nil, r.json) // it is valid
		r.text(t, string(text), true)
		return nil
	}
	note := headerNote(t, header)
	long := len(r.json) > t.maxChars && utf8.RuneCount(r.json) > t.maxChars
	if (long || t.output != nil) && v.IsAbsent() {
		var err error
		if v, err = value.Parse(r.json); err != nil { // it is valid, so it is nested too deeply
			return &engine.Error{Kind: engine.BadAnswer, Status: http.StatusBadGateway, Title: "the API answered JSON that is nested too deeply"}
		}
	}
	if long {
		var what string
		v, what = cut(v, t)
		note = strings.TrimSpace(what + "\n" + note)
		r.json = v.AppendJSON(r.json[:0])
	}
	content := r.json
	if t.output != nil {
		var left string
		content, left = r.conforming(t, v)
		note = strings.TrimSpace(note + "\n" + left)
	}
	r.open()
	r.out, _ = jsontext.AppendQuote(append(r.out, `"content":[{"type":"text","text":`...), r.json)
	if note != "" {
		r.out = value.AppendString(append(r.out, `},{"type":"text","text":`...), note)
	}
	r.out = append(r.out, `}]`...)
	if content[0] == '{' || r.modern() {
		r.out = append(append(r.out, `,"structuredContent":`...), content...)
	}
	r.out = append(r.out, '}')
	return nil
}

// conforming returns v as the output schema promises it. What is not of the
// declared type is left out, and named.
func (r *request) conforming(t *tool, v value.Value) (content []byte, note string) {
	whole := r.json
	if v.Kind() != value.Object {
		name := "value"
		if propertyOf(t.output, itemsMember) != nil && v.Kind() == value.Array {
			name = itemsMember
		}
		v = value.Map(value.Member{Name: name, Value: v})
		whole = nil
	}
	if !conforms(v, t.output) {
		var f fitter
		v, _ = f.fit(v, t.output, "")
		whole = nil
		if f.left != nil {
			note = "Not of the declared type, so only in the text: `" + strings.Join(f.left[:min(len(f.left), 5)], "`, `") + "`."
		}
	}
	if whole == nil {
		whole = v.AppendJSON(nil)
	}
	return whole, note
}

// text writes an answer that is one JSON string, or no JSON at all.
func (r *request) text(t *tool, text string, isJSON bool) {
	note := ""
	if total := utf8.RuneCountInString(text); total > t.maxChars {
		text = firstRunes(text, t.maxChars)
		if line := strings.LastIndexByte(text, '\n'); line > len(text)/2 {
			text = text[:line]
		}
		note = cutNote([]missing{{shown: utf8.RuneCountInString(text), total: total, what: "characters"}}, t)
	}
	r.open()
	r.out = value.AppendString(append(r.out, `"content":[{"type":"text","text":`...), text)
	if note != "" {
		r.out = value.AppendString(append(r.out, `},{"type":"text","text":`...), note)
	}
	r.out = append(r.out, `}]`...)
	switch {
	case t.output != nil:
		r.out = value.AppendString(append(r.out, `,"structuredContent":{"value":`...), text)
		r.out = append(r.out, '}')
	case isJSON && r.modern():
		r.out = value.AppendString(append(r.out, `,"structuredContent":`...), text)
	}
	r.out = append(r.out, '}')
}

// done writes the result of a call that has no answer.
func (r *request) done(t *tool, status int, header http.Header) {
	text := "Done"
	if status != 0 {
		text += ": " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))
	}
	if note := headerNote(t, header); note != "" {
		text += "\n" + note
	}
	r.open()
	r.out = value.AppendString(append(r.out, `"content":[{"type":"text","text":`...), text)
	r.out = append(r.out, `}]`...)
	if t.output != nil {
		r.out = append(r.out, `,"structuredContent":{}`...)
	}
	r.out = append(r.out, '}')
}

// binary writes the result of a call that answered bytes: one block of content,
// or one for each part of a multipart answer (RFC 2046). The place makes the
// URIs of embedded resources, together with what they hold.
func (r *request) binary(place, contentType string) *engine.Error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "application/octet-stream"
	}
	r.open()
	r.out = append(r.out, `"content":[`...)
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if !r.parts(place, params["boundary"]) {
			return &engine.Error{Kind: engine.BadAnswer, Status: http.StatusBadGateway, Title: "the multipart answer of the API cannot be read"}
		}
	} else {
		r.block(resourceURI(place, r.raw), kind, isText(kind) && utf8.Valid(r.raw))
	}
	r.out = append(r.out, `]}`...)
	return nil
}

// resourceURI names bytes that have no address of their own.
func resourceURI(place string, content []byte) string {
	sum := fnv.New64a()
	sum.Write(content)
	return "fairlead://" + place + "/" + hex.EncodeToString(sum.Sum(nil))
}

// parts writes a block for each part of r.raw.
func (r *request) parts(place, boundary string) bool {
	parts := multipart.NewReader(bytes.NewReader(r.raw), boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if err == io.EOF {
			return true
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(part)
		}
		if err != nil {
			return false
		}
		kind, _, err := mime.ParseMediaType(cmp.Or(part.Header.Get("Content-Type"), "text/plain"))
		if err != nil {
			kind = "application/octet-stream"
		}
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.raw = content
		text := isText(kind) && utf8.Valid(content)
		if uri := part.Header.Get("Content-Location"); uri == "" && text {
			r.out = value.AppendString(append(r.out, `{"type":"text","text":`...), string(content))
			r.out = append(r.out, '}')
		} else {
			r.block(cmp.Or(uri, resourceURI(place, content)), kind, text)
		}
	}
}

// pictures are the images that models take as such.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// block writes r.raw as an image, as audio, or as an embedded resource.
func (r *request) block(uri, kind string, text bool) {
	switch {
	case slices.Contains(pictures, kind):
		r.out = r.appendBlob(append(r.out, `{"type":"image","data":"`...))
	case strings.HasPrefix(kind, "audio/"):
		r.out = r.appendBlob(append(r.out, `{"type":"audio","data":"`...))
	default:
		r.out = r.appendResource(append(r.out, `{"type":"resource","resource":`...), uri, kind, text)
		r.out = append(r.out, '}')
		return
	}
	r.out = append(value.AppendString(append(r.out, `,"mimeType":`...), kind), '}')
}

// appendBlob appends r.raw in base64 and the quote that ends it.
func (r *request) appendBlob(dst []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(dst, r.raw), '"')
}
