package guard

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// fetchTimeout bounds one fetch, whoever waits for it.
const fetchTimeout = 10 * time.Second

// kept is a value that is fetched when first needed and kept. Concurrent callers
// share one fetch, which outlives the ctx of each of them. After a failure the
// source is left alone for retryPause.
type kept[T any] struct {
	fetch  func(ctx context.Context, old T) (T, error) // old is the zero T at first
	now    func() time.Time
	fresh  time.Duration // age from which it is fetched anew; up to twice that the old one serves meanwhile
	usable time.Duration // age until which it serves while fetching fails

	flights singleflight.Group
	state   atomic.Pointer[state[T]] // replaced in a flight only
	renewed time.Time                // when newer fetched last; touched in a flight only
}

// state is what came of the fetches so far.
type state[T any] struct {
	value T
	at    time.Time // of the last fetch that succeeded, zero when none did
	err   error     // of the last fetch
	tried time.Time // when the last fetch failed
}

// get returns the value, or why there is none.
func (k *kept[T]) get(ctx context.Context) (T, error) {
	s, now := k.look(), k.now()
	age := now.Sub(s.at)
	have := !s.at.IsZero() && age < k.usable
	if have && (age < k.fresh || s.err != nil && now.Sub(s.tried) < retryPause) {
		return s.value, nil
	}
	if s.err != nil && now.Sub(s.tried) < retryPause {
		return *new(T), s.err
	}
	flight := k.flights.DoChan("", func() (any, error) {
		if landed := k.look(); landed != s {
			return landed, nil
		}
		return k.fly(ctx), nil
	})
	if have && age < 2*k.fresh {
		return s.value, nil
	}
	v, err := wait[T](ctx, flight)
	if err != nil && have && ctx.Err() == nil {
		return s.value, nil
	}
	return v, err
}

// newer fetches the value although it is fresh, but not within the pause after
// the time it last did so; then it returns what there is.
func (k *kept[T]) newer(ctx context.Context, pause time.Duration) (T, error) {
	return wait[T](ctx, k.flights.DoChan("", func() (any, error) {
		if now := k.now(); now.Sub(k.renewed) >= pause {
			k.renewed = now
			return k.fly(ctx), nil
		}
		s := k.look()
		if s.err != nil && !s.at.IsZero() { // that the last fetch failed was told to whom it was for
			known := *s
			known.err = nil
			s = &known
		}
		return s, nil
	}))
}

func (k *kept[T]) look() *state[T] {
	if s := k.state.Load(); s != nil {
		return s
	}
	k.state.CompareAndSwap(nil, &state[T]{})
	return k.state.Load()
}

func (k *kept[T]) fly(ctx context.Context) *state[T] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	next := *k.look()
	v, err := k.fetch(ctx, next.value)
	if next.err = err; err == nil {
		next.value, next.at = v, k.now()
	} else {
		next.tried = k.now()
	}
	k.state.Store(&next)
	return &next
}

func wait[T any](ctx context.Context, flight <-chan singleflight.Result) (T, error) {
	select {
	case result := <-flight:
		s := result.Val.(*state[T])
		return s.value, s.err
	case <-ctx.Done():
		return *new(T), context.Cause(ctx)
	}
}
