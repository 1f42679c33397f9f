package answer

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"hash/fnv"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// maxAnswer is how many bytes an answer may have that brings no limit.
const maxAnswer int64 = 32 << 20

// maxBinary is how many bytes an answer of bytes may have, which a model gets in
// base64, unless the document says otherwise.
const maxBinary = 10 << 20

// ReadAnswer reads an upstream's bytes into w.raw and returns their media type, ""
// when it says none. Text becomes UTF-8 without a byte order mark, which MCP takes
// only. What is no text, whatever the document says, makes res Binary.
func (w *Writer) ReadAnswer(u *plan.Unit, res *engine.Result) (kind string, failed *engine.Error) {
	kind, _, _ = mime.ParseMediaType(res.ContentType)
	res.Binary = res.Binary || isBytes(kind)
	limit := cmp.Or(res.Limit, maxAnswer)
	if res.Binary {
		limit = min(limit, binaryLimit(u))
	}
	if w.Raw, failed = res.AppendRaw(w.Raw[:0], limit); failed != nil {
		return kind, failed
	}
	if m := res.Meter(); !m.Steps(len(w.Raw)/64) || !m.Hold(copies*int64(len(w.Raw))) {
		return kind, spent(m)
	}
	if res.Binary {
		return kind, nil
	}
	text, err := format.Charset(w.Raw, res.ContentType)
	switch {
	case !catalogue.IsText(kind) && (err != nil || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0):
		res.Binary = true
		if limit := binaryLimit(u); int64(len(w.Raw)) > limit {
			return kind, engine.TooLargeAnswer(limit)
		}
	case err != nil:
		return kind, engine.Unreadable("the API answered text that cannot be read", err.Error())
	default:
		w.Raw = text
	}
	return kind, nil
}

// binaryLimit is how many bytes an answer of a unit may have.
func binaryLimit(u *plan.Unit) int64 {
	if len(u.Steps) == 1 && u.Steps[0].Call != nil && u.Steps[0].Call.MaxBinary > 0 {
		return u.Steps[0].Call.MaxBinary
	}
	return maxBinary
}

// isBytes reports whether a media type is of content that is no text.
func isBytes(kind string) bool {
	if kind == "" || catalogue.IsText(kind) {
		return false
	}
	switch major, _, _ := strings.Cut(kind, "/"); major {
	case "image", "audio", "video", "font":
		return true
	}
	return slices.Contains([]string{"application/pdf", "application/zip", "application/gzip"}, kind)
}

// binary writes the result of a call that answered bytes: one block of content,
// or one for each part of a multipart answer (RFC 2046). The place makes the
// URIs of embedded resources, together with what they hold.
func (w *Writer) binary(place, contentType, note string) *engine.Error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "application/octet-stream"
	}
	w.Open()
	w.Out = append(w.Out, `"content":[`...)
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if !w.parts(place, params["boundary"]) {
			return engine.Unreadable("the multipart answer of the API cannot be read", "")
		}
	} else {
		w.Block(resourceURI(place, w.Raw), kind, catalogue.IsText(kind) && utf8.Valid(w.Raw))
	}
	if note != "" {
		w.Out = append(value.AppendString(append(w.Out, `,{"type":"text","text":`...), note), '}')
	}
	w.Out = append(w.Out, `]}`...)
	return nil
}

// resourceURI names bytes that have no address of their own.
func resourceURI(place string, content []byte) string {
	sum := fnv.New64a()
	sum.Write(content)
	return "fairlead://" + place + "/" + hex.EncodeToString(sum.Sum(nil))
}

// parts writes a block for each part of w.raw.
func (w *Writer) parts(place, boundary string) bool {
	parts := multipart.NewReader(bytes.NewReader(w.Raw), boundary)
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
			w.Out = append(w.Out, ',')
		}
		w.Raw = content
		text := catalogue.IsText(kind) && utf8.Valid(content)
		if uri := part.Header.Get("Content-Location"); uri == "" && text {
			w.Out = value.AppendString(append(w.Out, `{"type":"text","text":`...), string(content))
			w.Out = append(w.Out, '}')
		} else {
			w.Block(cmp.Or(uri, resourceURI(place, content)), kind, text)
		}
	}
}

// pictures are the images that models take as such.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Block writes w.raw as an image, as audio, or as an embedded resource.
func (w *Writer) Block(uri, kind string, text bool) {
	switch {
	case slices.Contains(pictures, kind):
		w.Out = w.appendBlob(append(w.Out, `{"type":"image","data":"`...))
	case strings.HasPrefix(kind, "audio/"):
		w.Out = w.appendBlob(append(w.Out, `{"type":"audio","data":"`...))
	default:
		w.Out = w.AppendResource(append(w.Out, `{"type":"resource","resource":`...), uri, kind, text)
		w.Out = append(w.Out, '}')
		return
	}
	w.Out = append(value.AppendString(append(w.Out, `,"mimeType":`...), kind), '}')
}

// appendBlob appends w.raw in base64 and the quote that ends it.
func (w *Writer) appendBlob(dst []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(dst, w.Raw), '"')
}

// AppendResource appends w.raw as the content of a resource.
func (w *Writer) AppendResource(dst []byte, uri, kind string, text bool) []byte {
	dst = value.AppendString(append(dst, `{"uri":`...), uri)
	dst = value.AppendString(append(dst, `,"mimeType":`...), kind)
	if text {
		return append(value.AppendString(append(dst, `,"text":`...), string(w.Raw)), '}')
	}
	return append(w.appendBlob(append(dst, `,"blob":"`...)), '}')
}
