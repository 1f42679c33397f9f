package event

import (
	"context"
	"encoding/base32"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Exchange is one request of a caller, or one message of an MCP client, on its way
// from the door to its answer. Who serves it notes there what becomes known of it.
// A nil Exchange notes nothing: nobody hears of exchanges.
type Exchange struct {
	ID        string // of the request: that of the caller (X-Request-Id), else made here
	Began     time.Time
	Transport string // http or stdio
	Method    string // of HTTP; "" on stdio
	Path      string // of HTTP, as it came, without its query and not for long
	Agent     string // User-Agent, not for long

	mu       sync.Mutex
	trace    TraceContext
	facts    Facts
	happened []Event
}

// Facts are what is known of an exchange.
type Facts struct {
	Principal  string // who called: a short stable name, never a credential; "" for nobody that is known
	Capability string // of the document
	Adapter    string // rest, mcp, skill or control; "" when no server takes the request
	Server     string // its namespace
	Unit       string // its ID in the plan; "" when none was found
	Kind       string // of the unit
	Route      string // the path with its placeholders, of a REST operation
	RPC        string // the method of MCP
	Name       string // of the tool or prompt that an MCP client names, if it is one
	Revision   string // of MCP
	Private    bool   // bodies and headers may hold what somebody is signed in with

	Status   int    // for an HTTP caller; on stdio 200, or that of the failure
	Failed   string // the kind of the failure, "" for none
	Reason   string // what the caller was told of it; safe to show
	Received int64  // bytes of the request's body, -1 when not known
	Sent     int64  // bytes of the answer's body
	Aborted  bool   // the connection ended before the answer did

	Target      string        // namespace.operation of the last attempt; "" for none
	Attempts    int           // requests to APIs
	APIStatus   int           // of the last attempt; 0 for no answer
	APITook     time.Duration // of all attempts together
	APIReceived int64         // bytes of their bodies
	LeftOut     int           // events of the exchange that are not kept
}

// mostKept is how many events an exchange keeps.
const mostKept = 256

// Note notes facts. Set must be quick and must not keep what it is given.
func (x *Exchange) Note(set func(*Facts)) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	set(&x.facts)
}

// Facts returns what is known so far.
func (x *Exchange) Facts() Facts {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.facts
}

// Trace returns where in a trace the exchange stands; that of nil is zero.
func (x *Exchange) Trace() TraceContext {
	if x == nil {
		return TraceContext{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.trace
}

// Continue makes the exchange a part of the trace of a caller who says so in the
// message itself (MCP's _meta). Nothing may have happened in it yet.
func (x *Exchange) Continue(c TraceContext) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	c.Span = x.trace.Span
	x.trace = c
}

// Happened returns the steps, attempts, credentials and problems of an exchange
// whose spans are kept, in the order in which they ended.
func (x *Exchange) Happened() []Event {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clip(x.happened)
}

// note notes an event that belongs to an exchange.
func note(ctx context.Context, e Event) {
	switch e := e.(type) {
	case Refusal:
		ExchangeOf(ctx).Note(func(f *Facts) { f.Failed, f.Reason = refusedAs(e.Status), e.Reason })
	case Attempt:
		e.Call.exchange().attempted(&e)
	case StepEnded:
		e.Call.exchange().keep(e)
	case Problem:
		e.Call.exchange().keep(e)
	}
}

// refusedAs is the kind of the failure of a request that was turned away, by its
// status; what the adapters say themselves is more exact.
func refusedAs(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "unauthenticated"
	case status == http.StatusForbidden:
		return "denied"
	case status == http.StatusNotFound:
		return "not-found"
	case status >= http.StatusInternalServerError:
		return "unavailable"
	}
	return "bad-request"
}

func (c *Call) exchange() *Exchange {
	if c == nil {
		return nil
	}
	return c.Exchange
}

func (x *Exchange) attempted(e *Attempt) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	f := &x.facts
	f.Target, f.APIStatus = e.Target, e.Status
	f.Attempts++
	f.APITook += e.Took
	f.APIReceived += e.Received
	if x.keeps() {
		x.keepLocked(*e)
	}
}

func (x *Exchange) keep(e Event) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.keepLocked(e)
}

// keeps reports whether the spans of x are kept.
func (x *Exchange) keeps() bool { return !x.trace.Span.IsZero() && x.trace.Sampled }

func (x *Exchange) keepLocked(e Event) {
	switch {
	case !x.keeps():
	case len(x.happened) < mostKept:
		x.happened = append(x.happened, e)
	default:
		x.facts.LeftOut++
	}
}

// exchangeContext is the context of an exchange.
type exchangeContext struct {
	context.Context
	exchange *Exchange
}

type exchangeKey struct{}

// Value implements context.Context.
func (c *exchangeContext) Value(key any) any {
	if key == (exchangeKey{}) {
		return c.exchange
	}
	return c.Context.Value(key)
}

// ExchangeOf returns the exchange that runs with ctx, nil when nobody hears of it.
func ExchangeOf(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// Begin begins an exchange: ctx is the context to go on with. End it. The header is
// that of the HTTP request, nil where there is none; of it come the ID and the trace.
// An exchange within another, such as a message of a batch, has its ID, and knows who
// called.
func (s *Stream) Begin(ctx context.Context, x *Exchange, header http.Header) context.Context {
	s.active.Add(1)
	x.Began = time.Now()
	found := false
	outer := ExchangeOf(ctx)
	switch {
	case outer != nil:
		x.within(outer)
		found = !x.trace.Trace.IsZero()
	case header != nil:
		x.trace, found = ReadTrace(header)
	}
	if id := GivenID(header); id != "" && outer == nil {
		x.ID = id
	} else if x.ID == "" {
		x.ID = NewID()
	}
	if s.tracing != nil {
		x.trace.Span = NewSpanID()
		if !found {
			x.trace.Trace = newTraceID()
			x.trace.Sampled = s.tracing.samples(x.trace.Trace)
		}
	}
	return &exchangeContext{ctx, x}
}

// within makes x a part of another exchange.
func (x *Exchange) within(outer *Exchange) {
	f := outer.Facts()
	x.ID, x.Transport = outer.ID, outer.Transport
	x.facts = Facts{Principal: f.Principal, Capability: f.Capability, Adapter: f.Adapter, Server: f.Server}
	x.trace = outer.Trace()
	x.trace.Parent = x.trace.Span
}

// End tells who listens that an exchange is over.
func (s *Stream) End(ctx context.Context, x *Exchange) {
	s.active.Add(-1)
	s.Publish(ctx, ExchangeEnded{Exchange: x, Took: time.Since(x.Began)})
}

// maxID is how many bytes the ID of a caller may have.
const maxID = 128

// GivenID is the ID that a caller gives a request; "" for none, and for one that is no
// short word: whoever reads logs must not be led astray by it.
func GivenID(header http.Header) string {
	ids := header["X-Request-Id"]
	if len(ids) != 1 || !IsID(ids[0]) {
		return ""
	}
	return ids[0]
}

// IsID reports whether a text can be the ID of a request: up to 128 letters, digits
// and -._~:/+=@.
func IsID(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == ':', c == '/', c == '+', c == '=', c == '@':
		default:
			return false
		}
	}
	return 0 < len(text) && len(text) <= maxID
}

var digits = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes the ID of a request: 24 digits. It is unique, and no secret.
func NewID() string {
	var random [15]byte
	put(random[:8], rand.Uint64())
	put(random[7:], rand.Uint64())
	var text [24]byte
	digits.Encode(text[:], random[:])
	return string(text[:])
}

type spanKey struct{}

// InSpan is the context of what runs in a span of an exchange.
func InSpan(ctx context.Context, span SpanID) context.Context {
	return context.WithValue(ctx, spanKey{}, span)
}

// SpanOf is the span that ctx runs in: a step's, else that of the exchange; zero when
// nobody keeps spans.
func SpanOf(ctx context.Context) SpanID {
	if span, ok := ctx.Value(spanKey{}).(SpanID); ok {
		return span
	}
	return ExchangeOf(ctx).Trace().Span
}
