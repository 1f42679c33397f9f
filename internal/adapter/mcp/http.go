package mcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
)

// ServeHTTP answers one POST of the Streamable HTTP transport. Every refusal
// has a JSON-RPC error as its body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.screen(w, r) {
		h.message(w, r, h.current.Load())
	}
}

// refuse answers a request that is turned away before a method serves it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if h.cfg.Events.Hears(event.Refusals) {
		h.cfg.Events.Publish(r.Context(), event.Refusal{Door: "mcp", Status: status, Reason: why})
	}
	wire.Refuse(w, status, why)
}

// screen answers requests from where none are taken, and preflights, and lets
// the others pass.
func (h *Handler) screen(w http.ResponseWriter, r *http.Request) (pass bool) {
	if !h.cfg.Screen.Host(r.Host) {
		h.refuse(w, r, http.StatusForbidden,
			"the Host "+wire.Quote(r.Host)+" is not served here; the operator allows it with --allow-host "+adapter.HostName(r.Host))
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" && !h.cfg.Screen.Origin(origin, r.Host) {
		h.refuse(w, r, http.StatusForbidden,
			"the Origin "+wire.Quote(origin)+" is not allowed; the operator allows it with --allow-origin")
		return false
	}
	return !h.cfg.Screen.Browser(w, r, "Mcp-Session-Id, WWW-Authenticate", func() string { return http.MethodPost })
}

// message answers a request that is let in.
func (h *Handler) message(w http.ResponseWriter, r *http.Request, c *catalogue.Catalogue) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		h.refuse(w, r, http.StatusMethodNotAllowed, "send messages by POST")
	case !wire.IsJSON(r.Header.Get("Content-Type")):
		h.refuse(w, r, http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		h.refuse(w, r, http.StatusUnsupportedMediaType, "the body must not be compressed")
	case !wire.Accepts(r.Header["Accept"], "application/json") &&
		!wire.Accepts(r.Header["Accept"], "text/event-stream"):
		h.refuse(w, r, http.StatusNotAcceptable, "Accept must have application/json and text/event-stream")
	default:
		h.post(w, r, c)
	}
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request, c *catalogue.Catalogue) {
	x := h.newExchange()
	defer x.release()
	body := adapter.NewBody(w, r, wire.MaxMessage)
	if err := x.readBody(budget.NewMeter(r.Context(), &x.call), body, r.ContentLength); err != nil {
		h.unreadable(w, r, body, err)
		return
	}
	if first := bytes.TrimLeft(x.Body, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		h.postBatch(w, r, x, c)
		return
	}
	req := h.from(r, x)
	problem := x.read()
	if problem == nil {
		req.version, problem = x.VersionOf(r.Header, "", x.method.is(modern) && !x.method.is(legacy))
	}
	if problem == nil && req.modern() {
		problem = x.CheckHeaders(r.Header, x.mirrored())
	}
	if problem == nil {
		req.view, problem = c.View(r.URL.RawQuery)
	}
	switch {
	case problem != nil:
		req.failed(problem)
		x.Out = problem.AppendTo(x.Out[:0], x.ID)
		status := problem.HTTPStatus(req.modern() || r.Header.Get("Mcp-Protocol-Version") == wire.Modern)
		if x.ID == nil && status == http.StatusOK {
			status = http.StatusBadRequest // of a notification, which has no other answer
		}
		wire.Respond(w, status, x.Out)
	case x.Reply && !req.responded():
		h.refuse(w, r, http.StatusBadRequest, "no question with this id waits here for its answer")
	case x.ID == nil || x.Reply:
		req.notified()
		w.WriteHeader(http.StatusAccepted)
	default:
		h.serveRequest(w, r, &req)
	}
}

// treeSize is what the values in a message cost at most, for each byte of it.
const treeSize = 8

// readBody reads a message, for whose values m takes memory.
func (x *exchange) readBody(m *budget.Meter, body io.Reader, length int64) (err error) {
	if x.Body, err = budget.ReadAll(m, x.Body[:0], body, length, wire.MaxMessage); err == nil &&
		!m.Hold(treeSize*int64(len(x.Body))) {
		err = m.Err()
	}
	x.Body = wire.WithoutMark(x.Body)
	return err
}

// unreadable answers a request whose body could not be read.
func (h *Handler) unreadable(w http.ResponseWriter, r *http.Request, body *adapter.Body, err error) {
	header := w.Header()
	switch {
	case errors.Is(err, budget.ErrTooLong):
		header.Set("Connection", "close")
		h.refuse(w, r, http.StatusRequestEntityTooLarge,
			"the body is larger than "+strconv.Itoa(wire.MaxMessage)+" bytes")
	case budget.Of(err):
		header.Set("Connection", "close")
		header.Set("Retry-After", "2")
		h.refuse(w, r, http.StatusServiceUnavailable,
			"too much is going on here at the moment, try again in a few seconds")
	case body.Late():
		header.Set("Connection", "close")
		h.refuse(w, r, http.StatusRequestTimeout, "the body did not come in time")
	default:
		h.refuse(w, r, http.StatusBadRequest, "the body broke off")
	}
}

// from begins a request over HTTP.
func (h *Handler) from(r *http.Request, x *exchange) request {
	req := request{exchange: x, ctx: r.Context(), h: h, caller: r.Header.Get("Authorization"),
		client: r.Header.Get("Mcp-Session-Id")}
	if req.client != "" {
		req.running = &h.running
	}
	return req
}

func (h *Handler) serveRequest(w http.ResponseWriter, r *http.Request, req *request) {
	if req.modern() {
		req.header = r.Header
	} else {
		req.gone = req.ctx.Done()
		if req.method.is(slow) {
			defer req.begin()()
		}
		req.asks, req.opens = abilities(req.client)
	}
	var s *wire.Stream
	if req.method.is(slow) && ((req.Meta.ProgressToken != nil || req.asks) &&
		wire.Accepts(r.Header["Accept"], "text/event-stream") || req.method.is(stream)) {
		s = &wire.Stream{W: w, Control: http.NewResponseController(w)}
		req.sink = s
	}
	err := req.answer()
	if req.sessionID != "" {
		w.Header()["Mcp-Session-Id"] = []string{req.sessionID}
	}
	switch {
	case req.silent && (s == nil || !s.Open):
		// A cancelled request has no response; a stream without messages says so.
		w.Header().Set("Content-Type", "text/event-stream")
	case req.silent:
	case s != nil && s.Open:
		s.Send(req.Out)
	case err != nil:
		wire.Respond(w, err.HTTPStatus(req.modern()), req.Out)
	default:
		wire.Respond(w, http.StatusOK, req.Out)
	}
}
