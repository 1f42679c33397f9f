package engine

import (
	"context"
	"net/http"

	"github.com/fairlead/fairlead/internal/upstream"
)

type hopsKey struct{}

// AtDoor notes what a request that has come over HTTP says of the calls that led
// to it. Every listener does this with every request, so that calls which lead to
// Fairlead again come to an end, through whatever doors they go.
func AtDoor(r *http.Request) *http.Request {
	if n := upstream.Hops(r.Header); n > 0 {
		return r.WithContext(context.WithValue(r.Context(), hopsKey{}, n))
	}
	return r
}

func hops(ctx context.Context) int {
	n, _ := ctx.Value(hopsKey{}).(int)
	return n
}

// TraceContext is the W3C trace context of a request; nil when it has none. Baggage does
// not pass: it may hold what callers tell only each other.
func TraceContext(h http.Header) http.Header {
	parent := h["Traceparent"]
	if len(parent) == 0 {
		return nil
	}
	passed := http.Header{"Traceparent": parent[:1]}
	if state := h["Tracestate"]; len(state) > 0 {
		passed["Tracestate"] = state
	}
	return passed
}
