package mcp

import (
	"bytes"
	"net/http"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// postBatch answers a JSON-RPC batch, which only revision 2025-03-26 has.
func (h *Handler) postBatch(w http.ResponseWriter, r *http.Request, x *exchange, c *catalogue.Catalogue) {
	if said := r.Header.Get("Mcp-Protocol-Version"); said != "" && said != wire.WithBatches {
		h.refuse(w, r, http.StatusBadRequest, "batches are of revision "+wire.WithBatches+" only")
		return
	}
	view, problem := c.View(r.URL.RawQuery)
	if problem != nil {
		wire.Respond(w, http.StatusBadRequest, problem.AppendTo(nil, nil))
		return
	}
	out, problem := wire.Batch(x.Body, func(message []byte) []byte {
		one := h.newExchange()
		req := h.from(r, one)
		req.view, req.version = view, wire.WithBatches
		return h.serveBatched(req, message)
	})
	switch {
	case problem != nil:
		wire.Respond(w, http.StatusBadRequest, problem.AppendTo(nil, nil))
	case out == nil:
		w.WriteHeader(http.StatusAccepted)
	default:
		wire.Respond(w, http.StatusOK, out)
	}
}

// serveBatched answers one message of a batch; nil is no answer.
func (h *Handler) serveBatched(req request, message []byte) []byte {
	x := req.exchange
	defer x.release()
	transport := ""
	if req.stdio != nil {
		transport = overStdio
	}
	defer req.hear(transport)()
	x.Body = append(x.Body[:0], message...)
	problem := x.read()
	if problem == nil && string(x.Method) == "initialize" {
		problem = wire.Invalid("initialize must not be part of a batch")
	}
	switch {
	case problem != nil:
		req.failed(problem)
		x.Out = problem.AppendTo(x.Out, x.ID)
	case x.ID == nil || x.Reply:
		req.notified()
	default:
		defer req.begin()()
		if req.answer(); req.silent {
			return nil
		}
	}
	return bytes.Clone(x.Out)
}
