package wire

import (
	"bytes"
	"net/http"
)

// Trace is the trace context of _meta (SEP-414), as headers.
func (m *Meta) Trace() http.Header {
	if m.traceparent == nil || !isFieldValue(m.traceparent) {
		return nil
	}
	h := http.Header{"Traceparent": {string(m.traceparent)}}
	if m.tracestate != nil && isFieldValue(m.tracestate) {
		h["Tracestate"] = []string{string(m.tracestate)}
	}
	return h
}

// isFieldValue reports whether text can be the value of a header: visible ASCII
// and blanks, and not too much of it.
func isFieldValue(text []byte) bool {
	return len(text) <= 512 && !bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

// TraceContext is the same as it stands there: traceparent and tracestate.
func (m *Meta) TraceContext() (parent, state string) {
	if m.traceparent == nil {
		return "", ""
	}
	if isFieldValue(m.tracestate) {
		state = string(m.tracestate)
	}
	return string(m.traceparent), state
}
