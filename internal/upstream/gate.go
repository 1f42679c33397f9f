package upstream

import (
	"cmp"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Gate is what holds calls to an API back, as operators see it: a breaker or a limit
// that some call has come to.
type Gate struct {
	Name    string    // of the API, or the part of it
	Breaker string    // closed, open or half-open; "" for a limit
	Failed  int       // attempts of the breaker's window that failed
	Counted int       // attempts of the breaker's window
	Until   time.Time // when calls pass again; zero when they do

	Running    int           // attempts, of a limit
	Concurrent int           // that may run at a time; 0 is any number
	Every      time.Duration // between attempts; 0 is no time
	Remaining  int           // attempts that the API takes until Reset
	Reset      time.Time     // zero when the API does not say so
}

// Gates lists what holds calls back, by name.
func (c *Client) Gates() (all []Gate) {
	now := time.Now()
	for _, b := range c.breakers.all() {
		all = append(all, b.gate(now))
	}
	for _, l := range c.limiters.all() {
		all = append(all, l.gate(now))
	}
	slices.SortStableFunc(all, func(a, b Gate) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (b *breaker) gate(now time.Time) Gate {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := Gate{Name: b.settings.Name, Breaker: b.state.String(), Failed: b.bad[0] + b.bad[1], Counted: b.all[0] + b.all[1]}
	if b.state != event.Closed && now.Before(b.until) {
		g.Until = b.until
	}
	return g
}

func (l *limiter) gate(now time.Time) Gate {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := Gate{Name: l.name, Running: len(l.slots), Concurrent: cap(l.slots), Every: l.settings.Every}
	if now.Before(l.paused) {
		g.Until = l.paused
	}
	if now.Before(l.reset) {
		g.Remaining, g.Reset = max(l.remaining, 0), l.reset
	}
	return g
}
