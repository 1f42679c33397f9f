package observe

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
)

// Telemetry is what a process does with traces and metrics beyond showing them. It is
// what a document says in its observability block, and OTEL_* variables before that
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
type Telemetry struct {
	Tracing  event.Tracing
	Traces   Destination   // of spans; without a URL they are not sent
	Metered  Destination   // of metrics
	Delay    time.Duration // until spans are sent
	Interval time.Duration // between two sendings of metrics
	Service  string        // service.name
	Named    bool          // by OTEL_SERVICE_NAME
	Extra    []Attribute   // of the resource
}

// Destination is where one signal is sent.
type Destination struct {
	URL     string // "" sends nothing
	Headers map[string]secret.String
	Timeout time.Duration // of one request
	Gzip    bool
}

// Declared is what a document says of telemetry.
type Declared struct {
	Service  string // name of the capability, for service.name
	Sampling float64
	B3       bool   // traces are passed on in B3's headers
	Endpoint string // of a collector; "" for none
}

// NewTelemetry reads the variables by getenv, and takes from said what they do not
// say. The notes tell of what is asked for and not there; an error is something that
// cannot be read.
func NewTelemetry(getenv func(string) (string, bool), said Declared) (t Telemetry, notes []string, err error) {
	v := variables{getenv: getenv}
	t = Telemetry{
		Service:  cmp.Or(v.text("OTEL_SERVICE_NAME"), "fairlead-"+said.Service),
		Tracing:  event.Tracing{Ratio: said.Sampling, W3C: !said.B3, B3Multi: said.B3},
		Delay:    v.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second),
		Interval: v.milliseconds("OTEL_METRIC_EXPORT_INTERVAL", time.Minute),
	}
	if t.Named = v.text("OTEL_SERVICE_NAME") != ""; !t.Named && said.Service == "" {
		t.Service = "fairlead"
	}
	for name, text := range v.pairs("OTEL_RESOURCE_ATTRIBUTES") {
		t.Extra = append(t.Extra, Attribute{Name: name, Text: text, IsText: true})
	}
	v.sampler(&t.Tracing)
	v.propagators(&t.Tracing)
	if v.text("OTEL_SDK_DISABLED") == "true" {
		return t, v.notes, v.err
	}
	t.Traces = v.destination("TRACES", "/v1/traces", said.Endpoint)
	t.Metered = v.destination("METRICS", "/v1/metrics", said.Endpoint)
	return t, v.notes, v.err
}

// Secrets are what stands in the headers of what is sent.
func (t *Telemetry) Secrets() (all []secret.String) {
	for _, d := range []*Destination{&t.Traces, &t.Metered} {
		for _, text := range d.Headers {
			all = append(all, text)
		}
	}
	return all
}

// Sends reports whether anything is sent.
func (t *Telemetry) Sends() bool { return t.Traces.URL != "" || t.Metered.URL != "" }

// resource is what the telemetry says of the process.
func (t *Telemetry) resource(version string) []Attribute {
	var a attributes
	a.text("service.name", t.Service)
	a.text("service.version", version)
	host, _ := os.Hostname() // one without a name says none
	a.text("host.name", host)
	a.number("process.pid", int64(os.Getpid()))
	a.text("telemetry.sdk.name", "fairlead")
	a.text("telemetry.sdk.language", "go")
	a.text("telemetry.sdk.version", version)
	for _, extra := range t.Extra {
		i := slices.IndexFunc(a, func(one Attribute) bool { return one.Name == extra.Name })
		switch {
		case i < 0:
			a = append(a, extra)
		case extra.Name != "service.name" || !t.Named: // OTEL_SERVICE_NAME goes before
			a[i] = extra
		}
	}
	return a
}

// variables reads OTEL_* variables.
type variables struct {
	getenv func(string) (string, bool)
	notes  []string
	err    error
}

func (v *variables) text(name string) string {
	text, _ := v.getenv(name)
	return strings.TrimSpace(text)
}

// first is the value of a variable of one signal, else that of all.
func (v *variables) first(signal, end string) string {
	return cmp.Or(v.text("OTEL_EXPORTER_OTLP_"+signal+"_"+end), v.text("OTEL_EXPORTER_OTLP_"+end))
}

func (v *variables) fail(name, want string) {
	v.err = errors.Join(v.err, fmt.Errorf("%s: want %s", name, want))
}

func (v *variables) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(v.notes, note) {
		v.notes = append(v.notes, note)
	}
}

func (v *variables) milliseconds(name string, otherwise time.Duration) time.Duration {
	text := v.text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		v.fail(name, "milliseconds, a number above 0")
		return otherwise
	}
	return time.Duration(n) * time.Millisecond
}

// pairs reads name=value with commas between them, percent-encoded (W3C Baggage).
func (v *variables) pairs(variable string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		text := v.text(variable)
		if text == "" {
			return
		}
		for pair := range strings.SplitSeq(text, ",") {
			name, given, ok := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			decoded, err := url.PathUnescape(strings.TrimSpace(given))
			if !ok || name == "" || err != nil {
				v.fail(variable, "name=value with commas between, percent-encoded")
				return
			}
			if !yield(name, decoded) {
				return
			}
		}
	}
}

func (v *variables) sampler(t *event.Tracing) {
	const name = "OTEL_TRACES_SAMPLER"
	switch sampler := strings.TrimPrefix(v.text(name), "parentbased_"); sampler {
	case "":
	case "always_on":
		t.Ratio = 1
	case "always_off":
		t.Ratio = 0
	case "traceidratio":
		ratio, err := strconv.ParseFloat(cmp.Or(v.text(name+"_ARG"), "1"), 64)
		if err != nil || ratio < 0 || ratio > 1 {
			v.fail(name+"_ARG", "a number from 0 to 1")
			return
		}
		t.Ratio = ratio
	default:
		v.fail(name, "always_on, always_off or traceidratio, or one of these behind parentbased_")
	}
}

func (v *variables) propagators(t *event.Tracing) {
	text := v.text("OTEL_PROPAGATORS")
	if text == "" {
		return
	}
	t.W3C, t.B3, t.B3Multi = false, false, false
	for name := range strings.SplitSeq(text, ",") {
		switch name = strings.TrimSpace(name); name {
		case "tracecontext":
			t.W3C = true
		case "b3":
			t.B3 = true
		case "b3multi":
			t.B3Multi = true
		case "none":
		case "baggage":
			v.note("OTEL_PROPAGATORS: baggage does not pass, since it may hold what callers tell only each other")
		default:
			v.note("OTEL_PROPAGATORS: %s is not known; there are tracecontext, b3 and b3multi", name)
		}
	}
}

// destination reads where one signal is sent.
func (v *variables) destination(signal, path, declared string) (d Destination) {
	switch exporter := v.text("OTEL_" + signal + "_EXPORTER"); exporter {
	case "", "otlp":
	case "none", "prometheus":
		return Destination{} // metrics are shown to Prometheus by the control server
	default:
		v.note("OTEL_%s_EXPORTER: %s is not there; there are otlp and none", signal, exporter)
		return Destination{}
	}
	text := v.text("OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT")
	if text == "" { // the endpoint of all signals gets the path of each
		if text = cmp.Or(v.text("OTEL_EXPORTER_OTLP_ENDPOINT"), declared); text == "" {
			return Destination{}
		}
		text = strings.TrimSuffix(text, "/") + path
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		v.err = errors.Join(v.err, errors.New("the endpoint of OTLP: want a URL with http or https"))
		return Destination{}
	}
	if u.Port() == "4317" {
		v.note("OTLP goes to port 4317, which is that of gRPC as a rule; Fairlead speaks OTLP over HTTP, whose port is 4318")
	}
	switch protocol := v.first(signal, "PROTOCOL"); protocol {
	case "", "http/json":
	default:
		v.note("OTEL_EXPORTER_OTLP_PROTOCOL: %s is not spoken; what is sent is http/json, which collectors take on the same "+
			"port as http/protobuf", protocol)
	}
	d = Destination{URL: text, Headers: map[string]secret.String{}}
	switch compression := v.first(signal, "COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		d.Gzip = true
	default:
		v.note("OTEL_EXPORTER_OTLP_COMPRESSION: %s is not there; there are gzip and none", compression)
	}
	const timeout = "OTEL_EXPORTER_OTLP_TIMEOUT"
	d.Timeout = v.milliseconds("OTEL_EXPORTER_OTLP_"+signal+"_TIMEOUT", v.milliseconds(timeout, 10*time.Second))
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_" + signal + "_HEADERS"} {
		for name, text := range v.pairs(variable) {
			d.Headers[name] = secret.New(text)
		}
	}
	return d
}
