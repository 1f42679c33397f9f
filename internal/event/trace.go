package event

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// TraceID names a trace, SpanID one span of it. The zero ones name nothing.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// String is the ID in lower-case hexadecimal digits.
func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// String is the ID in lower-case hexadecimal digits.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether the ID names nothing.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// IsZero reports whether the ID names nothing.
func (id SpanID) IsZero() bool { return id == SpanID{} }

// NewSpanID makes an ID. It is unique, and no secret.
func NewSpanID() (id SpanID) {
	for id.IsZero() {
		put(id[:], rand.Uint64())
	}
	return id
}

func newTraceID() (id TraceID) {
	for id.IsZero() {
		put(id[:8], rand.Uint64())
		put(id[8:], rand.Uint64())
	}
	return id
}

func put(dst []byte, n uint64) {
	for i := range dst {
		dst[i], n = byte(n), n>>8
	}
}

// TraceContext says where in a trace something stands (W3C Trace Context Level 1).
type TraceContext struct {
	Trace   TraceID
	Span    SpanID // its own; zero when nobody keeps spans
	Parent  SpanID // of the caller; zero at the root of a trace
	Sampled bool   // the spans are kept
	State   string // tracestate, as it came
}

// maxState is how many bytes of a tracestate are kept (W3C section 3.3.1.5 asks for
// 512 at least).
const maxState = 512

// ParseTraceparent reads the traceparent of a caller (W3C section 3.2) and the
// tracestate beside it.
func ParseTraceparent(parent, state string) (c TraceContext, ok bool) {
	// version "-" trace-id "-" parent-id "-" flags, and from later versions more behind that
	const size = 55
	if len(parent) < size || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' || parent[:2] == "ff" ||
		parent[:2] == "00" && len(parent) != size || len(parent) > size && parent[size] != '-' {
		return c, false
	}
	var version, flags [1]byte
	if !unhex(version[:], parent[:2]) || !unhex(c.Trace[:], parent[3:35]) || !unhex(c.Parent[:], parent[36:52]) ||
		!unhex(flags[:], parent[53:55]) || c.Trace.IsZero() || c.Parent.IsZero() {
		return TraceContext{}, false
	}
	c.Sampled = flags[0]&1 != 0
	if len(state) <= maxState {
		c.State = state
	}
	return c, true
}

// parseB3 reads what B3 says in one header, or in several: github.com/openzipkin/b3-propagation.
func parseB3(trace, span, sampled string) (c TraceContext, ok bool) {
	const short = 16 // digits of the older, shorter IDs
	if len(trace) == short {
		trace = strings.Repeat("0", short) + trace
	}
	if !unhex(c.Trace[:], trace) || !unhex(c.Parent[:], span) || c.Trace.IsZero() || c.Parent.IsZero() {
		return TraceContext{}, false
	}
	c.Sampled = sampled == "1" || sampled == "d" || sampled == "true"
	return c, true
}

// unhex reads lower-case digits, as many as dst has room for.
func unhex(dst []byte, digits string) bool {
	if len(digits) != 2*len(dst) || strings.ContainsFunc(digits, func(r rune) bool { return 'A' <= r && r <= 'F' }) {
		return false
	}
	_, err := hex.Decode(dst, []byte(digits))
	return err == nil
}

// Names of the headers of trace contexts, as http.Header spells them.
const (
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
	b3          = "B3"
	b3Trace     = "X-B3-Traceid"
	b3Span      = "X-B3-Spanid"
	b3Sampled   = "X-B3-Sampled"
	b3Flags     = "X-B3-Flags"
	b3Parent    = "X-B3-Parentspanid"
)

// TraceHeaders are the names of the headers in which a trace context travels: W3C's,
// then B3's.
var TraceHeaders = [...]string{traceparent, tracestate, b3, b3Trace, b3Span, b3Sampled, b3Flags, b3Parent}

// ReadTrace reads the trace context of a request: W3C's, else B3's.
func ReadTrace(h http.Header) (c TraceContext, ok bool) {
	if parents := h[traceparent]; len(parents) == 1 { // more than one are none (W3C section 3.2)
		if c, ok = ParseTraceparent(parents[0], strings.Join(h[tracestate], ",")); ok {
			return c, true
		}
	}
	if single := h.Get(b3); single != "" {
		trace, rest, _ := strings.Cut(single, "-")
		span, rest, _ := strings.Cut(rest, "-")
		sampled, _, _ := strings.Cut(rest, "-")
		return parseB3(strings.ToLower(trace), strings.ToLower(span), sampled)
	}
	if trace := h.Get(b3Trace); trace != "" {
		sampled := h.Get(b3Sampled)
		if h.Get(b3Flags) == "1" {
			sampled = "d"
		}
		return parseB3(strings.ToLower(trace), strings.ToLower(h.Get(b3Span)), sampled)
	}
	return c, false
}

// Tracing says how traces are kept and passed on.
type Tracing struct {
	// Ratio is the part of the traces that begin here of which the spans are kept: 1
	// keeps all, 0 none. What a caller says of its own trace goes before.
	Ratio float64
	// W3C, B3 and B3Multi say in which headers APIs are told of the trace.
	W3C, B3, B3Multi bool
}

// samples decides for a trace that begins here. It is decided by the ID, so that
// every process decides alike.
func (t *Tracing) samples(id TraceID) bool {
	const scale = 1 << 63
	n := uint64(0)
	for _, b := range id[8:] {
		n = n<<8 | uint64(b)
	}
	return t.Ratio >= 1 || float64(n>>1) < t.Ratio*scale
}

// inject tells an API of the span that calls it, in place of what a caller said.
func (t *Tracing) inject(h http.Header, c *TraceContext, span SpanID) {
	for _, name := range TraceHeaders {
		delete(h, name)
	}
	trace, id, sampled, flags := c.Trace.String(), span.String(), "0", "00"
	if c.Sampled {
		sampled, flags = "1", "01"
	}
	if t.W3C {
		h[traceparent] = []string{"00-" + trace + "-" + id + "-" + flags}
		if c.State != "" {
			h[tracestate] = []string{c.State}
		}
	}
	if t.B3 {
		h[b3] = []string{trace + "-" + id + "-" + sampled}
	}
	if t.B3Multi {
		h[b3Trace], h[b3Span], h[b3Sampled] = []string{trace}, []string{id}, []string{sampled}
	}
}
