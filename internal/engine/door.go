package engine

import (
	"context"
	"net/http"

	"github.com/fairlead/fairlead/internal/event"
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

// TraceContext is the trace context of a request as its caller sent it, in the words of
// W3C or of B3; nil when it has none. Baggage does not pass: it may hold what callers
// tell only each other.
func TraceContext(h http.Header) (passed http.Header) {
	for _, name := range event.TraceHeaders {
		if said := h[name]; len(said) > 0 {
			if passed == nil {
				passed = http.Header{}
			}
			passed[name] = said
		}
	}
	switch parents := passed["Traceparent"]; {
	case len(parents) > 1:
		passed["Traceparent"] = parents[:1]
	case len(parents) == 0:
		delete(passed, "Tracestate")
	}
	if len(passed) == 0 {
		return nil
	}
	return passed
}
