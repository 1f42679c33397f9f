package mcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of one message or batch, in bytes.
const (
	maxRequest = 4 << 20
	firstRead  = 64 << 10 // what is held for a body before any of it has come
)

// readTime is how long a client may take to send a body larger than firstRead.
const readTime = 30 * time.Second

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// ServeHTTP answers one POST of the Streamable HTTP transport. Every refusal
// has a JSON-RPC error as its body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.screen(w, r) {
		h.message(w, r)
	}
}

// Behind returns h with what guard makes of it between the checks of Host and
// Origin and the messages. Browsers ask for leave without a credential, and read
// a challenge only where their page is allowed to (CORS preflight, Fetch).
func (h *Handler) Behind(guard func(http.Handler) http.Handler) http.Handler {
	inner := guard(http.HandlerFunc(h.message))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.screen(w, r) {
			inner.ServeHTTP(w, r)
		}
	})
}

// screen answers requests from where none are taken, and preflights, and lets
// the others pass.
func (h *Handler) screen(w http.ResponseWriter, r *http.Request) (pass bool) {
	if !h.cfg.Screen.Host(r.Host) {
		refuse(w, http.StatusForbidden, "the Host "+quoteShort(r.Host)+" is not served here")
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if !h.cfg.Screen.Origin(origin, r.Host) {
			refuse(w, http.StatusForbidden, "the Origin "+quoteShort(origin)+" is not allowed")
			return false
		}
		allowBrowser(w.Header(), origin)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return true
	}
	w.Header().Set("Access-Control-Allow-Methods", "POST")
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		w.Header().Set("Access-Control-Allow-Headers", names) // among them Mcp-Param-*
	}
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return false
}

// message answers a request that is let in.
func (h *Handler) message(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		refuse(w, http.StatusMethodNotAllowed, "send messages by POST")
	case !isJSON(r.Header.Get("Content-Type")):
		refuse(w, http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		refuse(w, http.StatusUnsupportedMediaType, "the body must not be compressed")
	case !accepts(r.Header["Accept"], "application/json") && !accepts(r.Header["Accept"], "text/event-stream"):
		refuse(w, http.StatusNotAcceptable, "Accept must have application/json and text/event-stream")
	default:
		h.post(w, r)
	}
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	x := newExchange()
	defer x.release()
	if err := x.readBody(w, r); err != nil {
		if errors.Is(err, errTooLarge) {
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than "+strconv.Itoa(maxRequest)+" bytes")
		} else {
			refuse(w, http.StatusBadRequest, "the body broke off")
		}
		return
	}
	if first := bytes.TrimLeft(x.body, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		h.postBatch(w, r, x)
		return
	}
	req := h.from(r, x)
	problem := x.read()
	if problem == nil {
		req.version, problem = x.versionOf(r.Header, "")
	}
	if problem == nil && req.modern() {
		problem = x.checkHeaders(r.Header)
	}
	if problem == nil {
		req.view, problem = h.current.Load().view(r.URL.RawQuery)
	}
	switch {
	case problem != nil:
		x.out = problem.appendTo(x.out[:0], x.id)
		status := problem.httpStatus(req.modern() || r.Header.Get("Mcp-Protocol-Version") == modernVersion)
		if x.id == nil && status == http.StatusOK {
			status = http.StatusBadRequest // of a notification, which has no other answer
		}
		respond(w, status, x.out)
	case x.reply && !req.responded():
		refuse(w, http.StatusBadRequest, "no question with this id waits here for its answer")
	case x.id == nil || x.reply:
		req.notified()
		w.WriteHeader(http.StatusAccepted)
	default:
		h.serveRequest(w, r, &req)
	}
}

// readBody reads the body of r, in readTime if it is large.
func (x *exchange) readBody(w http.ResponseWriter, r *http.Request) (err error) {
	if r.ContentLength < 0 || r.ContentLength > firstRead {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(readTime)) // a recorder has none
		defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	}
	x.body, err = readAll(x.body[:0], r.Body, r.ContentLength)
	return err
}

// from begins a request over HTTP.
func (h *Handler) from(r *http.Request, x *exchange) request {
	req := request{exchange: x, ctx: r.Context(), h: h, caller: r.Header.Get("Authorization"), client: r.Header.Get("Mcp-Session-Id")}
	if req.client != "" {
		req.running = &h.running
	}
	return req
}

func (h *Handler) serveRequest(w http.ResponseWriter, r *http.Request, req *request) {
	m := methods[string(req.method)]
	slow := m != nil && m.slow
	if req.modern() {
		req.header = r.Header
	} else {
		// Before 2026-07-28 a broken connection does not cancel, a notification does.
		req.ctx, req.gone = context.WithoutCancel(req.ctx), req.ctx.Done()
		if slow {
			defer req.begin()()
		}
		req.asks = strings.HasSuffix(req.client, askingSession)
	}
	var s *stream
	if slow && ((req.params.meta.progressToken != nil || req.asks) && accepts(r.Header["Accept"], "text/event-stream") || m.stream) {
		s = &stream{w: w, control: http.NewResponseController(w)}
		req.sink = s
	}
	err := req.answer(m)
	if req.sessionID != "" {
		w.Header()["Mcp-Session-Id"] = []string{req.sessionID}
	}
	switch {
	case req.silent && (s == nil || !s.open):
		// A cancelled request has no response; a stream without messages says so.
		w.Header().Set("Content-Type", "text/event-stream")
	case req.silent:
	case s != nil && s.open:
		s.send(req.out)
	case err != nil:
		respond(w, err.httpStatus(req.modern()), req.out)
	default:
		respond(w, http.StatusOK, req.out)
	}
}

func respond(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"] = jsonType, noStore
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body) // whoever went away needs no answer
}

func refuse(w http.ResponseWriter, status int, why string) {
	respond(w, status, invalid(why).appendTo(nil, nil))
}

var errTooLarge = errors.New("read request: too large")

// readAll appends everything that r has to buf, at most maxRequest bytes.
func readAll(buf []byte, r io.Reader, length int64) ([]byte, error) {
	if length > maxRequest {
		return buf, errTooLarge
	}
	// Who announces much has not sent it yet.
	buf = slices.Grow(buf, int(min(max(length, 511), firstRead))+1)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxRequest:
			return buf, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, len(buf))
		}
	}
}

func allowBrowser(header http.Header, origin string) {
	header.Set("Access-Control-Allow-Origin", origin)
	header.Add("Vary", "Origin")
	header.Set("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate")
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// accepts reports whether Accept has the media type, by name or by wildcard. No
// header accepts everything.
func accepts(accept []string, mediaType string) bool {
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
