// Package answer writes what a call answered as the result of a tool: content and
// structured content, cut to what a model can take, with notes on what is missing,
// and failures with advice.
package answer

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/value"
	"github.com/go-json-experiment/json/jsontext"
)

// compactOptions make JSON text compact without touching its strings and numbers.
var compactOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true)}

// Writer writes the results of one request.
type Writer struct {
	Out  []byte // the answer
	Raw  []byte // an upstream's answer
	JSON []byte // the same, compact

	Head       []byte // how results begin
	AnyContent bool   // structured content may be anything, not only an object
	Request    string // the ID of the request, which failures name; "" when nobody hears of it
	Told       string // why nothing came of it, as the model was told
}

// Reset forgets what was written and keeps the memory.
func (w *Writer) Reset() {
	*w = Writer{Out: w.Out[:0], Raw: w.Raw[:0], JSON: w.JSON[:0]}
}

// Size is how many bytes of memory it keeps.
func (w *Writer) Size() int { return cap(w.Out) + cap(w.Raw) + cap(w.JSON) }

// copies is how often an answer is written beside what was read: compact, as text
// and as structured content, or in base64, and while it is masked.
const copies = 4

// spent is what a call is told whose answer costs too much to write.
func spent(m *budget.Meter) *engine.Error {
	e := engine.Spent(m.Err())
	e.Unclear = true
	return e
}

// Open begins a result with what all results of the revision have.
func (w *Writer) Open() { w.Out = append(w.Out, w.Head...) }

// Result writes the result of a call that worked; given are its arguments, by
// input. No credential that the call held stands in it.
func (w *Writer) Result(t *catalogue.Tool, given []value.Value, res *engine.Result) *engine.Error {
	start := len(w.Out)
	if failed := w.result(t, given, res); failed != nil {
		return failed
	}
	w.Out = maskStrings(w.Out, start, res.Masked)
	return nil
}

// maskStrings masks the strings of the JSON text that begins at start. Numbers
// stay: what is only digits cannot be told from them.
func maskStrings(out []byte, start int, masked func([]byte) []byte) []byte {
	if text := out[start:]; bytes.Equal(masked(text), text) {
		return out
	}
	text := bytes.Clone(out[start:])
	for out = out[:start]; ; {
		opening := bytes.IndexByte(text, '"') + 1
		if opening == 0 {
			return append(out, text...)
		}
		closing := opening
		for closing < len(text) && text[closing] != '"' {
			if text[closing] == '\\' {
				closing++
			}
			closing++
		}
		closing = min(closing, len(text))
		out = append(append(out, text[:opening]...), masked(text[opening:closing])...)
		if text = text[closing:]; len(text) > 0 {
			out, text = append(out, '"'), text[1:]
		}
	}
}

func (w *Writer) result(t *catalogue.Tool, given []value.Value, res *engine.Result) *engine.Error {
	by := remarks{tool: t, header: res.Header, given: given, hollow: res.Hollow, meter: res.Meter()}
	if res.Raw == nil {
		switch res.Value.Kind() {
		case value.Absent:
			w.done(t, res.Status, by.note(false))
			return nil
		case value.String:
			w.text(by, res.Value.Text(), true)
			return nil
		}
		w.JSON = res.Value.AppendJSON(w.JSON[:0])
		return w.structured(by, res.Value)
	}
	if text := res.Made(); len(text) > 0 {
		if m := res.Meter(); !m.Steps(len(text)/64) || !m.Hold(copies*int64(min(len(text), 8*t.MaxChars))) {
			return spent(m)
		}
		w.JSON = text
		return w.structured(by, value.Value{})
	}
	kind, failed := w.ReadAnswer(t.Unit, res)
	switch {
	case failed != nil:
		return failed
	case res.Binary:
		return w.binary(t.Unit.Namespace+"/"+t.Name, res.ContentType, by.note(false))
	case len(w.Raw) == 0:
		w.done(t, res.Status, by.note(false))
		return nil
	}
	bad := w.compact()
	switch {
	case bad == nil:
		return w.structured(by, value.Value{})
	// and no text under a wrong name
	case strings.Contains(kind, "json") && errors.Is(bad, io.ErrUnexpectedEOF) && (w.Raw[0] == '{' || w.Raw[0] == '['):
		return engine.BrokenOff("the API", "It begins: "+wire.Shorten(string(w.Raw), 300))
	}
	w.text(by, strings.ToValidUTF8(string(w.Raw), "\uFFFD"), false)
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

// Structured writes w.JSON, compact JSON, as text and as structuredContent. v is
// the same as a value.
func (w *Writer) Structured(t *catalogue.Tool, v value.Value) *engine.Error {
	return w.structured(remarks{tool: t}, v)
}

// structured writes w.JSON with what there is to remark. v is Absent where nobody
// needed it so far.
func (w *Writer) structured(by remarks, v value.Value) *engine.Error {
	t := by.tool
	if len(w.JSON) > 0 && w.JSON[0] == '"' {
		text, _ := jsontext.AppendUnquote(nil, w.JSON) // it is valid
		w.text(by, string(text), true)
		return nil
	}
	note := by.note(false)
	var failed *engine.Error
	if len(w.JSON) > t.MaxChars && utf8.RuneCount(w.JSON) > t.MaxChars {
		if v.IsAbsent() {
			w.JSON = thin(w.JSON, 4*t.MaxChars) // each character has at most four bytes
			if v, failed = parsed(by.meter, w.JSON); failed != nil {
				return failed
			}
		}
		var what string
		v, what, note = cut(v, by, noteRoom+len(note))
		note = strings.TrimSpace(what + "\n" + note)
		w.JSON = v.AppendJSON(w.JSON[:0])
	}
	content := w.JSON
	if rounded := rounds(w.JSON); t.Output != nil || rounded && (w.AnyContent || w.JSON[0] == '{') {
		if v.IsAbsent() {
			if v, failed = parsed(by.meter, w.JSON); failed != nil {
				return failed
			}
		}
		var left string
		content, left = w.conforming(t, v, rounded)
		note = strings.TrimSpace(note + "\n" + left)
	}
	w.Open()
	w.Out = appendContent(w.Out, w.JSON, note)
	if len(content) > 0 && (content[0] == '{' || w.AnyContent) {
		w.Out = append(append(w.Out, `,"structuredContent":`...), content...)
	}
	w.Out = append(w.Out, '}')
	return nil
}

// parsed is valid JSON as a value.
func parsed(m *budget.Meter, json []byte) (value.Value, *engine.Error) {
	v, err := value.ParseWithin(m, json)
	switch {
	case m.Err() != nil:
		return v, spent(m)
	case err != nil: // so it is nested too deeply
		return v, engine.Unreadable("the API answered JSON that is nested too deeply", "")
	}
	return v, nil
}

// conforming returns v, which w.JSON holds, as structured content: an object as the
// output schema promises it, where there is one, and no number that clients round.
// What is left out is named.
func (w *Writer) conforming(t *catalogue.Tool, v value.Value, rounded bool) (content []byte, note string) {
	name := ""
	switch {
	case t.Output == nil || v.Kind() == value.Object:
	case v.Kind() == value.Null:
		return []byte("{}"), "" // a null stands in the text only
	case v.Kind() == value.Array && t.Output.Property(catalogue.ItemsMember) != nil:
		name = catalogue.ItemsMember
	default:
		name = catalogue.ValueMember
	}
	if name != "" {
		v = value.Map(value.Member{Name: name, Value: v})
	}
	switch {
	case rounded || !conforms(v, t.Output):
		var f fitter
		v, ok := f.fit(v, t.Output, "")
		if !ok {
			return nil, f.note()
		}
		return v.AppendJSON(nil), f.note()
	case name == "":
		return w.JSON, ""
	}
	content = append(value.AppendString(append(content, '{'), name), ':')
	return append(append(content, w.JSON...), '}'), ""
}

// text writes an answer that is one JSON string, or no JSON at all.
func (w *Writer) text(by remarks, text string, isJSON bool) {
	t, note := by.tool, by.note(false)
	if total := utf8.RuneCountInString(text); total > t.MaxChars {
		text = firstRunes(text, room(t, noteRoom+len(note)))
		if line := strings.LastIndexByte(text, '\n'); line > len(text)/2 {
			text = text[:line]
		}
		what := by.cut([]missing{{shown: utf8.RuneCountInString(text), total: total, what: characters}})
		note = strings.TrimSpace(what + "\n" + by.note(true))
	}
	w.Open()
	w.Out = appendContent(w.Out, text, note)
	switch {
	case t.Output != nil:
		w.Out = value.AppendString(append(w.Out, `,"structuredContent":{"`+catalogue.ValueMember+`":`...), text)
		w.Out = append(w.Out, '}')
	case isJSON && w.AnyContent:
		w.Out = value.AppendString(append(w.Out, `,"structuredContent":`...), text)
	}
	w.Out = append(w.Out, '}')
}

// done writes the result of a call that has no answer.
func (w *Writer) done(t *catalogue.Tool, status int, note string) {
	text := "Done"
	if status != 0 {
		text += ": " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))
	}
	if note != "" {
		text += "\n" + note
	}
	w.Open()
	w.Out = appendContent(w.Out, text, "")
	if t.Output != nil {
		w.Out = append(w.Out, `,"structuredContent":{}`...)
	}
	w.Out = append(w.Out, '}')
}

// MetaRequest is the member of _meta in which a failure names its request.
const MetaRequest = "dev.fairlead/requestId"

// Fail writes a result that says what went wrong.
func (w *Writer) Fail(text string) {
	w.Told = text
	w.Open()
	if w.Request != "" {
		if head, ok := bytes.CutSuffix(w.Out, []byte("},")); ok { // of _meta
			w.Out = append(head, ',')
		} else {
			w.Out = append(w.Out, `"_meta":{`...)
		}
		w.Out = append(append(append(w.Out, `"`+MetaRequest+`":"`...), w.Request...), `"},`...)
	}
	w.Out = append(appendContent(w.Out, cmp.Or(text, "failed"), ""), `,"isError":true}`...)
}
