package event

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestBegin_takesTheIDAndTheTraceOfACaller(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, tt := range []struct {
		name    string
		header  http.Header
		id      string // "" is one that is made here
		trace   string // likewise
		parent  string
		sampled bool
	}{
		{"nothing", nil, "", "", "0000000000000000", true},
		{"W3C", http.Header{"Traceparent": {"00-" + trace + "-" + span + "-01"}, "X-Request-Id": {"a/b:1"}}, "a/b:1",
			trace, span, true},
		{"W3C, not sampled", http.Header{"Traceparent": {"00-" + trace + "-" + span + "-00"}}, "", trace, span, false},
		{"a later version", http.Header{"Traceparent": {"01-" + trace + "-" + span + "-01-more"}}, "", trace, span,
			true},
		{"version 00 with more", http.Header{"Traceparent": {"00-" + trace + "-" + span + "-01-more"}}, "", "",
			"0000000000000000", true},
		{"upper case", http.Header{"Traceparent": {"00-" + strings.ToUpper(trace) + "-" + span + "-01"}}, "", "",
			"0000000000000000", true},
		{"no trace", http.Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + span + "-01"}}, "", "",
			"0000000000000000", true},
		{"two", http.Header{"Traceparent": {"00-" + trace + "-" + span + "-01", "x"}}, "", "", "0000000000000000",
			true},
		{"B3", http.Header{"B3": {trace + "-" + span + "-1"}}, "", trace, span, true},
		{"B3 of 64 bits", http.Header{"B3": {trace[16:] + "-" + span + "-d-" + span}}, "",
			strings.Repeat("0", 16) + trace[16:], span, true},
		{"B3 in several headers", http.Header{"X-B3-Traceid": {strings.ToUpper(trace)}, "X-B3-Spanid": {span},
			"X-B3-Sampled": {"0"}}, "", trace, span, false},
		{"an ID with a blank", http.Header{"X-Request-Id": {"a b"}}, "", "", "0000000000000000", true},
		{"an ID that ends the line", http.Header{"X-Request-Id": {"a\nb"}}, "", "", "0000000000000000", true},
		{"a long ID", http.Header{"X-Request-Id": {strings.Repeat("a", 129)}}, "", "", "0000000000000000", true},
		{"two IDs", http.Header{"X-Request-Id": {"a", "b"}}, "", "", "0000000000000000", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Trace(Tracing{Ratio: 1, W3C: true})
			x := &Exchange{}
			ctx := s.Begin(t.Context(), x, tt.header)
			if ExchangeOf(ctx) != x || SpanOf(ctx) != x.Trace().Span || SpanOf(ctx).IsZero() {
				t.Error("the context does not know its exchange")
			}
			if tt.id != "" && x.ID != tt.id || tt.id == "" && (len(x.ID) != 24 || !IsID(x.ID)) {
				t.Errorf("the ID is %q", x.ID)
			}
			c := x.Trace()
			if tt.trace != "" && c.Trace.String() != tt.trace || c.Trace.IsZero() || c.Parent.String() != tt.parent ||
				c.Sampled != tt.sampled {
				t.Errorf("the trace is %s, the parent %s, sampled %v", c.Trace, c.Parent, c.Sampled)
			}
		})
	}
}

func TestInject_tellsAPIsOfTheSpanThatCalls(t *testing.T) {
	for _, tt := range []struct {
		how  Tracing
		want []string
	}{
		{Tracing{Ratio: 1, W3C: true}, []string{"Traceparent 00-T-S-01", "Tracestate a=1"}},
		{Tracing{Ratio: 1, B3: true}, []string{"B3 T-S-1"}},
		{Tracing{Ratio: 1, B3Multi: true}, []string{"X-B3-Traceid T", "X-B3-Spanid S", "X-B3-Sampled 1"}},
	} {
		s := Trace(tt.how)
		x := &Exchange{}
		s.Begin(t.Context(), x, http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			"Tracestate": {"a=1"}})
		h := http.Header{"Traceparent": {"the caller's"}, "X-B3-Sampled": {"0"}, "Accept": {"*/*"}}
		span := s.Inject(h, &Call{Exchange: x})
		if len(h) != 1+len(tt.want) || span.IsZero() || span == x.Trace().Span {
			t.Errorf("%+v: %v", tt.how, h)
		}
		for _, line := range tt.want {
			name, value, _ := strings.Cut(line, " ")
			value = strings.NewReplacer("T", x.Trace().Trace.String(), "S", span.String()).Replace(value)
			if h.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, h.Get(name), value)
			}
		}
	}
}

func TestTracing_samplesAPart(t *testing.T) {
	kept, how := 0, Tracing{Ratio: .25}
	const traces = 4000
	for range traces {
		if how.samples(newTraceID()) {
			kept++
		}
	}
	if kept < traces/5 || kept > traces*3/10 {
		t.Errorf("%d of %d are kept", kept, traces)
	}
	if none := (Tracing{}); none.samples(newTraceID()) {
		t.Error("a ratio of 0 keeps some")
	}
}

// TestExchange_knowsWhatHappensInIt: the attempts of a call are counted, and kept where
// spans are.
func TestExchange_knowsWhatHappensInIt(t *testing.T) {
	listener, heard := hearing(Exchanges)
	for _, s := range []*Stream{To(listener), Trace(Tracing{Ratio: 1}, listener)} {
		*heard = nil
		x := &Exchange{}
		ctx := s.Begin(t.Context(), x, nil)
		call := &Call{Exchange: ExchangeOf(ctx)}
		if s.Active() != 1 {
			t.Error("nothing runs")
		}
		for i := range mostKept + 10 {
			s.Attempted(ctx, &Attempt{Call: call, Target: "api.x", Status: 200 + i, Took: time.Second, Received: 2})
		}
		s.Publish(ctx, Attempt{Target: "of nobody"})
		s.End(ctx, x)
		if s.Active() != 0 || len(*heard) != 1 {
			t.Fatal("the end is not heard")
		}
		e := (*heard)[0].(ExchangeEnded)
		f := e.Exchange.Facts()
		if e.Exchange != x || f.Attempts != mostKept+10 || f.Target != "api.x" || f.APIStatus != 200+mostKept+9 ||
			f.APITook != (mostKept+10)*time.Second || f.APIReceived != 2*(mostKept+10) {
			t.Errorf("known is %+v", f)
		}
		kept, left := len(x.Happened()), f.LeftOut
		if s.Traces() && (kept != mostKept || left != 10) || !s.Traces() && kept != 0 {
			t.Errorf("%d are kept and %d left out", kept, left)
		}
	}
}

// TestStream_hearsMoreForAWhile: what a listener wants can change while it runs.
func TestStream_hearsMoreForAWhile(t *testing.T) {
	listener, heard := hearing(Problems)
	var more atomic.Uint32
	listener.More = &more
	s := To(listener)
	for _, kinds := range []Kind{0, Steps, 0} {
		more.Store(uint32(kinds))
		if s.Hears(Steps) != (kinds != 0) {
			t.Errorf("hears steps: %v", s.Hears(Steps))
		}
		s.Publish(context.Background(), StepEnded{})
	}
	if len(*heard) != 1 {
		t.Errorf("heard %d", len(*heard))
	}
}

// TestAttempted_isNoValueWhereNobodyHearsIt: it is counted, and costs nothing.
func TestAttempted_isNoValueWhereNobodyHearsIt(t *testing.T) {
	exchanges, _ := hearing(Exchanges)
	s := To(exchanges)
	x := &Exchange{}
	ctx := s.Begin(t.Context(), x, nil)
	e := Attempt{Call: &Call{Exchange: x}}
	if n := testing.AllocsPerRun(100, func() { s.Attempted(ctx, &e) }); n > 0 || x.Facts().Attempts != 101 {
		t.Errorf("%v allocations, %d attempts", n, x.Facts().Attempts)
	}
	attempts, heard := hearing(Attempts)
	To(exchanges, attempts).Attempted(ctx, &e)
	if len(*heard) != 1 || x.Facts().Attempts != 102 {
		t.Errorf("heard %v", *heard)
	}
}
