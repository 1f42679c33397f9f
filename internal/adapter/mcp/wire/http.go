package wire

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
)

// MaxMessage is how many bytes one message or batch may have.
const MaxMessage = 4 << 20

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
	_ = adapter.Write(w, body) // whoever went away needs no answer
}

// Refuse answers with an error of JSON-RPC that has no id.
func Refuse(w http.ResponseWriter, status int, why string) {
	Respond(w, status, Invalid(why).AppendTo(nil, nil))
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
