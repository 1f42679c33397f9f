package observe

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

func countAll(t *testing.T) *Metrics {
	t.Helper()
	m := NewMetrics()
	m.Process("1.2.3")
	s := event.Trace(event.Tracing{Ratio: 1}, m.Listener())
	happen(t, s)
	for _, e := range []event.Event{event.Refusal{Door: "guard", Status: 401}, event.Problem{Minor: true},
		event.Credential{Err: errors.New("no")}, event.Reload{}, event.Retry{Target: "api.get", Status: 503},
		event.Breaker{Name: "api", State: event.Open}, event.Wait{Target: "api.get", For: "rate", Took: time.Second}} {
		s.Publish(t.Context(), e)
	}
	return m
}

func TestMetrics_areReadByPrometheus(t *testing.T) {
	var text bytes.Buffer
	if _, err := countAll(t).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"# TYPE http_server_request_duration_seconds histogram",
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",error_type="bad-answer",fairlead_capability="Books",fairlead_adapter="mcp",fairlead_server="shelves"} 1`,
		`mcp_server_operation_duration_seconds_bucket{mcp_method_name="tools/call",gen_ai_tool_name="two",error_type="bad-answer",network_transport="tcp",fairlead_capability="Books",fairlead_server="shelves",le="+Inf"} 1`,
		`http_client_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",fairlead_target="api.get",le="0.001"} 1`,
		`fairlead_step_duration_seconds_count{fairlead_unit="shelves.two",fairlead_step="b",error_type="step"} 1`,
		`fairlead_api_resends_total{fairlead_target="api.get"} 1`,
		`fairlead_refusals_total{fairlead_door="guard",http_response_status_code="401"} 1`,
		`fairlead_credentials_fetched_total{outcome="failed"} 1`, `fairlead_reloads_total{outcome="done"} 1`,
		`fairlead_problems_total{severity="warning"} 1`, `fairlead_sent_bytes_total{fairlead_adapter="mcp"} 90`,
		`fairlead_breaker_state{fairlead_breaker="api"} 1`,
		`fairlead_waits_seconds_count{fairlead_target="api.get",fairlead_for="rate"} 1`,
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(text.String())
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = &text
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestMetrics_areBounded: callers cannot make series, and documents not too many.
func TestMetrics_areBounded(t *testing.T) {
	m := NewMetrics()
	s := event.To(m.Listener())
	for i := range 3 * mostSeries {
		x := &event.Exchange{Transport: "http", Method: fmt.Sprint("M", i), Path: fmt.Sprint("/", i)}
		ctx := s.Begin(t.Context(), x, nil)
		x.Note(func(f *event.Facts) { f.Status = 404 })
		s.End(ctx, x)
		s.Publish(ctx, event.Attempt{Target: fmt.Sprint("api.", i), Method: "GET", Status: 200})
	}
	if n := len(m.requests.all()); n != 1 {
		t.Errorf("%d series of requests", n)
	}
	if n := len(m.calls.all()); n != mostSeries+1 {
		t.Errorf("%d series of calls", n)
	}
	var text bytes.Buffer
	_, _ = m.WriteTo(&text)
	if !strings.Contains(text.String(), `fairlead_target="other",le="+Inf"} 4000`) {
		t.Error("what is not told apart is not counted together")
	}
}

// TestMetrics_costNothingOnceTheyAreThere: counting in a known series allocates nothing.
func TestMetrics_costNothingOnceTheyAreThere(t *testing.T) {
	m := NewMetrics()
	e := event.ExchangeEnded{Exchange: &event.Exchange{Transport: "http", Method: "GET"}, Took: time.Millisecond}
	e.Exchange.Note(func(f *event.Facts) {
		*f = event.Facts{Status: 200, Route: "/books/{id}", Capability: "Books", Adapter: "rest"}
	})
	if n := testing.AllocsPerRun(100, func() { m.exchange(&e) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMetrics(b *testing.B) {
	m := NewMetrics()
	e := event.ExchangeEnded{Exchange: &event.Exchange{Transport: "http", Method: "GET"}, Took: time.Millisecond}
	e.Exchange.Note(func(f *event.Facts) {
		*f = event.Facts{Status: 200, Route: "/books/{id}", Capability: "Books", Adapter: "rest"}
	})
	b.ReportAllocs()
	for b.Loop() {
		m.exchange(&e)
	}
}
