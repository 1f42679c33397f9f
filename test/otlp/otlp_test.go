// Package otlp reads what Fairlead sends to a collector with the collector's own code.
package otlp

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// build builds Fairlead from the tree around the test.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fairlead")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/fairlead")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build fairlead: %v\n%s", err, out)
	}
	return program
}

// collector keeps what was sent to it.
type collector struct {
	t       *testing.T
	mu      sync.Mutex
	traces  []ptrace.Traces
	metrics []pmetric.Metrics
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/v1/traces":
		request := ptraceotlp.NewExportRequest()
		if err == nil {
			err = request.UnmarshalJSON(body)
		}
		c.traces = append(c.traces, request.Traces())
	case "/v1/metrics":
		request := pmetricotlp.NewExportRequest()
		if err == nil {
			err = request.UnmarshalJSON(body)
		}
		c.metrics = append(c.metrics, request.Metrics())
	}
	if err != nil {
		c.t.Errorf("%s: %v\n%s", r.URL.Path, err, body)
	}
	_, _ = io.WriteString(w, "{}")
}

func TestCollector_readsWhatIsSent(t *testing.T) {
	c := &collector{t: t}
	endpoint := httptest.NewServer(c)
	defer endpoint.Close()
	server := exec.Command(build(t), "serve", "--sandbox", "--ports", "auto", "--json", "--access-log", "off")
	server.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint.URL)
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }() // it has ended, unless the test failed
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ Adapters []struct{ Type, URL string } }
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("not ready: %v %s", err, line)
	}
	const trace = "0af7651916cd43dd8448eb211c80319c"
	for _, a := range ready.Adapters {
		url, body := a.URL+"/v1/v1/account/login", `{"email":"demo@fairlead.example","password":"not-a-real-password"}`
		if a.Type == "mcp" {
			url, body = a.URL, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
		}
		request, err := http.NewRequest("POST", url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil { // what waits is sent before
		t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kinds := map[string]string{}
	for _, one := range c.traces {
		for i := range one.ResourceSpans().Len() {
			resource := one.ResourceSpans().At(i)
			if name, ok := resource.Resource().Attributes().Get("service.name"); !ok ||
				!strings.HasPrefix(name.Str(), "fairlead-") {
				t.Errorf("the service is %v", resource.Resource().Attributes().AsRaw())
			}
			for j := range resource.ScopeSpans().Len() {
				spans := resource.ScopeSpans().At(j).Spans()
				for k := range spans.Len() {
					span := spans.At(k)
					kinds[span.Name()] = span.Kind().String()
					if span.TraceID().String() != trace || span.SpanID().IsEmpty() || span.ParentSpanID().IsEmpty() ||
						span.EndTimestamp() < span.StartTimestamp() {
						t.Errorf("%s: %s %s %s", span.Name(), span.TraceID(), span.SpanID(), span.ParentSpanID())
					}
				}
			}
		}
	}
	for name, kind := range map[string]string{"POST /v1/v1/account/login": "Server",
		"POST koyeb-sessions.login": "Client",
		"tools/list":                "Server"} {
		if kinds[name] != kind {
			t.Errorf("the span %s is %q; there are %v", name, kinds[name], kinds)
		}
	}
	types := map[string]string{}
	for _, one := range c.metrics {
		for i := range one.ResourceMetrics().Len() {
			for j := range one.ResourceMetrics().At(i).ScopeMetrics().Len() {
				all := one.ResourceMetrics().At(i).ScopeMetrics().At(j).Metrics()
				for k := range all.Len() {
					types[all.At(k).Name()] = all.At(k).Type().String() + " " + all.At(k).Unit()
				}
			}
		}
	}
	for name, kind := range map[string]string{"http.server.request.duration": "Histogram s", "fairlead.sent": "Sum By",
		"mcp.server.operation.duration": "Histogram s", "http.server.active_requests": "Gauge 1"} {
		if types[name] != kind {
			t.Errorf("the metric %s is %q; there are %v", name, types[name], types)
		}
	}
}
