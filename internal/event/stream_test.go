package event

import (
	"context"
	"slices"
	"testing"
)

// hearing is a listener that keeps what it hears.
func hearing(kinds Kind) (Listener, *[]Event) {
	heard := &[]Event{}
	return Listener{Kinds: kinds, Hear: func(_ context.Context, e Event) { *heard = append(*heard, e) }}, heard
}

func TestStream_tellsThoseWhoListen(t *testing.T) {
	steps, heardSteps := hearing(Steps)
	more, heardMore := hearing(Steps | Reloads)
	s := To(steps, more)
	if !s.Hears(Steps) || !s.Hears(Reloads) || s.Hears(Attempts) {
		t.Error("the stream does not know what its listeners want")
	}
	step, reload := StepEnded{Name: "a"}, Reload{Documents: 2}
	for _, e := range []Event{step, reload, Attempt{}} {
		s.Publish(t.Context(), e)
	}
	if !slices.Equal(*heardSteps, []Event{step}) || !slices.Equal(*heardMore, []Event{step, reload}) {
		t.Errorf("heard %v and %v", *heardSteps, *heardMore)
	}
}

func TestStream_tellsListenersOfTheContext(t *testing.T) {
	for _, s := range []*Stream{nil, To()} {
		one, heardOne := hearing(Steps)
		two, heardTwo := hearing(Steps)
		first := Listen(t.Context(), one)
		second := Listen(first, two)
		s.For(first).Publish(first, StepEnded{})
		s.For(second).Publish(second, StepEnded{})
		if len(*heardOne) != 2 || len(*heardTwo) != 1 {
			t.Errorf("heard %d and %d", len(*heardOne), len(*heardTwo))
		}
		if s.For(t.Context()) != s || s.Hears(Steps) {
			t.Error("who listens to a context hears what happens outside it")
		}
	}
}

// TestStream_costsNothingWhenNobodyListens: the event is not even made.
func TestStream_costsNothingWhenNobodyListens(t *testing.T) {
	reload, _ := hearing(Reloads)
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, 1)
	for _, s := range []*Stream{nil, To(reload)} {
		if n := testing.AllocsPerRun(100, func() {
			if s := s.For(ctx); s.Hears(Attempts) {
				s.Publish(ctx, Attempt{Target: "x"})
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}
