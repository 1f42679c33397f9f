package engine

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// passed are the headers of a successful answer that mean something to a caller
// (semantics 5.6).
var passed = map[string]bool{
	"Location": true, "Etag": true, "Last-Modified": true, "Cache-Control": true, "Content-Disposition": true,
	"Link": true, "Retry-After": true, "X-Total-Count": true,
	"Expires": true, "Age": true, "Vary": false, "Content-Language": true, "Accept-Ranges": false,
	"Deprecation": true, "Sunset": true,
}

// passedOnError are those of an error answer, besides rate limits.
var passedOnError = map[string]bool{"Www-Authenticate": true, "Retry-After": true, "Allow": true, "Link": true,
	"Location": true, "Deprecation": true, "Sunset": true}

func pass(h http.Header) http.Header      { return filter(h, passed) }
func passError(h http.Header) http.Header { return filter(h, passedOnError) }

func filter(h http.Header, names map[string]bool) http.Header {
	var out http.Header
	for name, values := range h {
		if names[name] || strings.HasPrefix(name, "Ratelimit") || strings.HasPrefix(name, "X-Ratelimit-") {
			if out == nil {
				out = make(http.Header, 4)
			}
			out[name] = values
		}
	}
	return out
}

// rawJSON makes the answer of JSON text that is ready.
func rawJSON(result *Result, text []byte) *Result {
	result.ContentType, result.Length = "application/json", int64(len(text))
	result.Raw, result.made = io.NopCloser(bytes.NewReader(text)), text
	return result
}
