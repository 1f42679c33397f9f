package upstream

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// BodyKind says how a body is encoded.
type BodyKind uint8

// The kinds of a body.
const (
	WholeBody     BodyKind = iota // one value is the entity; a caller's entity passes as it came
	TreeBody                      // JSON built from a tree of expressions
	TextBody                      // a template, escaped as Escape says
	FormBody                      // application/x-www-form-urlencoded from the members of Tree
	MultipartBody                 // multipart/form-data from Parts
	XMLBody                       // XML elements from Tree
	BinaryBody                    // the bytes of Whole: text, base64 or a data: URL
)

// BodyType is what a type of body blocks means for what is sent.
type BodyType struct {
	ContentType string
	Escape      template.Escape // of callers' values in a body that is one text
	Data        BodyKind        // how data with a structure are encoded: TreeBody, FormBody, XMLBody
	OnlyText    bool            // it has no structure: data are JSON, unless they are one text
	Members     bool            // parameters are its members, never the whole body
	JSON        bool            // it has values with types
}

// BodyTypes are the types of body blocks, by the names that the model has.
var BodyTypes = map[string]BodyType{
	"json":   {ContentType: "application/json", Escape: template.JSON, Data: TreeBody, JSON: true},
	"raw":    {ContentType: "application/json", Escape: template.JSON, Data: TreeBody, JSON: true},
	"yaml":   {ContentType: "application/yaml", Escape: template.YAML, Data: TreeBody, JSON: true},
	"text":   {ContentType: "text/plain; charset=utf-8", Escape: template.Raw, Data: TreeBody, OnlyText: true},
	"sparql": {ContentType: "application/sparql-query", Escape: template.SPARQL, Data: TreeBody, OnlyText: true},
	"binary": {ContentType: "application/octet-stream", Escape: template.Raw, Data: TreeBody, OnlyText: true},
	"xml":    {ContentType: "application/xml", Escape: template.XML, Data: XMLBody},
	"form": {ContentType: "application/x-www-form-urlencoded", Escape: template.FormValue, Data: FormBody,
		Members: true},
	"multipart": {Data: MultipartBody, Members: true},
}

// Body is a compiled request body.
type Body struct {
	Kind        BodyKind
	ContentType string
	Whole       expr.Expr
	Required    bool // for Whole: without a value or a caller's entity nothing is sent
	Plain       bool // Whole is text, not JSON
	Base64      bool // of a BinaryBody: a text without a data: URL may be Base64
	Tree        Tree
	Text        expr.Expr
	Escape      template.Escape
	Parts       []Part
}

// Tree is JSON with expressions as leaves. A member or item that is exactly one
// variable without a value is left out.
type Tree struct {
	Kind    value.Kind // Object, Array, else a leaf
	Names   []string   // of an Object, parallel to Nodes
	Nodes   []Tree
	Leaf    expr.Expr
	Require string // name to report when the leaf has no value, "" when it may be left out
}

// Part is one part of a multipart body.
type Part struct {
	Name, Value, Filename, ContentType expr.Expr
	Base64                             bool // the value is a file: its text may be Base64
}

func (b *Body) apply(req *http.Request, f expr.Frame, entity *Entity) error {
	switch b.Kind {
	case WholeBody:
		return b.applyWhole(req, f, entity)
	case TreeBody, FormBody, XMLBody:
		v, err := b.Tree.build(f)
		if err != nil {
			return err
		}
		switch b.Kind {
		case FormBody:
			setBody(req, form(v), b.ContentType)
		case XMLBody:
			setBody(req, appendXML(nil, v), b.ContentType)
		default:
			if !v.IsAbsent() {
				setBody(req, v.AppendJSON(nil), b.ContentType)
			}
		}
	case TextBody:
		text, err := b.Text.Append(nil, f, b.Escape)
		if err != nil {
			return inputError(err)
		}
		setBody(req, text, b.ContentType)
	case MultipartBody:
		if entity != nil && entity.Body != nil && isMultipart(entity.ContentType) {
			pass(req, entity, "")
			return nil
		}
		return b.applyMultipart(req, f)
	case BinaryBody:
		return b.applyWhole(req, f, entity)
	}
	return nil
}

func (b *Body) applyWhole(req *http.Request, f expr.Frame, entity *Entity) error {
	v, err := b.Whole.Eval(f)
	if err != nil {
		return inputError(err)
	}
	if v.IsAbsent() && entity != nil && entity.Body != nil && entity.Length != 0 {
		pass(req, entity, b.ContentType)
		return nil
	}
	if v.IsAbsent() {
		if b.Required {
			return &InputError{Missing: []string{"body"}}
		}
		return nil
	}
	switch {
	case b.Kind == BinaryBody:
		file := decodeFile(v.Text(), b.Base64)
		setBody(req, file.data, cmp.Or(file.contentType, b.ContentType))
	case b.Plain:
		setBody(req, []byte(v.Text()), b.ContentType)
	default:
		setBody(req, wholeBytes(v), b.ContentType)
	}
	return nil
}

// pass makes a caller's body the request's, as it came.
func pass(req *http.Request, entity *Entity, contentType string) {
	if contentType = cmp.Or(entity.ContentType, contentType); contentType != "" {
		req.Header["Content-Type"] = []string{contentType}
	}
	if entity.Encoding != "" {
		req.Header["Content-Encoding"] = []string{entity.Encoding}
	}
	req.ContentLength = entity.Length
	if r, ok := entity.Body.(*bytes.Reader); ok {
		snapshot := *r
		req.GetBody = func() (io.ReadCloser, error) { again := snapshot; return io.NopCloser(&again), nil }
	}
	req.Body = io.NopCloser(entity.Body)
}

func isMultipart(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == "multipart/form-data"
}

// wholeBytes is a value as an entity: JSON, or the text of a string that
// already holds a JSON object or array.
func wholeBytes(v value.Value) []byte {
	if v.Kind() == value.String {
		if parsed, err := value.Parse([]byte(v.Text())); err == nil && !parsed.IsScalar() {
			return []byte(v.Text())
		}
	}
	return v.AppendJSON(nil)
}

// build evaluates the tree; Absent when a leaf has no value and may be left out.
func (t *Tree) build(f expr.Frame) (value.Value, error) {
	switch t.Kind {
	case value.Object:
		object := value.Map()
		for i := range t.Nodes {
			v, err := t.Nodes[i].build(f)
			if err != nil {
				return v, err
			}
			if !v.IsAbsent() {
				object.Add(t.Names[i], v)
			}
		}
		return object, nil
	case value.Array:
		list := value.List()
		for i := range t.Nodes {
			v, err := t.Nodes[i].build(f)
			if err != nil {
				return v, err
			}
			if !v.IsAbsent() {
				list.Append(v)
			}
		}
		return list, nil
	default:
		v, err := t.Leaf.Eval(f)
		if err != nil {
			return v, inputError(err)
		}
		if v.IsAbsent() && t.Require != "" {
			return v, &InputError{Missing: []string{t.Require}}
		}
		return v, nil
	}
}

func (b *Body) applyMultipart(req *http.Request, f expr.Frame) error {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for i := range b.Parts {
		if err := b.Parts[i].write(w, f); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	req.Header["Content-Type"] = []string{w.FormDataContentType()}
	setBody(req, buf.Bytes(), "")
	return nil
}

func (p *Part) write(w *multipart.Writer, f expr.Frame) error {
	v, err := p.Value.Eval(f)
	if err != nil {
		return inputError(err)
	}
	if v.IsAbsent() {
		return nil
	}
	var texts [3]string
	for i, e := range []expr.Expr{p.Name, p.Filename, p.ContentType} {
		t, err := e.Eval(f)
		if err != nil {
			return inputError(err)
		}
		if t.Kind() == value.Null {
			continue
		}
		if err := template.CheckHeader(t.Text()); err != nil {
			return &InputError{Name: "multipart part", Reason: err.Error()}
		}
		texts[i] = t.Text()
	}
	if v.Kind() == value.Array && texts[2] == "" && !holdsContainer(v) { // as in a form, its name is repeated
		for i := range v.Len() {
			if v.At(i).Kind() == value.Null {
				continue
			}
			if err := p.writeOne(w, v.At(i), texts); err != nil {
				return err
			}
		}
		return nil
	}
	return p.writeOne(w, v, texts)
}

func holdsContainer(list value.Value) bool {
	for i := range list.Len() {
		if !list.At(i).IsScalar() {
			return true
		}
	}
	return false
}

// writeOne writes a part of the value v. Its name, file name and media type are texts,
// "" where the document does not say.
func (p *Part) writeOne(w *multipart.Writer, v value.Value, texts [3]string) error {
	name, filename := texts[0], texts[1]
	contentType, ok := mediaType(texts[2])
	if !ok {
		return &InputError{Name: cmp.Or(name, "multipart part"), Reason: "has a content type that is no media type"}
	}
	data := []byte(v.Text())
	if filename != "" || p.Base64 || strings.HasPrefix(v.Text(), "data:") {
		file := decodeFile(v.Text(), p.Base64)
		data, contentType = file.data, cmp.Or(contentType, file.contentType)
		if filename == "" && (p.Base64 || file.contentType != "") {
			filename = cmp.Or(file.name, name)
		}
	}
	h := textproto.MIMEHeader{}
	disposition := `form-data; name="` + quoted.Replace(name) + `"`
	if filename != "" {
		disposition += `; filename="` + quoted.Replace(filename) + `"`
		if contentType == "" {
			contentType = "application/octet-stream"
		}
	} else if contentType == "" && !v.IsScalar() {
		contentType = "application/json"
	}
	h["Content-Disposition"] = []string{disposition}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	return err
}

// quoted escapes a name or file name for Content-Disposition as browsers do (HTML, multipart/form-data).
var quoted = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// mediaType is a media type written anew from what was read, so that nothing else
// gets into a header; ok is false when it cannot be read.
func mediaType(text string) (kind string, ok bool) {
	if strings.TrimSpace(text) == "" {
		return "", true
	}
	media, parameters, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(media, "/") {
		return "", false
	}
	kind = mime.FormatMediaType(media, parameters)
	return kind, kind != ""
}

// file is what the value of a file holds.
type file struct {
	data              []byte
	contentType, name string // "" when not known
}

// decodeFile reads the value of a file: a data: URL (RFC 2397) with its media type, if
// that can be read, and its parameter name, else Base64 where that is expected, else
// the text as it is.
func decodeFile(text string, mayBeBase64 bool) file {
	rest, ok := strings.CutPrefix(text, "data:")
	meta, payload, found := strings.Cut(rest, ",")
	if !ok || !found {
		if decoded, ok := decodeBase64(text); ok && mayBeBase64 && text != "" {
			return file{data: decoded}
		}
		return file{data: []byte(text)}
	}
	var f file
	meta, base := strings.CutSuffix(meta, ";base64")
	meta, f.name = fileName(meta)
	if media, parameters, err := mime.ParseMediaType(meta); err == nil && strings.Contains(media, "/") {
		f.contentType = mime.FormatMediaType(media, parameters)
	}
	if !base {
		unescaped, err := url.PathUnescape(payload)
		if f.data = []byte(unescaped); err != nil {
			return file{data: []byte(text)}
		}
		return f
	}
	if f.data, ok = decodeBase64(payload); !ok {
		return file{data: []byte(text)}
	}
	return f
}

// fileName takes the parameter name out of what a data: URL says of its data. It is
// percent-encoded as the rest of the URL is, and taken where it is not; quotes and
// folders are left away.
func fileName(meta string) (rest, name string) {
	parts := strings.Split(meta, ";")
	for i, part := range parts {
		key, text, _ := strings.Cut(part, "=")
		if i == 0 || !strings.EqualFold(strings.TrimSpace(key), "name") {
			continue
		}
		rest = strings.Join(slices.Delete(parts, i, i+1), ";")
		if unescaped, err := url.PathUnescape(text); err == nil {
			text = unescaped
		}
		text = strings.Trim(strings.TrimSpace(text), `"`)
		if text = text[strings.LastIndexAny(text, `/\`)+1:]; template.CheckHeader(text) != nil {
			text = ""
		}
		return rest, text
	}
	return meta, ""
}

// decodeBase64 reads Base64 in both alphabets (RFC 4648 sections 4 and 5), padded or
// not, with line breaks or without.
func decodeBase64(text string) ([]byte, bool) {
	text = strings.TrimRight(base64Alphabet.Replace(text), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	return decoded, err == nil
}

var base64Alphabet = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "", " ", "", "\t", "")

// appendXML writes a value as XML elements: members by name, arrays by repetition.
func appendXML(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.Object:
		for i := range v.Len() {
			name, item := xmlName(v.Name(i)), v.At(i)
			items := []value.Value{item}
			if item.Kind() == value.Array {
				items = items[:0]
				for j := range item.Len() {
					items = append(items, item.At(j))
				}
			}
			for _, one := range items {
				dst = append(append(append(dst, '<'), name...), '>')
				dst = appendXML(dst, one)
				dst = append(append(append(dst, "</"...), name...), '>')
			}
		}
		return dst
	case value.Null, value.Absent:
		return dst
	default:
		return template.AppendXML(dst, v.Text())
	}
}

// xmlName keeps the characters that an element name of a document's own body map may have.
func xmlName(s string) string {
	name := strings.Map(func(c rune) rune {
		if c == ':' || c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' &&
			c <= 'Z' || c > 0x7f {
			return c
		}
		return '_'
	}, s)
	if name == "" || name[0] >= '0' && name[0] <= '9' || name[0] == '-' || name[0] == '.' {
		name = "_" + name
	}
	return name
}
