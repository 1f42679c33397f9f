package wire

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of one message or batch, in bytes.
const (
	MaxMessage = 4 << 20
	FirstRead  = 64 << 10 // what is held for a body before any of it has come
)

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// Respond writes a whole answer.
func Respond(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"] = jsonType, noStore
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body) // whoever went away needs no answer
}

// Refuse answers with an error of JSON-RPC that has no id.
func Refuse(w http.ResponseWriter, status int, why string) {
	Respond(w, status, Invalid(why).AppendTo(nil, nil))
}

// ErrTooLarge is what ReadAll returns for more than MaxMessage bytes.
var ErrTooLarge = errors.New("read request: too large")

// ReadAll appends everything that r has to buf, at most MaxMessage bytes.
func ReadAll(buf []byte, r io.Reader, length int64) ([]byte, error) {
	if length > MaxMessage {
		return buf, ErrTooLarge
	}
	// Who announces much has not sent it yet.
	buf = slices.Grow(buf, int(min(max(length, 511), FirstRead))+1)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > MaxMessage:
			return buf, ErrTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, len(buf))
		}
	}
}

// IsJSON reports whether a Content-Type is JSON.
func IsJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// Accepts reports whether Accept has the media type, by name or by wildcard. No
// header accepts everything.
func Accepts(accept []string, mediaType string) bool {
	if len(accept) == 0 {
		return true
	}
	major, _, _ := strings.Cut(mediaType, "/")
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(part, ";")
			kind = strings.TrimSpace(kind)
			if strings.EqualFold(kind, mediaType) || kind == "*/*" || strings.EqualFold(kind, major+"/*") {
				return true
			}
		}
	}
	return false
}
