package upstream

import (
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// attempt sends a request once. Who listens hears of it when its answer was read.
func (c *Client) attempt(o *Outbound) (*http.Response, error) {
	transport, err := c.transportTo(o, o.Request.URL)
	if err != nil {
		return nil, err
	}
	o.attempts++
	if !o.Events.Hears(event.Attempts) {
		return transport.RoundTrip(o.Request)
	}
	req := o.Request
	var span event.SpanID
	if o.Events.Traces() { // in a header of its own: an earlier attempt may still be read
		copied := *req
		copied.Header = maps.Clone(req.Header)
		req, span = &copied, o.Events.Inject(copied.Header, o.Call)
	}
	e := event.Attempt{Span: span, Parent: o.Parent, Call: o.Call, Target: o.Target, Number: o.attempts,
		Method: req.Method, URL: req.URL.Scheme +
			"://" + req.URL.Host + req.URL.EscapedPath(),
		Sent: req.ContentLength, Began: time.Now()}
	resp, err := transport.RoundTrip(req)
	e.Header = time.Since(e.Began)
	if err != nil {
		e.Took, e.Err = e.Header, err
		o.Events.Attempted(req.Context(), &e)
		return nil, err
	}
	e.Status = resp.StatusCode
	resp.Body = &heard{ReadCloser: resp.Body, request: req, events: o.Events, event: e}
	return resp, nil
}

// heard is the body of an answer of which somebody wants to hear.
type heard struct {
	io.ReadCloser
	request *http.Request
	events  *event.Stream
	event   event.Attempt
	closed  bool
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.event.Received += int64(n)
	if err != nil && err != io.EOF {
		h.event.Err = err
	}
	return n, err
}

func (h *heard) Close() error {
	err := h.ReadCloser.Close()
	if !h.closed {
		h.closed, h.event.Took = true, time.Since(h.event.Began)
		h.events.Attempted(h.request.Context(), &h.event)
	}
	return err
}
