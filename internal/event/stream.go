package event

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
)

// Stream hands events to listeners. A nil Stream has none.
type Stream struct {
	kinds     Kind // that any listener hears, or its exchange notes
	told      Kind // that any listener hears
	listeners []Listener
	more      []*atomic.Uint32 // kinds that listeners want besides at the moment
	tracing   *Tracing         // nil when nobody keeps spans
	active    atomic.Int64     // exchanges that have begun and not ended
}

// To makes a stream to listeners.
func To(listeners ...Listener) *Stream {
	s := &Stream{}
	s.add(listeners)
	return s
}

func (s *Stream) add(listeners []Listener) {
	s.listeners = listeners
	for _, l := range listeners {
		s.kinds, s.told = s.kinds|l.Kinds, s.told|l.Kinds
		if l.More != nil {
			s.more = append(s.more, l.More)
		}
	}
	if s.kinds&Exchanges != 0 {
		s.kinds |= Attempts | Refusals // which are noted in their exchange
	}
}

// Trace makes a stream whose exchanges are parts of traces: they keep what happens in
// them, and APIs are told of the spans that call them.
func Trace(how Tracing, listeners ...Listener) *Stream {
	s := &Stream{tracing: &how, kinds: Exchanges | Steps | Attempts | Problems}
	s.add(listeners)
	return s
}

// Traces reports whether exchanges are parts of traces.
func (s *Stream) Traces() bool { return s != nil && s.tracing != nil }

// Active is how many exchanges run.
func (s *Stream) Active() int64 { return s.active.Load() }

// Inject tells an API of the span of the attempt that h belongs to, and returns it;
// it does nothing where nobody traces.
func (s *Stream) Inject(h http.Header, c *Call) (span SpanID) {
	if x := c.exchange(); s.Traces() && x != nil {
		trace := x.Trace()
		span = NewSpanID()
		s.tracing.inject(h, &trace, span)
	}
	return span
}

// Hears reports whether anybody listens to events of a kind. Ask before an event is made.
func (s *Stream) Hears(kind Kind) bool {
	if s == nil {
		return false
	}
	heard := s.kinds&kind != 0
	for _, more := range s.more {
		heard = heard || Kind(more.Load())&kind != 0
	}
	return heard
}

// Publish tells those who listen to events of its kind.
func (s *Stream) Publish(ctx context.Context, e Event) {
	if kind := e.Kind(); s.Hears(kind) {
		if s.kinds&Exchanges != 0 {
			note(ctx, e)
		}
		for _, l := range s.listeners {
			if l.Kinds&kind != 0 || l.More != nil && Kind(l.More.Load())&kind != 0 {
				l.Hear(ctx, e)
			}
		}
	}
}

// Attempted is Publish of an attempt, which is no value of its own where only its
// exchange notes it.
func (s *Stream) Attempted(ctx context.Context, e *Attempt) {
	told := s.told
	for _, more := range s.more {
		told |= Kind(more.Load())
	}
	if told&Attempts == 0 && s.tracing == nil {
		if s.kinds&Exchanges != 0 {
			e.Call.exchange().attempted(e)
		}
		return
	}
	s.Publish(ctx, *e)
}

type listenerKey struct{}

// Listen makes l hear of what runs with the context that is returned, besides
// those who hear already.
func Listen(ctx context.Context, l Listener) context.Context {
	earlier, _ := ctx.Value(listenerKey{}).([]Listener)
	return context.WithValue(ctx, listenerKey{}, append(slices.Clip(earlier), l))
}

// For is the stream to the listeners of s and of ctx.
func (s *Stream) For(ctx context.Context) *Stream {
	added, _ := ctx.Value(listenerKey{}).([]Listener)
	if added == nil {
		return s
	}
	if s == nil {
		return To(added...)
	}
	all := &Stream{kinds: s.kinds, tracing: s.tracing}
	all.add(append(slices.Clip(s.listeners), added...))
	return all
}
