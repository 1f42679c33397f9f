package mcp

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/value"
)

// compactOptions make JSON text compact without touching its strings and numbers.
var compactOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true)}

// result writes the result of a call that worked.
func (r *request) result(t *tool, res *engine.Result) *engine.Error {
	note := headerNote(t, res.Header)
	if res.Raw == nil {
		switch res.Value.Kind() {
		case value.Absent:
			r.done(t, res.Status, note)
			return nil
		case value.String:
			r.text(t, res.Value.Text(), note, true)
			return nil
		}
		r.json = res.Value.AppendJSON(r.json[:0])
		return r.structured(t, res.Value, note)
	}
	kind, failed := r.readAnswer(t.unit, res)
	switch {
	case failed != nil:
		return failed
	case res.Binary:
		return r.binary(t.unit.Namespace+"/"+t.name, res.ContentType, note)
	case len(r.raw) == 0:
		r.done(t, res.Status, note)
		return nil
	}
	var bad error
	r.json, bad = jsontext.AppendFormat(r.json[:0], r.raw, compactOptions...)
	switch {
	case bad == nil:
		return r.structured(t, value.Value{}, note)
	case strings.Contains(kind, "json") && errors.Is(bad, io.ErrUnexpectedEOF) && (r.raw[0] == '{' || r.raw[0] == '['): // and no text under a wrong name
		return engine.BrokenOff("the API", "It begins: "+cutText(string(r.raw), 300))
	}
	r.text(t, strings.ToValidUTF8(string(r.raw), "\uFFFD"), note, false)
	return nil
}

// appendContent appends the content of a result: a text, and a note beside it.
func appendContent[Text ~string | ~[]byte](dst []byte, text Text, note string) []byte {
	dst, _ = jsontext.AppendQuote(append(dst, `"content":[{"type":"text","text":`...), text) // its error only reports U+FFFD
	if note != "" {
		dst = value.AppendString(append(dst, `},{"type":"text","text":`...), note)
	}
	return append(dst, `}]`...)
}

// structured writes r.json, compact JSON, as text and as structuredContent. v is
// the same as a value, or Absent where nobody needed one so far.
func (r *request) structured(t *tool, v value.Value, note string) *engine.Error {
	if len(r.json) > 0 && r.json[0] == '"' {
		text, _ := jsontext.AppendUnquote(nil, r.json) // it is valid
		r.text(t, string(text), note, true)
		return nil
	}
	long := len(r.json) > t.maxChars && utf8.RuneCount(r.json) > t.maxChars
	if (long || t.output != nil) && v.IsAbsent() {
		var err error
		if v, err = value.Parse(r.json); err != nil { // it is valid, so it is nested too deeply
			return engine.Unreadable("the API answered JSON that is nested too deeply", "")
		}
	}
	if long {
		var what string
		v, what = cut(v, t, noteRoom+len(note))
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
	r.out = appendContent(r.out, r.json, note)
	if content[0] == '{' || r.modern() {
		r.out = append(append(r.out, `,"structuredContent":`...), content...)
	}
	r.out = append(r.out, '}')
	return nil
}

// conforming returns v as the output schema promises it: an object. What is not
// of the declared type is left out, and named.
func (r *request) conforming(t *tool, v value.Value) (content []byte, note string) {
	name := ""
	switch {
	case v.Kind() == value.Object:
	case v.Kind() == value.Array && t.output.Property(itemsMember) != nil:
		name = itemsMember
	default:
		name = valueMember
	}
	if v.Kind() == value.Null {
		return []byte("{}"), "" // a null stands in the text only
	}
	if name != "" {
		v = value.Map(value.Member{Name: name, Value: v})
	}
	switch {
	case !conforms(v, t.output):
		var f fitter
		v, _ = f.fit(v, t.output, "")
		if f.left != nil {
			note = "Not of the declared type, so only in the text: `" + strings.Join(f.left[:min(len(f.left), 5)], "`, `") + "`."
		}
		return v.AppendJSON(nil), note
	case name == "":
		return r.json, ""
	}
	content = append(value.AppendString(append(content, '{'), name), ':')
	return append(append(content, r.json...), '}'), ""
}

// text writes an answer that is one JSON string, or no JSON at all.
func (r *request) text(t *tool, text, note string, isJSON bool) {
	if total := utf8.RuneCountInString(text); total > t.maxChars {
		text = firstRunes(text, room(t, noteRoom+len(note)))
		if line := strings.LastIndexByte(text, '\n'); line > len(text)/2 {
			text = text[:line]
		}
		note = strings.TrimSpace(cutNote([]missing{{shown: utf8.RuneCountInString(text), total: total, what: "characters"}}, t) + "\n" + note)
	}
	r.open()
	r.out = appendContent(r.out, text, note)
	switch {
	case t.output != nil:
		r.out = value.AppendString(append(r.out, `,"structuredContent":{"`+valueMember+`":`...), text)
		r.out = append(r.out, '}')
	case isJSON && r.modern():
		r.out = value.AppendString(append(r.out, `,"structuredContent":`...), text)
	}
	r.out = append(r.out, '}')
}

// done writes the result of a call that has no answer.
func (r *request) done(t *tool, status int, note string) {
	text := "Done"
	if status != 0 {
		text += ": " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))
	}
	if note != "" {
		text += "\n" + note
	}
	r.open()
	r.out = appendContent(r.out, text, "")
	if t.output != nil {
		r.out = append(r.out, `,"structuredContent":{}`...)
	}
	r.out = append(r.out, '}')
}
