package observe

import (
	"math"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// The messages of OTLP 1.x in JSON (opentelemetry.io/docs/specs/otlp, “JSON Protobuf
// Encoding”): IDs are hexadecimal, 64-bit numbers are texts, enumerations numbers.

// schemaURL says of which version the names of attributes are.
const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// resource is what all of a process's telemetry says of it.
type resource struct {
	attributes []Attribute
	version    string // of the engine
}

// appendSpans appends an ExportTraceServiceRequest.
func (r *resource) appendSpans(dst []byte, spans []Span) []byte {
	dst = r.open(append(dst, `{"resourceSpans":[{`...), `"scopeSpans"`, `"spans"`)
	for i := range spans {
		dst = comma(dst, i)
		dst = spans[i].appendOTLP(dst)
	}
	return r.close(dst)
}

// open writes what stands before the items of a request.
func (r *resource) open(dst []byte, scopes, items string) []byte {
	dst = appendAttributes(append(dst, `"resource":{"attributes":`...), r.attributes)
	dst = append(append(dst, `},"schemaUrl":"`+schemaURL+`",`...), scopes...)
	dst = value.AppendString(append(dst, `:[{"scope":{"name":"fairlead","version":`...), r.version)
	return append(append(append(dst, `},"schemaUrl":"`+schemaURL+`",`...), items...), `:[`...)
}

func (r *resource) close(dst []byte) []byte { return append(dst, `]}]}]}`...) }

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func (s *Span) appendOTLP(dst []byte) []byte {
	const failed = 2 // STATUS_CODE_ERROR
	dst = append(append(dst, `{"traceId":"`...), s.Trace.String()...)
	dst = append(append(dst, `","spanId":"`...), s.ID.String()...)
	if !s.Parent.IsZero() {
		dst = append(append(dst, `","parentSpanId":"`...), s.Parent.String()...)
	}
	dst = append(dst, '"')
	if s.State != "" {
		dst = value.AppendString(append(dst, `,"traceState":`...), s.State)
	}
	dst = value.AppendString(append(dst, `,"name":`...), s.Name)
	dst = strconv.AppendInt(append(dst, `,"kind":`...), int64(s.Kind), 10)
	dst = appendNanos(dst, `,"startTimeUnixNano":`, s.Began)
	dst = appendNanos(dst, `,"endTimeUnixNano":`, s.Began.Add(s.Took))
	dst = appendAttributes(append(dst, `,"attributes":`...), s.Attributes)
	if s.Failed {
		dst = strconv.AppendInt(append(dst, `,"status":{"code":`...), failed, 10)
		if s.Error != "" {
			dst = value.AppendString(append(dst, `,"message":`...), s.Error)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendNanos(dst []byte, key string, at time.Time) []byte {
	return append(strconv.AppendInt(append(append(dst, key...), '"'), at.UnixNano(), 10), '"')
}

func appendAttributes(dst []byte, all []Attribute) []byte {
	dst = append(dst, '[')
	for i, a := range all {
		dst = value.AppendString(append(comma(dst, i), `{"key":`...), a.Name)
		if a.IsText {
			dst = append(value.AppendString(append(dst, `,"value":{"stringValue":`...), a.Text), `}}`...)
		} else {
			dst = append(strconv.AppendInt(append(dst, `,"value":{"intValue":"`...), a.Number, 10), `"}}`...)
		}
	}
	return append(dst, ']')
}

// appendMetrics appends an ExportMetricsServiceRequest of what m has counted.
func (r *resource) appendMetrics(dst []byte, m *Metrics, now time.Time) []byte {
	dst = r.open(append(dst, `{"resourceMetrics":[{`...), `"scopeMetrics"`, `"metrics"`)
	written := 0
	begin := func(name, unit, help string) {
		dst = value.AppendString(append(comma(dst, written), `{"name":`...), name)
		dst = value.AppendString(append(dst, `,"unit":`...), unit)
		dst = value.AppendString(append(dst, `,"description":`...), help)
		written++
	}
	point := func(i int, labels, values []string) {
		dst = append(comma(dst, i), `{"attributes":`...)
		var a attributes
		for j, name := range labels {
			a.text(name, values[j])
		}
		dst = appendAttributes(dst, a)
		dst = appendNanos(dst, `,"startTimeUnixNano":`, m.began)
		dst = appendNanos(dst, `,"timeUnixNano":`, now)
	}
	for _, one := range m.all {
		list := one.all()
		if len(list) == 0 {
			continue
		}
		begin(one.name, unitOf(one.unit), one.help)
		if one.bounds == nil {
			dst = append(dst, `,"sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[`...)
		} else {
			dst = append(dst, `,"histogram":{"aggregationTemporality":2,"dataPoints":[`...)
		}
		for i, s := range list {
			point(i, one.labels, s.values)
			dst = one.appendPoint(dst, s)
		}
		dst = append(dst, `]}}`...)
	}
	for _, o := range m.observed() {
		samples := o.read()
		if len(samples) == 0 {
			continue
		}
		begin(o.name, unitOf(o.unit), o.help)
		if o.counter {
			dst = append(dst, `,"sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[`...)
		} else {
			dst = append(dst, `,"gauge":{"dataPoints":[`...)
		}
		for i, s := range samples {
			point(i, o.labels, s.Labels)
			dst = append(appendDouble(append(dst, `,"asDouble":`...), s.Value), '}')
		}
		dst = append(dst, `]}}`...)
	}
	return r.close(dst)
}

// unitOf is a unit in the words of UCUM.
func unitOf(unit string) string {
	if unit == "" {
		return "1"
	}
	return unit
}

func (m *instrument) appendPoint(dst []byte, s *series) []byte {
	sum := math.Float64frombits(s.sum.Load())
	if m.bounds == nil {
		return append(appendDouble(append(dst, `,"asDouble":`...), sum), '}')
	}
	total := uint64(0)
	dst = append(dst, `,"bucketCounts":[`...)
	for i := range s.counts {
		n := s.counts[i].Load()
		total += n
		dst = append(strconv.AppendUint(append(comma(dst, i), '"'), n, 10), '"')
	}
	dst = append(dst, `],"explicitBounds":[`...)
	for i, b := range m.bounds {
		dst = appendDouble(comma(dst, i), b)
	}
	dst = append(strconv.AppendUint(append(dst, `],"count":"`...), total, 10), '"')
	return append(appendDouble(append(dst, `,"sum":`...), sum), '}')
}

// appendDouble writes a number; JSON has none that is infinite.
func appendDouble(dst []byte, v float64) []byte {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		v = 0
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}
