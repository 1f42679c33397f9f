package rest

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/format"
)

// copySize is the size in bytes of the pieces in which an answer is passed on,
// and of the largest buffer that is kept for the next request.
const copySize = 32 << 10

// answer writes what a unit gave.
func (x *exchange) answer(result *engine.Result) {
	defer result.Close()
	status := cmp.Or(result.Status, http.StatusOK)
	switch {
	case status == http.StatusNoContent, status == http.StatusResetContent, status == http.StatusNotModified,
		result.Raw == nil && result.Value.IsAbsent():
		x.pass(result.Header, result.From)
		x.start(status)
	case result.Raw != nil:
		x.stream(status, result)
	default:
		x.pass(result.Header, result.From)
		x.buffer = result.Value.AppendJSON(x.buffer[:0])
		x.write(status, "application/json", x.buffer)
	}
}

// pass sets the headers of an API's answer to the request for the URL from.
// An answer with a credential in it is stored by nobody (RFC 9111 section 5.2.2.5).
func (x *exchange) pass(header http.Header, from *url.URL) {
	h := x.w.Header()
	if x.op.secret {
		defer func() { h["Cache-Control"] = []string{"no-store"} }()
	}
	if len(header) == 0 {
		return
	}
	for name, given := range header {
		if from != nil && (name == "Location" || name == "Link") {
			if given = x.leading(name, given, from); len(given) == 0 {
				continue
			}
		}
		h[name] = given
	}
}

// leading is what the header says of where things are, for callers of this server:
// links that lead nowhere here are left out.
func (x *exchange) leading(name string, given []string, from *url.URL) (kept []string) {
	links := x.links
	for _, text := range given {
		if name == "Link" {
			text = rewriteLinks(text, func(target string) string { return links.Rewrite(from, target) })
		} else {
			text = links.Rewrite(from, text)
		}
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// rewriteLinks gives each link of a Link header (RFC 8288 section 3) the target that
// rewrite makes of its own, and leaves out those of which it makes none.
func rewriteLinks(text string, rewrite func(target string) string) string {
	var kept []string
	for {
		_, rest, ok := strings.Cut(text, "<")
		if !ok {
			return strings.Join(kept, ", ")
		}
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return strings.Join(kept, ", ")
		}
		end := paramsEnd(rest)
		if to := rewrite(target); to != "" {
			kept = append(kept, "<"+to+">"+strings.TrimSpace(rest[:end]))
		}
		text = rest[end:]
	}
}

// paramsEnd is where the parameters of a link end: at a comma outside quotes.
func paramsEnd(text string) int {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			return i
		}
	}
	return len(text)
}

// write writes an answer that is ready as a whole.
func (x *exchange) write(status int, contentType string, body []byte) {
	x.describe(contentType, int64(len(body)))
	x.start(status)
	if x.r.Method != http.MethodHead {
		_ = adapter.Write(x.w, body) // a caller who is gone needs no answer
	}
	if cap(x.buffer) > copySize {
		x.buffer = nil
	}
}

// describe sets the headers of a body; length is -1 when not known. What an API
// answers is never taken for another type than it says, and a page of it is none
// of this server's own.
func (x *exchange) describe(contentType string, length int64) {
	h := x.w.Header()
	h["X-Content-Type-Options"] = x.noSniff
	if isPage(contentType) {
		h["Content-Security-Policy"] = []string{"sandbox"}
	}
	h["Content-Type"] = nil // keeps net/http from guessing
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	if length >= 0 {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
}

// isPage reports whether browsers show a body of that type as a page that may run
// scripts: HTML, XML of any kind, in which SVG and XHTML may stand, and what holds
// parts of any type. Of several types in one header the last counts in a browser
// (Fetch, extract a MIME type), and none of them is believed here.
func isPage(contentType string) bool {
	for one := range strings.SplitSeq(contentType, ",") {
		essence, _, _ := strings.Cut(one, ";")
		essence = strings.ToLower(strings.TrimSpace(essence))
		if format.LabelsHTML(essence) || strings.HasSuffix(essence, "/xml") || strings.HasSuffix(essence, "+xml") ||
			essence == "text/xsl" || strings.HasPrefix(essence, "multipart/") {
			return true
		}
	}
	return false
}

// held is up to which length an answer is read whole before any of it is passed
// on, in bytes.
const held = 64 << 10

// stream passes the upstream's bytes on: whole when they are few, as they come
// when nobody knows how many there will be. An answer that breaks off ends the connection, so that it
// does not look complete; if nothing was written yet, it is a problem.
func (x *exchange) stream(status int, result *engine.Result) {
	if x.r.Method == http.MethodHead {
		x.begin(status, result)
		return
	}
	if 0 < result.Length && result.Length <= held {
		x.hold(status, result)
		return
	}
	if result.Length < 0 && strings.HasPrefix(result.ContentType, "text/event-stream") {
		x.begin(status, result)
		x.flush() // the first event may be long in coming
	}
	buffer := x.copyBuffer()
	for sent := int64(0); ; {
		n, err := result.Raw.Read(buffer)
		sent += int64(n)
		if err == io.EOF && sent < result.Length {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			x.brokeOff()
			return
		}
		if !x.started {
			x.begin(status, result)
		}
		if n > 0 {
			if failed := adapter.Write(x.w, buffer[:n]); failed != nil {
				panic(http.ErrAbortHandler)
			}
		}
		if err == io.EOF {
			return
		}
		if result.Length < 0 && n > 0 {
			x.flush()
		}
	}
}

// hold passes a short answer on when all of it has come.
func (x *exchange) hold(status int, result *engine.Result) {
	if int64(cap(x.buffer)) <= result.Length {
		x.buffer = make([]byte, result.Length+1)
	}
	n, err := io.ReadFull(result.Raw, x.buffer[:result.Length+1])
	if int64(n) != result.Length || err != io.ErrUnexpectedEOF { // one byte more is asked for than there should be
		x.brokeOff()
		return
	}
	x.pass(result.Header, result.From)
	x.write(status, result.ContentType, x.buffer[:n])
}

func (x *exchange) begin(status int, result *engine.Result) {
	x.pass(result.Header, result.From)
	x.describe(result.ContentType, result.Length)
	x.start(status)
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() } // not every writer can

func (x *exchange) copyBuffer() []byte {
	if cap(x.buffer) < copySize {
		x.buffer = make([]byte, copySize)
	}
	return x.buffer[:copySize]
}

// brokeOff ends an answer that the upstream did not finish.
func (x *exchange) brokeOff() {
	if x.r.Context().Err() == nil {
		x.log.WarnContext(x.r.Context(), "the answer of the API broke off", "method", x.op.route.Method, "path",
			x.op.route.Path)
	}
	if x.started || x.r.Context().Err() != nil {
		x.heard.Note(func(f *event.Facts) {
			f.Failed, f.Reason = engine.Unreachable.String(), "the answer of the API broke off"
		})
		panic(http.ErrAbortHandler)
	}
	x.fail(&engine.Error{Kind: engine.Unreachable, Title: "the answer of the API broke off", Detail: "Try again.",
		Retry: true})
}
