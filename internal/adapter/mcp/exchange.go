package mcp

import (
	"sync"

	"github.com/fairlead/fairlead/internal/adapter/mcp/answer"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
)

// exchange is the memory of one message being answered; it is pooled.
type exchange struct {
	wire.Message
	answer.Writer
	method *method     // nil when nobody knows it
	call   budget.Call // what the message uses
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// largestKept is the most bytes of a buffer that stay in the pool.
const largestKept = 1 << 20

// newExchange begins a message.
func (h *Handler) newExchange() *exchange {
	x := exchanges.Get().(*exchange)
	x.call.Begin(h.cfg.Pool)
	return x
}

// read reads the message that Body holds.
func (x *exchange) read() *wire.Error {
	problem := x.Message.Read(x)
	if x.Params == nil {
		x.Params = x.NewParams(x.Message.Method)
	}
	return problem
}

// NewParams returns empty parameters of a method, which becomes that of x.
func (x *exchange) NewParams(name []byte) wire.Params {
	x.method = methods[string(name)]
	if x.method == nil {
		return nil
	}
	return x.method.take()
}

// release ends the message; nobody may use x afterwards.
func (x *exchange) release() {
	x.call.End()
	if x.Params != nil {
		x.method.keep(x.Params)
		x.Params, x.method = nil, nil
	}
	if cap(x.Body)+x.Writer.Size() > largestKept {
		return
	}
	x.Message.Reset()
	x.Writer.Reset()
	exchanges.Put(x)
}

// mirrored is the parameter that a modern HTTP request repeats as Mcp-Name, or nil.
func (x *exchange) mirrored() []byte {
	if p, ok := x.Params.(interface{ mirrored() []byte }); ok {
		return p.mirrored()
	}
	return nil
}
