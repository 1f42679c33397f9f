package event

import (
	"context"
	"slices"
)

// Stream hands events to listeners. A nil Stream has none.
type Stream struct {
	kinds     Kind // that any listener hears
	listeners []Listener
}

// To makes a stream to listeners.
func To(listeners ...Listener) *Stream {
	s := &Stream{listeners: listeners}
	for _, l := range listeners {
		s.kinds |= l.Kinds
	}
	return s
}

// Hears reports whether anybody listens to events of a kind. Ask before an event is made.
func (s *Stream) Hears(kind Kind) bool { return s != nil && s.kinds&kind != 0 }

// Publish tells those who listen to events of its kind.
func (s *Stream) Publish(ctx context.Context, e Event) {
	if kind := e.Kind(); s.Hears(kind) {
		for _, l := range s.listeners {
			if l.Kinds&kind != 0 {
				l.Hear(ctx, e)
			}
		}
	}
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
	return To(append(slices.Clip(s.listeners), added...)...)
}
