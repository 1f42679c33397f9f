package observe

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Trace keeps the steps and attempts of one call. The zero Trace is ready to use.
type Trace struct {
	mu       sync.Mutex
	steps    []event.StepEnded
	attempts []event.Attempt
}

// Listener is what hears for t.
func (t *Trace) Listener() event.Listener {
	return event.Listener{Kinds: event.Steps | event.Attempts, Hear: func(_ context.Context, e event.Event) {
		t.mu.Lock()
		defer t.mu.Unlock()
		switch e := e.(type) {
		case event.StepEnded:
			t.steps = append(t.steps, e)
		case event.Attempt:
			t.attempts = append(t.attempts, e)
		}
	}}
}

// Steps returns the steps in the order in which they began.
func (t *Trace) Steps() []event.StepEnded {
	t.mu.Lock()
	defer t.mu.Unlock()
	return inOrder(t.steps, func(s event.StepEnded) time.Time { return s.Began })
}

// Attempts returns the attempts in the order in which they began.
func (t *Trace) Attempts() []event.Attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return inOrder(t.attempts, func(a event.Attempt) time.Time { return a.Began })
}

func inOrder[T any](all []T, began func(T) time.Time) []T {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int { return began(a).Compare(began(b)) })
	return all
}
