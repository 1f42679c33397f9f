package observe

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// taking is a collector that takes everything at once.
type taking struct{}

func (taking) Do(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// BenchmarkListeners is what each listener makes of a call with one attempt.
func BenchmarkListeners(b *testing.B) {
	q := NewQueue(io.Discard, nil)
	defer q.Close()
	telemetry, _, err := NewTelemetry(func(string) (string, bool) { return "", false },
		Declared{Sampling: 1, Endpoint: "http://collector.test:4318"})
	if err != nil {
		b.Fatal(err)
	}
	e := NewExporter(ExporterConfig{Telemetry: telemetry, Client: taking{}, Logger: LogOptions{}.Logger(io.Discard)})
	defer e.Close()
	how := event.Tracing{Ratio: 1, W3C: true}
	for name, s := range map[string]*event.Stream{
		"nothing":  event.To(event.Listener{Kinds: event.Exchanges, Hear: NewRecent(1, nil).Listener().Hear}),
		"access":   event.To(Access(NewBatch(q), JSON)),
		"metrics":  event.To(NewMetrics().Listener()),
		"traces":   event.Trace(how, NewTraces(100, nil).Listener()),
		"exporter": event.Trace(how, e.Listener()),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := &event.Exchange{Transport: "http", Method: "GET", Path: "/books/1"}
				ctx := s.Begin(b.Context(), x, nil)
				call := &event.Call{Unit: "GET /books/{id}", Exchange: x}
				x.Note(func(f *event.Facts) {
					f.Unit, f.Route, f.Capability, f.Adapter, f.Server, f.Status = call.Unit, "/books/{id}", "Books",
						"rest", "shelf", 200
				})
				s.Publish(ctx, event.Attempt{Call: call, Target: "api.get", Number: 1, Method: "GET",
					URL:   "http://api.test/books/1",
					Began: time.Now(), Status: 200, Span: s.Inject(http.Header{}, call), Parent: event.SpanOf(ctx)})
				s.End(ctx, x)
			}
		})
	}
}

// BenchmarkMask is what it costs to look for secrets in the lines of calls, each.
func BenchmarkMask(b *testing.B) {
	const lines = 160
	piece := []byte(strings.Repeat(`{"time":"2026-11-27T21:51:11.292Z","id":"9zj2f5zm4cbbd9mwrm60vnnj","transport":"http","capability":"Koyeb Rest API","server":"koyeb-sessions-rest","adapter":"rest","unit":"POST /v1/v1/account/login","status":200,"ms":1.375,"received":66,"sent":456,"api":"koyeb-sessions.login","api_status":200,"api_ms":1.004,"api_received":456,"attempts":1,"trace":"83353d9e40ef334508f3564d66826249"}`+"\n", lines))
	mask := maskOf("bench", "sk_live_0123456789abcdefghij/+")
	b.ReportAllocs()
	for b.Loop() {
		mask.Bytes(piece)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}
