package observe

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fairlead/fairlead/internal/event"
)

// HTTPDoer sends requests. It must not follow redirects, since headers may hold
// credentials.
type HTTPDoer interface {
	Do(*http.Request) (*http.Response, error)
}

// ExporterConfig says where telemetry goes.
type ExporterConfig struct {
	Telemetry
	Version string // of the engine
	Client  HTTPDoer
	Metrics *Metrics // what is sent of it
	Mask    *Mask    // hides secrets in spans
	Logger  *slog.Logger
}

// Exporter sends spans and metrics to a collector, by OTLP over HTTP in JSON. What
// the collector does not take in time is left out, and counted: no call waits for it.
type Exporter struct {
	config   ExporterConfig
	resource resource
	full     chan struct{}   // a batch waits
	ctx      context.Context // of requests
	cancel   context.CancelFunc
	stop     chan struct{}
	done     chan struct{}
	running  atomic.Int32
	lost     atomic.Int64 // exchanges
	failures atomic.Int64 // requests
	mu       sync.Mutex
	waiting  []event.ExchangeEnded
	spare    []event.ExchangeEnded // room for the next ones

	spans []Span // of who sends, likewise
	body  []byte

	said atomic.Int64 // when the log was told last, in nanoseconds since 1970
}

const (
	mostExported  = 2048 // exchanges that wait
	exportedBatch = 256  // of one request
	exportTries   = 4
	exportPause   = time.Second // after the first try; twice as long after each one more
	mostAnswer    = 64 << 10    // bytes of a collector's answer that are read
)

// NewExporter begins to send. Close it.
func NewExporter(config ExporterConfig) *Exporter {
	e := &Exporter{config: config, resource: resource{config.resource(config.Version), config.Version},
		full: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}, 2)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if config.Traces.URL != "" {
		e.running.Add(1)
		go e.sendSpans()
	}
	if config.Metered.URL != "" && config.Metrics != nil {
		e.running.Add(1)
		go e.sendMetrics()
	}
	return e
}

// Listener is what hears for e; where the stream traces (event.Trace), it hears of spans.
func (e *Exporter) Listener() event.Listener {
	return event.Listener{Kinds: event.Exchanges, Hear: func(_ context.Context, one event.Event) {
		ended, ok := one.(event.ExchangeEnded)
		if !ok || e.config.Traces.URL == "" {
			return
		}
		if trace := ended.Exchange.Trace(); !trace.Sampled || trace.Span.IsZero() {
			return
		}
		e.take(ended)
	}}
}

// take keeps an exchange until there are enough for a request, or their time has come:
// to wake who sends for each of them would cost more than the rest.
func (e *Exporter) take(ended event.ExchangeEnded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) >= mostExported {
		e.lost.Add(1)
		return
	}
	if e.waiting = append(e.waiting, ended); len(e.waiting)%exportedBatch == 0 {
		select {
		case e.full <- struct{}{}:
		default:
		}
	}
}

// Lost is how many exchanges were left out, and Failed how many requests to the
// collector failed for good.
func (e *Exporter) Lost() int64   { return e.lost.Load() }
func (e *Exporter) Failed() int64 { return e.failures.Load() }

func (e *Exporter) sendSpans() {
	defer func() { e.done <- struct{}{} }()
	tick := time.NewTicker(e.config.Delay)
	defer tick.Stop()
	for stopped := false; !stopped; {
		select {
		case <-e.full:
		case <-tick.C:
		case <-e.stop:
			stopped = true
		}
		e.sendWaiting()
	}
}

// sendWaiting sends the spans of what waits, a batch with each request.
func (e *Exporter) sendWaiting() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting, e.spare = e.spare[:0], nil
	e.mu.Unlock()
	for batch := range slices.Chunk(waiting, exportedBatch) {
		spans := e.spans[:0]
		for _, one := range batch {
			spans = appendSpans(spans, one)
		}
		e.body = e.resource.appendSpans(e.body[:0], e.config.Mask.spans(spans))
		clear(spans)
		e.spans = spans[:0]
		e.send(&e.config.Traces, e.body)
	}
	clear(waiting)
	e.mu.Lock()
	e.spare = waiting[:0]
	e.mu.Unlock()
}

func (e *Exporter) sendMetrics() {
	defer func() { e.done <- struct{}{} }()
	tick := time.NewTicker(e.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.send(&e.config.Metered, e.resource.appendMetrics(nil, e.config.Metrics, time.Now()))
		case <-e.stop:
			e.send(&e.config.Metered, e.resource.appendMetrics(nil, e.config.Metrics, time.Now()))
			return
		}
	}
}

// send sends a request until it is taken, or is given up: what cannot be sent is lost.
func (e *Exporter) send(to *Destination, body []byte) {
	if to.Gzip {
		body = compressed(body)
	}
	pause := exportPause
	for try := 1; ; try++ {
		again, err := e.try(to, body)
		if err == nil {
			return
		}
		if again.yes && try < exportTries && e.wait(max(pause, again.after)) {
			pause *= 2
			continue
		}
		e.failures.Add(1)
		e.complain(err)
		return
	}
}

// retry says whether the same request may be taken later.
type retry struct {
	yes   bool
	after time.Duration
}

func (e *Exporter) wait(pause time.Duration) (goOn bool) {
	const longest = 30 * time.Second
	late := time.NewTimer(min(pause, longest))
	defer late.Stop()
	select {
	case <-late.C:
		return true
	case <-e.stop:
		return false
	}
}

func (e *Exporter) try(to *Destination, body []byte) (retry, error) {
	ctx, cancel := context.WithTimeout(e.ctx, to.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return retry{}, fmt.Errorf("send telemetry: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Fairlead/"+e.config.Version)
	if to.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, text := range to.Headers {
		req.Header.Set(name, text.Reveal())
	}
	resp, err := e.config.Client.Do(req)
	if err != nil {
		return retry{yes: true}, fmt.Errorf("send telemetry: %w", err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, mostAnswer)) // of which nothing depends on the end
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		e.rejected(answer)
		return retry{}, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return retry{true, time.Duration(seconds) * time.Second},
			fmt.Errorf("send telemetry: the collector answered %s",
				resp.Status)
	}
	return retry{}, fmt.Errorf("send telemetry: the collector answered %s", resp.Status)
}

// rejected tells of what a collector did not take of a request that it took.
func (e *Exporter) rejected(answer []byte) {
	var said struct {
		PartialSuccess struct {
			RejectedSpans, RejectedDataPoints any
			ErrorMessage                      string
		}
	}
	if json.Unmarshal(answer, &said, json.MatchCaseInsensitiveNames(true)) != nil {
		return
	}
	if text := said.PartialSuccess.ErrorMessage; text != "" {
		e.complain(errors.New("send telemetry: the collector took only a part: " + text))
	}
}

// complain tells the log, once a minute at most.
func (e *Exporter) complain(err error) {
	now := time.Now()
	before := e.said.Load()
	if before != 0 && now.Sub(time.Unix(0, before)) < pause || !e.said.CompareAndSwap(before, now.UnixNano()) {
		return
	}
	e.config.Logger.Warn("telemetry is lost", "cause", err.Error(), "requests", e.failures.Load(), "exchanges",
		e.lost.Load())
}

func compressed(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a buffer never fails
	_ = w.Close()
	return out.Bytes()
}

// Close sends what waits, within patience. That of nil does nothing.
func (e *Exporter) Close() {
	if e == nil {
		return
	}
	defer e.cancel()
	close(e.stop)
	const patience = 5 * time.Second
	late := time.NewTimer(patience)
	defer late.Stop()
	for range e.running.Load() {
		select {
		case <-e.done:
		case <-late.C:
			return
		}
	}
}
