package mcp

import (
	"strconv"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/value"
)

// hear begins the exchange of a message that does not come in a request of its own,
// and returns what ends it. A server names itself on stdio only, where no listener
// does.
func (r *request) hear(transport string) (end func()) {
	events := r.h.cfg.Events
	if !events.Hears(event.Exchanges) {
		return func() {}
	}
	x := &event.Exchange{Transport: transport}
	ctx := events.Begin(r.ctx, x, nil)
	r.ctx, r.heard = ctx, x
	if transport == overStdio {
		x.Note(func(f *event.Facts) {
			f.Capability, f.Adapter, f.Server = r.h.cfg.Capability, "mcp", r.h.cfg.Server.Namespace
		})
	}
	return func() {
		x.Note(func(f *event.Facts) {
			f.Received = int64(len(r.Body))
			if f.Sent = int64(len(r.Out)); f.Status == 0 {
				f.Status = 200
			}
			f.Aborted = r.silent
		})
		events.End(ctx, x)
	}
}

// overStdio is the transport of messages on standard input and output.
const overStdio = "stdio"

// known notes what the message asks for.
func (r *request) known() {
	if !r.h.cfg.Events.Hears(event.Exchanges) {
		return
	}
	if r.heard == nil {
		r.heard = event.ExchangeOf(r.ctx)
	}
	if c, ok := event.ParseTraceparent(r.Meta.TraceContext()); ok {
		r.heard.Continue(c)
	}
	name := "other"
	if r.method != nil {
		name = string(r.Method)
	}
	r.heard.Note(func(f *event.Facts) { f.RPC, f.Revision = name, r.version })
	if r.heard != nil {
		r.Request = r.heard.ID
	}
}

// told notes that a model was told why nothing was done.
func (r *request) told() {
	if r.heard == nil || r.Told == "" {
		return
	}
	const most = 200
	r.heard.Note(func(f *event.Facts) {
		if f.Failed == "" {
			f.Failed, f.Reason = "not-run", wire.Shorten(r.Told, most)
		}
	})
}

// names notes which tool, prompt or resource the message is about.
func (r *request) names(name string) {
	r.heard.Note(func(f *event.Facts) { f.Name = name })
}

// failed notes an error of the protocol, and tells it the name of the request.
func (r *request) failed(e *wire.Error) {
	if r.heard == nil && r.h.cfg.Events.Hears(event.Exchanges) {
		r.heard = event.ExchangeOf(r.ctx)
	}
	if r.heard == nil {
		return
	}
	r.heard.Note(func(f *event.Facts) {
		if f.Failed == "" {
			f.Failed = strconv.Itoa(e.Code)
		}
		f.Reason = e.Message
		if r.stdio != nil {
			f.Status = e.HTTPStatus(true)
		}
	})
	if e.Data == nil {
		e.Data = value.Map(value.Member{Name: "requestId", Value: value.Of(r.heard.ID)}).AppendJSON(nil)
	}
}

// failedAs notes a failure that the answer tells: of a tool, to the model.
func (r *request) failedAs(e *engine.Error) {
	r.heard.Note(func(f *event.Facts) { f.Failed, f.Reason = e.Kind.String(), e.Title })
}
