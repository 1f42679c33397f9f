package observe

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
)

// a whole exchange: a tool of two steps, of which one calls an API twice.
func happen(t *testing.T, s *event.Stream) event.TraceContext {
	t.Helper()
	x := &event.Exchange{Transport: "http", Method: "POST", Path: "/mcp", Agent: "client/1"}
	ctx := s.Begin(t.Context(), x, http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		"Tracestate": {"v=1"}, "X-Request-Id": {"id-1"}})
	call := &event.Call{Unit: "shelves.two", Type: "tool", Exchange: x}
	inStep := event.InSpan(ctx, event.NewSpanID())
	began := time.Now()
	for i, err := range []error{errors.New("dial s3cret"), nil} {
		span := s.Inject(http.Header{}, call)
		s.Publish(inStep, event.Attempt{Call: call, Target: "api.get", Number: i + 1, Method: "GET",
			URL: "https://api.test/books/s3cret", Began: began, Took: time.Millisecond, Status: 200 * i,
			Received: int64(7 * i),
			Err:      err, Span: span, Parent: event.SpanOf(inStep)})
	}
	s.Publish(inStep, event.StepEnded{Call: call, Name: "a", Doing: "api.get", Began: began, Took: 2 * time.Millisecond,
		Total: 2, Span: event.SpanOf(inStep)})
	s.Publish(ctx, event.StepEnded{Call: call, Name: "b", Doing: "lookup", Began: began, Took: time.Millisecond,
		Total: 2,
		Err:   errors.New("nothing found"), Span: event.NewSpanID()})
	x.Note(func(f *event.Facts) {
		*f = event.Facts{Principal: "basic:ann", Capability: "Books", Adapter: "mcp", Server: "shelves",
			Unit: "shelves.two",
			RPC:  "tools/call", Name: "two", Revision: "2025-11-25", Status: 200, Failed: "bad-answer",
			Reason: "step b: s3cret",
			Sent:   90, Received: 80}
	})
	s.End(ctx, x)
	return x.Trace()
}

func maskOf(secrets ...string) *Mask {
	return NewMask(func() (all []secret.String) {
		for _, one := range secrets {
			all = append(all, secret.New(one))
		}
		return all
	})
}

func TestTraces_haveASpanForAllThatRuns(t *testing.T) {
	traces := NewTraces(2, maskOf("s3cret"))
	s := event.Trace(event.Tracing{Ratio: 1, W3C: true}, traces.Listener())
	trace := happen(t, s)
	spans := traces.Trace(trace.Trace.String())
	if len(spans) != 5 || len(traces.Traces()) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	names := map[event.SpanID]string{trace.Parent: "the caller"}
	for _, span := range spans {
		names[span.ID] = span.Name
	}
	var got []string
	for _, span := range spans {
		failed := ""
		if span.Failed {
			failed = " failed"
		}
		got = append(got, span.Name+" "+span.Kind.String()+" in "+names[span.Parent]+failed)
		if span.Trace != trace.Trace || span.State != "v=1" {
			t.Errorf("%s is of the trace %s %s", span.Name, span.Trace, span.State)
		}
		for _, a := range span.Attributes {
			if strings.Contains(a.Text+span.Error, "s3cret") {
				t.Errorf("%s tells %s", span.Name, a.Text)
			}
		}
	}
	want := []string{"tools/call two SERVER in the caller failed", "GET api.get CLIENT in step a failed",
		"GET api.get CLIENT in step a", "step a INTERNAL in tools/call two", "step b INTERNAL in tools/call two failed"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	attribute := func(span Span, name string) string {
		for _, a := range span.Attributes {
			if a.Name == name {
				return a.Text
			}
		}
		return ""
	}
	for name, want := range map[string]string{"mcp.method.name": "tools/call", "gen_ai.tool.name": "two",
		"gen_ai.operation.name": "execute_tool", "error.type": "bad-answer", "http.request.method": "POST",
		"fairlead.request.id": "id-1", "network.transport": "tcp"} {
		if got := attribute(spans[0], name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if a := spans[1]; attribute(a, "server.address") != "api.test" || attribute(a, "error.type") != "transport" ||
		attribute(a, "url.full") != "https://api.test/books/***" {
		t.Errorf("%+v", a.Attributes)
	}
	for range 3 {
		happen(t, s)
	}
	if used, size := traces.Size(); used != 2 || size != 2 {
		t.Errorf("%d of %d are kept", used, size)
	}
	traces.Keep(1)
	if used, size := traces.Size(); used != 1 || size != 1 || len(traces.Traces()) != 1 {
		t.Errorf("%d of %d are kept", used, size)
	}
	if traces.Trace("none") != nil {
		t.Error("there is a trace of another name")
	}
	never := NewTraces(2, nil)
	quiet := event.Trace(event.Tracing{}, never.Listener())
	x := &event.Exchange{}
	quiet.End(quiet.Begin(t.Context(), x, nil), x)
	if used, _ := never.Size(); used != 0 {
		t.Error("what is not sampled is kept")
	}
}

// collector takes OTLP and keeps what it took.
type collector struct {
	mu      sync.Mutex
	status  []int // of the next answers; then 200
	answer  string
	bodies  map[string][]string // by path
	headers []http.Header
	taken   chan string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, _ := io.ReadAll(body)
	c.headers = append(c.headers, r.Header)
	if len(c.status) > 0 {
		status := c.status[0]
		c.status = c.status[1:]
		w.WriteHeader(status)
		return
	}
	if c.bodies == nil {
		c.bodies = map[string][]string{}
	}
	c.bodies[r.URL.Path] = append(c.bodies[r.URL.Path], string(text))
	_, _ = io.WriteString(w, c.answer)
	c.taken <- r.URL.Path
}

func exporterTo(t *testing.T, url string, env map[string]string, log io.Writer, m *Metrics) *Exporter {
	t.Helper()
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
	telemetry, notes, err := NewTelemetry(func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Declared{Service: "Books", Sampling: 1})
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	return NewExporter(ExporterConfig{Telemetry: telemetry, Version: "1.2.3", Client: client, Metrics: m,
		Mask: maskOf("s3cret"), Logger: LogOptions{}.Logger(log)})
}

// TestExporter_sendsWhatCollectorsRead: test/otlp reads it with a collector's own code.
func TestExporter_sendsWhatCollectorsRead(t *testing.T) {
	c := &collector{taken: make(chan string, 10), status: []int{503}}
	server := httptest.NewServer(c)
	defer server.Close()
	metrics := NewMetrics()
	e := exporterTo(t, server.URL, map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=k%20ey",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_BSP_SCHEDULE_DELAY": "10",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
		"OTEL_METRICS_EXPORTER":    "none"}, io.Discard, metrics)
	s := event.Trace(event.Tracing{Ratio: 1, W3C: true}, e.Listener(), metrics.Listener())
	happen(t, s)
	<-c.taken // although the first answer was 503
	e.Close()
	e = exporterTo(t, server.URL, map[string]string{"OTEL_TRACES_EXPORTER": "none"}, io.Discard, metrics)
	e.Close() // which sends what there is
	<-c.taken
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.headers[0]; h.Get("Api-Key") != "k ey" || h.Get("Content-Type") != "application/json" {
		t.Errorf("the headers are %v", h)
	}
	for path, words := range map[string][]string{
		"/v1/traces": {`"traceId":"0af7651916cd43dd8448eb211c80319c"`, `"parentSpanId":"b7ad6b7169203331"`,
			`"name":"tools/call two","kind":2`, `"status":{"code":2,"message":"step b: ***"}`,
			`{"key":"service.name","value":{"stringValue":"fairlead-Books"}}`, `"deployment.environment.name"`,
			`{"key":"server.port","value":{"intValue":"443"}}`, `"traceState":"v=1"`},
		"/v1/metrics": {`"name":"mcp.server.operation.duration","unit":"s"`, `"count":"1"`,
			`"name":"fairlead.api.resends","unit":"1"`, `"isMonotonic":true`, `"aggregationTemporality":2`},
	} {
		if len(c.bodies[path]) != 1 {
			t.Fatalf("%d bodies to %s", len(c.bodies[path]), path)
		}
		body := c.bodies[path][0]
		var parsed any
		if err := json.Unmarshal([]byte(body), &parsed); err != nil || strings.Contains(body, "s3cret") {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
		for _, word := range words {
			if !strings.Contains(body, word) {
				t.Errorf("%s does not hold %s:\n%s", path, word, body)
			}
		}
	}
}

// shared is a text that one goroutine writes while another reads it.
type shared struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// stuckDoer never answers before its request ends.
type stuckDoer struct{}

func (stuckDoer) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestExporter_keepsNobodyWaiting: a collector that hangs costs neither calls nor the
// end of the process more than its patience.
func TestExporter_keepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log shared
		telemetry, _, _ := NewTelemetry(func(string) (string, bool) { return "", false },
			Declared{Sampling: 1, Endpoint: "http://collector.test:4318"})
		e := NewExporter(ExporterConfig{Telemetry: telemetry, Client: stuckDoer{}, Metrics: NewMetrics(),
			Logger: LogOptions{}.Logger(&log)})
		s := event.Trace(event.Tracing{Ratio: 1}, e.Listener())
		began := time.Now()
		for range 2*mostExported + exportedBatch {
			x := &event.Exchange{}
			s.End(s.Begin(t.Context(), x, nil), x)
		}
		if time.Since(began) > 0 || e.Lost() == 0 {
			t.Errorf("calls waited %s, and %d are lost", time.Since(began), e.Lost())
		}
		time.Sleep(2 * time.Minute) // tries are over
		if e.Failed() == 0 || !strings.Contains(log.String(), "telemetry is lost") {
			t.Errorf("%d failed; the log says %s", e.Failed(), log.String())
		}
		began = time.Now()
		e.Close()
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("the end waited %s", took)
		}
		synctest.Wait()
	})
}

func TestExporter_tellsOfWhatIsNotTaken(t *testing.T) {
	for _, tt := range []struct {
		status int
		answer string
		want   string
	}{
		{200, `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}`, "too old"},
		{400, ``, "400 Bad Request"},
	} {
		var log strings.Builder
		c := &collector{answer: tt.answer, taken: make(chan string, 10)}
		if tt.status != 200 {
			c.status = []int{tt.status}
		}
		server := httptest.NewServer(c)
		e := exporterTo(t, server.URL, map[string]string{"OTEL_METRICS_EXPORTER": "none"}, &log, nil)
		s := event.Trace(event.Tracing{Ratio: 1}, e.Listener())
		x := &event.Exchange{}
		s.End(s.Begin(context.Background(), x, nil), x)
		e.Close()
		server.Close()
		if !strings.Contains(log.String(), tt.want) {
			t.Errorf("%d: the log says %s", tt.status, log.String())
		}
	}
}

func TestNewTelemetry_readsVariablesBeforeTheDocument(t *testing.T) {
	said := Declared{Service: "Books", Sampling: .5, B3: true, Endpoint: "http://declared:4318/"}
	for _, tt := range []struct {
		env   string // NAME=value, with blanks between
		check func(*Telemetry, []string) bool
		fails string
	}{
		{"", func(t *Telemetry, notes []string) bool {
			return t.Traces.URL == "http://declared:4318/v1/traces" &&
				t.Metered.URL == "http://declared:4318/v1/metrics" &&
				t.Tracing == (event.Tracing{Ratio: .5, B3Multi: true}) && t.Service == "fairlead-Books" &&
				len(notes) == 0 &&
				t.Traces.Timeout == 10*time.Second
		}, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://a/x OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m/in",
			func(t *Telemetry, _ []string) bool {
				return t.Traces.URL == "https://a/x/v1/traces" && t.Metered.URL == "http://m/in"
			}, ""},
		{"OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=console", func(t *Telemetry, notes []string) bool {
			return !t.Sends() && len(notes) == 1
		}, ""},
		{"OTEL_SDK_DISABLED=true", func(t *Telemetry, _ []string) bool { return !t.Sends() }, ""},
		{"OTEL_PROPAGATORS=tracecontext,baggage,b3 OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=0.1",
			func(t *Telemetry, notes []string) bool {
				return t.Tracing == (event.Tracing{Ratio: .1, W3C: true, B3: true}) && len(notes) == 1
			}, ""},
		{"OTEL_SERVICE_NAME=mine OTEL_RESOURCE_ATTRIBUTES=service.name=other,a=b%2Cc",
			func(t *Telemetry, _ []string) bool {
				all := t.resource("1")
				return all[0].Text == "mine" && all[len(all)-1] == Attribute{Name: "a", Text: "b,c", IsText: true}
			}, ""},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://a:4317",
			func(_ *Telemetry, notes []string) bool {
				return len(notes) == 2
			}, ""},
		{"OTEL_EXPORTER_OTLP_TIMEOUT=0", nil, "OTEL_EXPORTER_OTLP_TIMEOUT"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", nil, "want a URL"},
		{"OTEL_EXPORTER_OTLP_HEADERS=t0p", nil, "OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_TRACES_SAMPLER=some", nil, "OTEL_TRACES_SAMPLER"},
		{"OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=2", nil, "OTEL_TRACES_SAMPLER_ARG"},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(tt.env) {
			name, text, _ := strings.Cut(pair, "=")
			env[name] = text
		}
		got, notes, err := NewTelemetry(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, said)
		switch {
		case tt.fails != "":
			if err == nil || !strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "t0p") {
				t.Errorf("%s: error %v", tt.env, err)
			}
		case err != nil || !tt.check(&got, notes):
			t.Errorf("%s: %+v %v %v", tt.env, got, notes, err)
		}
	}
}
