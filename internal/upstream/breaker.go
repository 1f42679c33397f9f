package upstream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// breaker holds calls back while an API fails. It counts attempts in two halves of
// its window, the current one and the one before.
type breaker struct {
	settings Breaker

	mu       sync.Mutex
	state    event.BreakerState
	until    time.Time // when an open one lets a call through
	half     time.Time // when the current half began
	all, bad [2]int    // attempts, and those that failed; the current half first
}

func (b *breaker) like(o *breaker) bool { return b.settings == o.settings }

// enter says how long a call is held back at least; ok is true for one that may pass.
// probe says that it is the one that decides.
func (b *breaker) enter(now time.Time) (after time.Duration, probe, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == event.Closed:
		return 0, false, true
	case now.Before(b.until):
		return b.until.Sub(now), false, false
	}
	b.state, b.until = event.HalfOpen, now.Add(b.settings.Open) // the next, if nothing is heard of this one
	return 0, true, true
}

// leave counts an attempt. changed says that the breaker is in another state.
func (b *breaker) leave(now time.Time, failed, probe bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != event.Closed {
		if !probe {
			return false // it began before
		}
		b.all, b.bad, b.state = [2]int{}, [2]int{}, event.Closed
		if failed {
			b.state, b.until = event.Open, now.Add(b.settings.Open)
		}
		return true
	}
	if past := now.Sub(b.half); past >= b.settings.Window/2 {
		b.half = now
		b.all, b.bad = [2]int{0, b.all[0]}, [2]int{0, b.bad[0]}
		if past >= b.settings.Window {
			b.all[1], b.bad[1] = 0, 0
		}
	}
	b.all[0]++
	if failed {
		b.bad[0]++
	}
	all, bad := b.all[0]+b.all[1], b.bad[0]+b.bad[1]
	if !failed || all < b.settings.Calls || bad*100 < all*b.settings.Failures {
		return false
	}
	b.state, b.until = event.Open, now.Add(b.settings.Open)
	return true
}

// release lets another call decide: that of the probe was not sent.
func (b *breaker) release(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = now
}

func (b *breaker) event() event.Breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	return event.Breaker{Name: b.settings.Name, State: b.state, Until: b.until}
}

// failing reports whether an attempt says that the API fails; counts is false when it
// says nothing of the API.
func failing(ctx context.Context, resp *http.Response, err error) (failed, counts bool) {
	switch {
	case err == nil:
		return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented, true
	case ctx.Err() != nil || notSent(err): // the caller's
		return false, false
	}
	return true, true
}
