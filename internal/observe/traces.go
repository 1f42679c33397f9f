package observe

import (
	"context"

	"github.com/fairlead/fairlead/internal/event"
)

// Traces keeps the spans of the last exchanges, by trace.
type Traces struct {
	mask *Mask
	ring ring[event.ExchangeEnded]
}

// NewTraces keeps the spans of so many exchanges, and shows them through mask.
func NewTraces(size int, mask *Mask) *Traces {
	t := &Traces{mask: mask}
	t.ring.size = size
	return t
}

// Listener is what hears for t. It hears of spans where the stream traces (event.Trace).
func (t *Traces) Listener() event.Listener {
	return event.Listener{Kinds: event.Exchanges, Hear: func(_ context.Context, e event.Event) {
		ended, ok := e.(event.ExchangeEnded)
		if trace := ended.Exchange.Trace(); ok && trace.Sampled && !trace.Span.IsZero() {
			t.ring.add(ended)
		}
	}}
}

// Keep keeps the spans of so many exchanges from now on.
func (t *Traces) Keep(size int) { t.ring.resize(size) }

// Size is how many exchanges are kept, and how many may be.
func (t *Traces) Size() (used, size int) { return t.ring.count() }

// Traces returns the spans of each exchange that is kept, the newest first; the first
// span of each is that of the exchange itself.
func (t *Traces) Traces() [][]Span {
	all := t.ring.all()
	spans := make([][]Span, len(all))
	for i, e := range all {
		spans[i] = t.mask.spans(appendSpans(nil, e))
	}
	return spans
}

// Trace returns all spans of a trace, those of the newest exchange first; none when
// it is not kept.
func (t *Traces) Trace(id string) (spans []Span) {
	for _, e := range t.ring.all() {
		if e.Exchange.Trace().Trace.String() == id {
			spans = append(spans, t.mask.spans(appendSpans(nil, e))...)
		}
	}
	return spans
}
