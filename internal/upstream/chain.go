package upstream

import (
	"context"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
)

// Outbound is one call on its way to an API: the request, and what decides how it
// is sent. The links of the chain change the request as it passes them.
type Outbound struct {
	Target     string // namespace.operation, for messages
	Request    *http.Request
	Credential *Credential // nil when the request is complete
	Policy     Policy
	Hops       int // how many calls of Fairlead led to this one, see Hops

	// Passes says that the answer is passed on as it comes, and not read whole here: it
	// may last as long as something comes of it, unless the document bounds the call.
	Passes bool

	// Events hears of attempts and credentials, which belong to Call.
	Events *event.Stream
	Call   *event.Call
	Parent event.SpanID // in which the call is sent, where spans are kept

	// Token is a credential that was fetched for the call and sent elsewhere than in
	// its Authorization header; "" if none was. Send sets it.
	Token string

	connection *evaluated      // nil for what is usual
	ctx        context.Context // of the caller
	end        time.Time       // of the call's time
	keyed      bool            // the document gives it a key by which the API knows it again
	attempts   int             // so far
	answer     body            // that the caller reads; it stands here to be no allocation of its own
}

// sender sends a call and returns the answer, whose body the caller closes.
type sender func(o *Outbound) (*http.Response, error)

// link is one thing that surrounds the sending of a request. It returns next with
// that around it.
type link func(c *Client, next sender) sender

// links are what surrounds an attempt, the outermost first. A link that is new
// takes its place here and has a file of its own.
var links = [...]link{
	timed,      // the time of the call
	decoded,    // the encoding of the answer
	retried,    // after a while, where the document says so
	redirected, // to elsewhere on the same origin
	admitted,   // held back where the API is asked too much, or fails
	authorized, // exchanges and signatures
	counted,    // calls that lead to Fairlead again
	named,      // User-Agent
	resent,     // on a connection that the API has closed
}

// chain puts the links around attempt.
func (c *Client) chain(attempt sender) sender {
	next := attempt
	for i := len(links) - 1; i >= 0; i-- {
		next = links[i](c, next)
	}
	return next
}

// Outbound builds the request, see Build, and what goes with it.
func (r *Request) Outbound(f expr.Frame, entity *Entity, own Own) (*Outbound, error) {
	req, credential, err := r.Build(f, entity, own)
	if err != nil {
		return nil, err
	}
	o := &Outbound{Target: r.Target, Request: req, Credential: credential, Policy: r.Policy,
		keyed: req.Header[idempotencyKey] != nil}
	if r.Connection != nil {
		o.connection, err = r.Connection.evaluate(r.Target, f)
	}
	return o, err
}

// Send sends a call through the chain. The caller closes the answer's body, which
// ends the call's time; canceling ctx ends it too. Errors are *CredentialError
// for a request that cannot be authorized, *LoopError, *InputError for a body
// that cannot be read, *HeldError for a call that was not sent, *TimeoutError, and
// those of the connection.
func (c *Client) Send(ctx context.Context, o *Outbound) (*http.Response, error) {
	o.ctx = ctx
	return c.send(o)
}
