package mcp

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBatch is the most messages of a batch.
const maxBatch = 100

// postBatch answers a JSON-RPC batch, which only revision 2025-03-26 has.
func (h *Handler) postBatch(w http.ResponseWriter, r *http.Request, x *exchange) {
	if said := r.Header.Get("Mcp-Protocol-Version"); said != "" && said != batchVersion {
		refuse(w, http.StatusBadRequest, "batches are of revision "+batchVersion+" only")
		return
	}
	view, problem := h.current.Load().view(r.URL.RawQuery)
	if problem != nil {
		respond(w, http.StatusBadRequest, problem.appendTo(nil, nil))
		return
	}
	out, problem := batch(x.body, func(one *exchange) {
		req := h.from(r, one)
		req.ctx, req.view, req.version = context.WithoutCancel(req.ctx), view, batchVersion
		h.serveBatched(req)
	})
	switch {
	case problem != nil:
		respond(w, http.StatusBadRequest, problem.appendTo(nil, nil))
	case out == nil:
		w.WriteHeader(http.StatusAccepted)
	default:
		respond(w, http.StatusOK, out)
	}
}

// serveBatched answers one message of a batch into req.out, or leaves that empty.
func (h *Handler) serveBatched(req request) {
	x := req.exchange
	x.out = x.out[:0]
	problem := x.read()
	if problem == nil && string(x.method) == "initialize" {
		problem = invalid("initialize must not be part of a batch")
	}
	switch {
	case problem != nil:
		x.out = problem.appendTo(x.out, x.id)
	case x.id == nil || x.reply:
		req.notified()
	default:
		defer req.begin()()
		if req.answer(methods[string(x.method)]); req.silent {
			x.out = x.out[:0]
		}
	}
}

// batch runs serve on every message of the array body, a few at a time, and
// returns the array of their answers in order; nil when there are none.
func batch(body []byte, serve func(*exchange)) ([]byte, *rpcError) {
	var source []jsontext.Value
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), readOptions...)
	_, err := dec.ReadToken()
	for err == nil && dec.PeekKind() != ']' {
		var v jsontext.Value
		if v, err = dec.ReadValue(); err == nil {
			source = append(source, v.Clone())
		}
	}
	if err == nil {
		_, err = dec.ReadToken()
	}
	switch {
	case err != nil || len(bytes.TrimSpace(body[dec.InputOffset():])) > 0:
		return nil, &rpcError{code: codeParse, message: "Parse error: the body is not one JSON value in UTF-8"}
	case len(source) == 0:
		return nil, invalid("the batch is empty")
	case len(source) > maxBatch:
		return nil, invalid("the batch has more than 100 messages")
	}
	answers := make([][]byte, len(source))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(8, len(source)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(source); i = int(next.Add(1)) - 1 {
				x := newExchange()
				x.body = append(x.body[:0], source[i]...)
				serve(x)
				answers[i] = bytes.Clone(x.out)
				x.release()
			}
		})
	}
	workers.Wait()
	var out []byte
	for _, answer := range answers {
		if len(answer) == 0 {
			continue
		}
		out = append(append(out, ','), answer...)
	}
	if out == nil {
		return nil, nil
	}
	out[0] = '['
	return append(out, ']'), nil
}
