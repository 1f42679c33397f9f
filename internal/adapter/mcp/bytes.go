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
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits of an answer that is read whole, in bytes.
const (
	maxAnswer = 32 << 20
	maxBinary = 10 << 20
)

// readAnswer reads an upstream's bytes into r.raw and returns their media type, ""
// when it says none. Text becomes UTF-8 without a byte order mark, which MCP takes
// only. What is no text, whatever the document says, makes res Binary.
func (r *request) readAnswer(u *plan.Unit, res *engine.Result) (kind string, failed *engine.Error) {
	kind, _, _ = mime.ParseMediaType(res.ContentType)
	res.Binary = res.Binary || isBytes(kind)
	limit := int64(maxAnswer)
	if res.Binary {
		limit = binaryLimit(u)
	}
	if r.raw, failed = res.AppendRaw(r.raw[:0], limit); failed != nil || res.Binary {
		return kind, failed
	}
	text, err := format.Charset(r.raw, res.ContentType)
	switch {
	case !isText(kind) && (err != nil || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0):
		res.Binary = true
		if limit := binaryLimit(u); int64(len(r.raw)) > limit {
			return kind, engine.TooLargeAnswer(limit)
		}
	case err != nil:
		return kind, engine.Unreadable("the API answered text that cannot be read", err.Error())
	default:
		r.raw = text
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
	if kind == "" || isText(kind) {
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
func (r *request) binary(place, contentType, note string) *engine.Error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "application/octet-stream"
	}
	r.open()
	r.out = append(r.out, `"content":[`...)
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if !r.parts(place, params["boundary"]) {
			return engine.Unreadable("the multipart answer of the API cannot be read", "")
		}
	} else {
		r.block(resourceURI(place, r.raw), kind, isText(kind) && utf8.Valid(r.raw))
	}
	if note != "" {
		r.out = append(value.AppendString(append(r.out, `,{"type":"text","text":`...), note), '}')
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
