package observe

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Metrics counts what happens. The names are those of OpenTelemetry's semantic
// conventions where they have one (HTTP, MCP), and begin with fairlead otherwise. A
// label's values are what documents declare, statuses and kinds of failures, never
// what a caller writes.
type Metrics struct {
	requests  *instrument // of HTTP callers
	messages  *instrument // of MCP clients
	calls     *instrument // to APIs
	steps     *instrument
	resends   *instrument
	retries   *instrument
	waits     *instrument
	breakers  sync.Map // states by name
	refusals  *instrument
	problems  *instrument
	tokens    *instrument
	reloads   *instrument
	received  *instrument
	sent      *instrument
	all       []*instrument
	began     time.Time
	mu        sync.Mutex
	observers []observer
}

// observer is a metric whose samples are asked for when it is read.
type observer struct {
	name, unit, help string
	counter          bool
	labels           []string
	read             func() []Sample
}

// bounds are those of all histograms, in seconds: from what a call costs here to the
// longest that calls may take by default.
var bounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// NewMetrics begins to count.
func NewMetrics() *Metrics {
	m := &Metrics{began: time.Now()}
	add := func(bounds []float64, name, unit, help string, labels ...string) *instrument {
		one := &instrument{name: name, unit: unit, help: help, labels: labels, bounds: bounds}
		m.all = append(m.all, one)
		return one
	}
	m.requests = add(bounds, "http.server.request.duration", "s", "Time that requests of HTTP callers took.",
		"http.request.method", "http.route", "http.response.status_code", "error.type", "fairlead.capability",
		"fairlead.adapter", "fairlead.server")
	m.messages = add(bounds, "mcp.server.operation.duration", "s", "Time that messages of MCP clients took.",
		"mcp.method.name", "gen_ai.tool.name", "error.type", "network.transport", "fairlead.capability",
		"fairlead.server")
	m.calls = add(bounds, "http.client.request.duration", "s", "Time that requests to APIs took, each attempt for itself.",
		"http.request.method", "http.response.status_code", "error.type", "fairlead.target")
	m.steps = add(bounds, "fairlead.step.duration", "s", "Time that the steps of flows took.", "fairlead.unit",
		"fairlead.step", "error.type")
	m.resends = add(nil, "fairlead.api.resends", "", "Requests to APIs that were sent again.", "fairlead.target")
	m.retries = add(nil, "fairlead.api.retries", "", "Calls to APIs that were to be repeated after a failure.",
		"fairlead.target")
	m.waits = add(bounds, "fairlead.waits", "s", "Time that calls waited for their turn, or before they were held back.",
		"fairlead.target", "fairlead.for", "outcome")
	m.refusals = add(nil, "fairlead.refusals", "", "Requests that were turned away before a unit ran.", "fairlead.door",
		"http.response.status_code")
	m.problems = add(nil, "fairlead.problems", "", "What the operator has to see to; the log says what.", "severity")
	m.tokens = add(nil, "fairlead.credentials.fetched", "", "Credentials for APIs that were fetched.", "outcome")
	m.reloads = add(nil, "fairlead.reloads", "", "Times that the documents were read again.", "outcome")
	m.received = add(nil, "fairlead.received", "By", "Bytes of the bodies of callers, where their length is known.",
		"fairlead.adapter")
	m.sent = add(nil, "fairlead.sent", "By", "Bytes of the bodies of answers.", "fairlead.adapter")
	m.Observe("fairlead.breaker.state", "", "State of a breaker: 0 closed, 1 open, 2 half-open.", false,
		[]string{"fairlead.breaker"}, m.states)
	return m
}

func (m *Metrics) states() (all []Sample) {
	for name, state := range m.breakers.Range {
		all = append(all, Sample{[]string{name.(string)}, float64(state.(event.BreakerState))})
	}
	slices.SortFunc(all, func(a, b Sample) int { return strings.Compare(a.Labels[0], b.Labels[0]) })
	return all
}

// held says whether a call that waited was sent.
func held(held bool) string {
	if held {
		return "held"
	}
	return ""
}

// Listener is what hears for m.
func (m *Metrics) Listener() event.Listener {
	return event.Listener{Kinds: event.Exchanges | event.Attempts | event.Steps | event.Refusals | event.Problems |
		event.Credentials | event.Reloads | event.Retries | event.Waits | event.Breakers, Hear: m.hear}
}

// Observe adds a gauge, or with counter a counter, whose samples are asked for when
// the metrics are read. The name is OpenTelemetry's; unit is s, By or "".
func (m *Metrics) Observe(name, unit, help string, counter bool, labels []string, read func() []Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observers = append(m.observers, observer{name, unit, help, counter, labels, read})
}

// Gauge is Observe of one value without labels.
func (m *Metrics) Gauge(name, unit, help string, read func() float64) {
	m.Observe(name, unit, help, false, nil, func() []Sample { return []Sample{{Value: read()}} })
}

func (m *Metrics) hear(_ context.Context, e event.Event) {
	switch e := e.(type) {
	case event.ExchangeEnded:
		m.exchange(&e)
	case event.Attempt:
		status := ""
		if e.Status != 0 {
			status = strconv.Itoa(e.Status)
		}
		m.calls.observe(m.calls.with(knownMethod(e.Method), status, attemptError(&e), e.Target), e.Took.Seconds())
		if e.Number > 1 {
			m.resends.with(e.Target).add(1)
		}
	case event.StepEnded:
		if e.Name == "" || e.Call == nil {
			return // a plain call
		}
		failed := ""
		if e.Err != nil {
			failed = "step"
		}
		m.steps.observe(m.steps.with(e.Call.Unit, e.Name, failed), e.Took.Seconds())
	case event.Refusal:
		m.refusals.with(e.Door, strconv.Itoa(e.Status)).add(1)
	case event.Problem:
		severity := "error"
		if e.Minor {
			severity = "warning"
		}
		m.problems.with(severity).add(1)
	case event.Credential:
		m.tokens.with(outcome(e.Err)).add(1)
	case event.Retry:
		m.retries.with(e.Target).add(1)
	case event.Wait:
		m.waits.observe(m.waits.with(e.Target, e.For, held(e.Held)), e.Took.Seconds())
	case event.Breaker:
		m.breakers.Store(e.Name, e.State)
	case event.Reload:
		m.reloads.with(outcome(e.Err)).add(1)
	}
}

func outcome(err error) string {
	if err != nil {
		return "failed"
	}
	return "done"
}

func (m *Metrics) exchange(e *event.ExchangeEnded) {
	x, facts, took := e.Exchange, e.Exchange.Facts(), e.Took.Seconds()
	f := &facts
	if x.Transport == "http" {
		m.requests.observe(m.requests.with(knownMethod(x.Method), f.Route, strconv.Itoa(f.Status), errorType(f),
			f.Capability, f.Adapter, f.Server), took)
	}
	if f.RPC != "" {
		name := ""
		if f.RPC == "tools/call" {
			name = f.Name
		}
		m.messages.observe(m.messages.with(f.RPC, name, errorType(f), transport(x.Transport), f.Capability, f.Server),
			took)
	}
	if f.Received > 0 {
		m.received.with(f.Adapter).add(float64(f.Received))
	}
	m.sent.with(f.Adapter).add(float64(f.Sent))
}

// WriteTo writes the metrics in Prometheus's text format 0.0.4, whose media type is
// text/plain; version=0.0.4.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	var text []byte
	for _, one := range m.all {
		text = one.appendPrometheus(text)
	}
	for _, o := range m.observed() {
		samples := o.read()
		if len(samples) == 0 {
			continue
		}
		name, kind := prometheusName(o.name, o.unit, o.counter), "gauge"
		if o.counter {
			kind = "counter"
		}
		text = appendHead(text, name, o.help, kind)
		for _, s := range samples {
			text = appendSample(text, name, "", o.labels, s.Labels, "", s.Value)
		}
	}
	n, err := w.Write(text)
	return int64(n), err
}

func (m *Metrics) observed() []observer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.observers[:len(m.observers):len(m.observers)]
}

// Names are the names of all metrics that there can be, as Prometheus reads them.
func (m *Metrics) Names() (all []string) {
	for _, one := range m.all {
		all = append(all, prometheusName(one.name, one.unit, one.bounds == nil))
	}
	for _, o := range m.observed() {
		all = append(all, prometheusName(o.name, o.unit, o.counter))
	}
	return all
}
