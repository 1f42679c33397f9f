package observe

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Call is one exchange, as operators see it. No secret that is
// known stands in it.
type Call struct {
	Time time.Time // when it began
	Took time.Duration
	ID   string // of the request
	event.Facts
	Transport string // http or stdio
	Method    string // of HTTP
	Path      string // of HTTP, without its query
	Trace     string // the trace's ID, "" for none
}

// callOf is what is known of an exchange that is over.
func callOf(e event.ExchangeEnded) Call {
	x := e.Exchange
	c := Call{Time: x.Began, Took: e.Took, ID: x.ID, Facts: x.Facts(), Transport: x.Transport, Method: x.Method,
		Path: x.Path}
	if trace := x.Trace(); !trace.Trace.IsZero() {
		c.Trace = trace.Trace.String()
	}
	return c
}

// Recent keeps the last calls.
type Recent struct {
	mask *Mask
	ring ring[event.ExchangeEnded]
}

// NewRecent keeps so many calls, and shows them through mask.
func NewRecent(size int, mask *Mask) *Recent {
	r := &Recent{mask: mask}
	r.ring.size = size
	return r
}

// Listener is what hears for r.
func (r *Recent) Listener() event.Listener {
	return event.Listener{Kinds: event.Exchanges, Hear: func(_ context.Context, e event.Event) {
		if e, ok := e.(event.ExchangeEnded); ok {
			r.ring.add(e)
		}
	}}
}

func (r *Recent) show(e event.ExchangeEnded) Call {
	c := callOf(e)
	for _, text := range []*string{&c.ID, &c.Principal, &c.Method, &c.Path, &c.Reason, &c.Name} {
		*text = r.mask.Text(*text)
	}
	return c
}

// Calls returns the calls that are kept, the newest first.
func (r *Recent) Calls() []Call {
	all := r.ring.all()
	calls := make([]Call, len(all))
	for i, e := range all {
		calls[i] = r.show(e)
	}
	return calls
}

// Follow hands each call that ends to hear, until ctx ends or hear returns false. Who
// is slow misses some.
func (r *Recent) Follow(ctx context.Context, hear func(Call) bool) {
	ended, stop := r.ring.follow()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-ended:
			if !hear(r.show(e)) {
				return
			}
		}
	}
}
