package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/observe"
)

// unheard answers where the process was started without anything to observe it.
func unheard(w http.ResponseWriter) {
	fail(w, http.StatusServiceUnavailable,
		"nobody has counted: a control server that comes by a reload counts after the next start")
}

func (g *generation) metrics(w http.ResponseWriter, _ *http.Request) {
	v := g.c.Process.View
	if v == nil {
		unheard(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = v.Metrics.WriteTo(w) // to a caller who left
}

// Trace is an entry of /traces, and with its spans the document of /traces/{id}.
type Trace struct {
	TraceID   string    `json:"traceId"`
	Operation string    `json:"operation"`
	Millis    float64   `json:"durationMs"`
	Status    string    `json:"status"` // OK or ERROR
	SpanCount int       `json:"spanCount"`
	Timestamp time.Time `json:"timestamp"`
	Spans     []Span    `json:"spans,omitempty"`
}

// Span is one span of a trace.
type Span struct {
	SpanID     string         `json:"spanId"`
	ParentID   string         `json:"parentSpanId,omitempty"`
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	Began      time.Time      `json:"timestamp"`
	Millis     float64        `json:"durationMs"`
	Status     string         `json:"status"`
	Error      string         `json:"error,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func status(failed bool) string {
	if failed {
		return "ERROR"
	}
	return "OK"
}

// traceOf is what is said of the spans of an exchange, its own first.
func traceOf(spans []observe.Span) Trace {
	root := spans[0]
	return Trace{TraceID: root.Trace.String(), Operation: root.Name, Millis: millis(root.Took),
		Status: status(root.Failed), SpanCount: len(spans), Timestamp: root.Began}
}

// traces lists the last traces, the newest first; ?operation= and ?status= choose
// among them.
func (g *generation) traces(w http.ResponseWriter, r *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	kept := g.c.Process.View.Traces
	q := r.URL.Query()
	list := []Trace{}
	for _, spans := range kept.Traces() {
		if len(spans) == 0 {
			continue
		}
		t := traceOf(spans)
		if strings.Contains(strings.ToLower(t.Operation), strings.ToLower(q.Get("operation"))) &&
			(q.Get("status") == "" || strings.EqualFold(t.Status, q.Get("status"))) {
			list = append(list, t)
		}
	}
	used, size := kept.Size()
	answer(w, http.StatusOK, struct {
		Traces []Trace `json:"traces"`
		Size   int     `json:"bufferSize"`
		Used   int     `json:"bufferUsed"`
	}{list, size, used})
}

func (g *generation) trace(w http.ResponseWriter, r *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	kept := g.c.Process.View.Traces
	spans := kept.Trace(strings.ToLower(r.PathValue("id")))
	if len(spans) == 0 {
		fail(w, http.StatusNotFound, "Trace not found: "+r.PathValue("id"))
		return
	}
	t := traceOf(spans)
	t.Spans = spansOf(spans)
	answer(w, http.StatusOK, t)
}

func spansOf(spans []observe.Span) (all []Span) {
	for _, s := range spans {
		one := Span{SpanID: s.ID.String(), Name: s.Name, Kind: s.Kind.String(), Began: s.Began, Millis: millis(s.Took),
			Status: status(s.Failed), Error: s.Error}
		if !s.Parent.IsZero() {
			one.ParentID = s.Parent.String()
		}
		for _, a := range s.Attributes {
			if one.Attributes == nil {
				one.Attributes = map[string]any{}
			}
			if one.Attributes[a.Name] = a.Number; a.IsText {
				one.Attributes[a.Name] = a.Text
			}
		}
		all = append(all, one)
	}
	return all
}

// Call is an entry of /calls: one request of a caller.
type Call struct {
	Time       time.Time `json:"time"`
	ID         string    `json:"id"`
	Caller     string    `json:"caller,omitempty"`
	Capability string    `json:"capability,omitempty"`
	Adapter    string    `json:"adapter,omitempty"`
	Server     string    `json:"server,omitempty"`
	Unit       string    `json:"unit,omitempty"`
	Request    string    `json:"request"` // method and path, or MCP's method
	Status     int       `json:"status"`
	Failed     string    `json:"failed,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Millis     float64   `json:"milliseconds"`
	Received   int64     `json:"received"`
	Sent       int64     `json:"sent"`
	Upstream   string    `json:"upstream,omitempty"` // namespace.operation of the last attempt
	APIStatus  int       `json:"upstreamStatus,omitempty"`
	APIMillis  float64   `json:"upstreamMilliseconds,omitempty"`
	Attempts   int       `json:"attempts,omitempty"`
	Trace      string    `json:"trace,omitempty"`
}

func callOf(c observe.Call) Call {
	one := Call{Time: c.Time.UTC(), ID: c.ID, Caller: c.Principal, Capability: c.Capability, Adapter: c.Adapter,
		Server: c.Server, Unit: c.Unit, Status: c.Status, Failed: c.Failed, Reason: c.Reason, Millis: millis(c.Took),
		Received: c.Received, Sent: c.Sent, Upstream: c.Target, APIStatus: c.APIStatus, APIMillis: millis(c.APITook),
		Attempts: c.Attempts, Trace: c.Trace}
	switch {
	case c.RPC != "" && c.Name != "":
		one.Request = c.RPC + " " + c.Name
	case c.RPC != "":
		one.Request = c.RPC
	default:
		one.Request = strings.TrimSpace(c.Method + " " + c.Path)
	}
	return one
}

// mostCalls is how many calls are listed where nobody asks for fewer.
const mostCalls = 100

func (g *generation) recent(most int) []Call {
	list := []Call{}
	for _, c := range g.c.Process.View.Recent.Calls() {
		if len(list) == most {
			break
		}
		list = append(list, callOf(c))
	}
	return list
}

// calls lists the last calls, the newest first, ?limit= of them.
func (g *generation) calls(w http.ResponseWriter, r *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	most, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || most < 1 {
		most = mostCalls
	}
	answer(w, http.StatusOK, map[string][]Call{"calls": g.recent(most)})
}

func (g *generation) followCalls(w http.ResponseWriter, r *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	g.stream(w, r, func(ctx context.Context, send func(name string, data []byte) bool) {
		g.c.Process.View.Recent.Follow(ctx, func(c observe.Call) bool {
			text, err := json.Marshal(callOf(c))
			return err == nil && send("call", text)
		})
	})
}

// alive is how often an idle stream shows that it lives.
const alive = 15 * time.Second

// stream writes server-sent events (HTML, section 9.2) until the caller leaves or
// the server ends. There are places for no more than the document allows.
func (g *generation) stream(w http.ResponseWriter, r *http.Request,
	run func(ctx context.Context, send func(name string, data []byte) bool)) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, "as many read here as may: "+strconv.Itoa(cap(g.slots)))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out, events := http.NewResponseController(w), make(chan []byte)
	put := func(text []byte) bool { return adapter.Write(w, text) == nil && out.Flush() == nil }
	if !put([]byte("retry: 2000\n\n")) {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx, func(name string, data []byte) bool {
			text := append([]byte("event: "+name+"\ndata: "), data...)
			select {
			case events <- append(text, '\n', '\n'):
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	defer func() {
		cancel()
		<-ended
	}()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case text := <-events:
			if !put(text) {
				return
			}
		case <-tick.C:
			if !put([]byte(": alive\n\n")) {
				return
			}
		case <-g.done: // the client comes back after the time that retry says
			return
		case <-ctx.Done():
			return
		}
	}
}
