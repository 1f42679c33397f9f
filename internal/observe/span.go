package observe

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Span is one span of a trace, by the words of OpenTelemetry and its semantic
// conventions (HTTP, MCP and GenAI, 1.37).
type Span struct {
	Trace      event.TraceID
	ID, Parent event.SpanID // a root has no parent
	State      string       // tracestate
	Name       string
	Kind       SpanKind
	Began      time.Time
	Took       time.Duration
	Failed     bool
	Error      string // what is said of the failure
	Attributes []Attribute
}

// SpanKind is one of OpenTelemetry's, by its number in OTLP.
type SpanKind int

// The kinds of spans that there are here.
const (
	Internal SpanKind = 1
	Server   SpanKind = 2
	Client   SpanKind = 3
)

// String is the kind's name.
func (k SpanKind) String() string { return [...]string{"", "INTERNAL", "SERVER", "CLIENT"}[k] }

// Attribute is a fact about a span: a text or a whole number.
type Attribute struct {
	Name   string
	Text   string
	Number int64
	IsText bool
}

// attributes collects facts, and leaves out those that are not known.
type attributes []Attribute

// mostAttributes is how many a span of an exchange or attempt has.
const mostAttributes = 20

func (a *attributes) text(name, text string) {
	if text != "" {
		*a = append(*a, Attribute{Name: name, Text: text, IsText: true})
	}
}

func (a *attributes) number(name string, n int64) {
	if n > 0 {
		*a = append(*a, Attribute{Name: name, Number: n})
	}
}

// appendSpans appends the spans of an exchange that is over, the exchange's own first;
// none when they are not kept.
func appendSpans(spans []Span, e event.ExchangeEnded) []Span {
	x := e.Exchange
	trace := x.Trace()
	if trace.Span.IsZero() || !trace.Sampled {
		return spans
	}
	happened := x.Happened()
	spans = append(slices.Grow(spans, 1+len(happened)), exchangeSpan(e, trace))
	for _, one := range happened {
		span, ok := Span{}, false
		switch one := one.(type) {
		case event.Attempt:
			span, ok = attemptSpan(one), true
		case event.StepEnded:
			span, ok = stepSpan(one, trace.Span)
		}
		if ok {
			span.Trace, span.State = trace.Trace, trace.State
			spans = append(spans, span)
		}
	}
	return spans
}

func exchangeSpan(e event.ExchangeEnded, trace event.TraceContext) Span {
	x, facts := e.Exchange, e.Exchange.Facts()
	f := &facts
	s := Span{Trace: trace.Trace, ID: trace.Span, Parent: trace.Parent, State: trace.State, Kind: Server, Began: x.Began,
		Took: e.Took, Failed: f.Failed != "" && (f.Adapter == "mcp" || f.Status >= 500) || f.Aborted, Error: f.Reason}
	a := make(attributes, 0, mostAttributes)
	if f.RPC != "" {
		s.Name = f.RPC
		a.text("mcp.method.name", f.RPC)
		a.text("mcp.protocol.version", f.Revision)
		a.text("network.transport", transport(x.Transport))
		if f.Name != "" {
			s.Name += " " + f.Name
		}
		switch f.RPC {
		case "tools/call":
			a.text("gen_ai.operation.name", "execute_tool")
			a.text("gen_ai.tool.name", f.Name)
		case "prompts/get":
			a.text("gen_ai.prompt.name", f.Name)
		case "resources/read":
			a.text("mcp.resource.uri", f.Name)
		}
	}
	if x.Method != "" {
		method := knownMethod(x.Method)
		if s.Name == "" {
			s.Name = method
			if f.Route != "" {
				s.Name += " " + f.Route
			}
		}
		a.text("http.request.method", method)
		a.text("url.path", x.Path)
		a.text("url.scheme", "http")
		a.text("http.route", f.Route)
		a.number("http.response.status_code", int64(f.Status))
		a.text("user_agent.original", x.Agent)
	}
	if s.Name == "" {
		s.Name = "message"
	}
	if s.Failed {
		a.text("error.type", errorType(f))
	}
	a.text("enduser.pseudo.id", f.Principal)
	a.text("fairlead.request.id", x.ID)
	a.text("fairlead.capability", f.Capability)
	a.text("fairlead.adapter", f.Adapter)
	a.text("fairlead.server", f.Server)
	a.text("fairlead.unit", f.Unit)
	a.number("fairlead.events.left_out", int64(f.LeftOut))
	s.Attributes = a
	return s
}

func attemptSpan(e event.Attempt) Span {
	s := Span{ID: e.Span, Parent: e.Parent, Name: knownMethod(e.Method), Kind: Client, Began: e.Began, Took: e.Took,
		Failed: e.Err != nil || e.Status >= 400}
	a := make(attributes, 0, mostAttributes)
	a.text("http.request.method", s.Name)
	if e.Target != "" {
		s.Name += " " + e.Target
	}
	a.text("url.full", e.URL)
	if u, err := url.Parse(e.URL); err == nil {
		a.text("server.address", u.Hostname())
		a.number("server.port", portOf(u))
	}
	a.number("http.response.status_code", int64(e.Status))
	a.number("http.request.resend_count", int64(e.Number-1))
	a.number("http.request.body.size", e.Sent)
	a.number("http.response.body.size", e.Received)
	if s.Failed {
		a.text("error.type", attemptError(&e))
	}
	if e.Err != nil {
		s.Error = e.Err.Error()
	}
	a.text("fairlead.target", e.Target)
	s.Attributes = a
	return s
}

// attemptError is what semantic conventions call the type of an error: the status, or
// that there was no answer.
func attemptError(e *event.Attempt) string {
	switch {
	case e.Status >= 400:
		return strconv.Itoa(e.Status)
	case e.Err != nil:
		return "transport"
	}
	return ""
}

func stepSpan(e event.StepEnded, parent event.SpanID) (Span, bool) {
	s := Span{ID: e.Span, Parent: parent, Name: "step " + e.Name, Kind: Internal, Began: e.Began, Took: e.Took,
		Failed: e.Err != nil}
	var a attributes
	a.text("fairlead.step", e.Name)
	a.text("fairlead.step.does", e.Doing)
	if e.Err != nil {
		s.Error = e.Err.Error()
		a.text("error.type", "step")
	}
	s.Attributes = a
	return s, !e.Span.IsZero()
}

func portOf(u *url.URL) int64 {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err == nil:
		return int64(port)
	case u.Scheme == "https":
		return 443
	}
	return 80
}

// transport is the semantic conventions' word for how messages come.
func transport(name string) string {
	if name == "stdio" {
		return "pipe"
	}
	return "tcp"
}

// knownMethod is a method of HTTP, or _OTHER: callers may write what they like.
func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
		return method
	}
	return "_OTHER"
}

// errorType is what semantic conventions call the type of an error.
func errorType(f *event.Facts) string {
	switch {
	case f.Aborted && f.Failed == "":
		return "aborted"
	case f.Failed != "":
		return f.Failed
	case f.Status >= 500:
		return strconv.Itoa(f.Status)
	}
	return ""
}
