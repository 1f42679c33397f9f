// Package kept keeps values that are fetched from elsewhere: settings, what a
// server says of itself, its keys.
package kept

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// Timeout bounds one fetch, whoever waits for it.
	Timeout = 10 * time.Second
	// RetryPause is how long a source that fails is left alone.
	RetryPause = 5 * time.Second
)

// Value is a value that is fetched when first needed and kept. Concurrent callers
// share one fetch, which outlives the ctx of each of them. After a failure the
// source is left alone for RetryPause. The exported fields are set before its
// first use.
type Value[T any] struct {
	Fetch  func(ctx context.Context, old T) (T, error) // old is the zero T at first
	Now    func() time.Time
	Fresh  time.Duration // age from which it is fetched anew; up to twice that the old one serves meanwhile
	Usable time.Duration // age until which it serves while fetching fails

	flights singleflight.Group
	state   atomic.Pointer[state[T]] // replaced in a flight only
	renewed time.Time                // when Newer fetched last; touched in a flight only
}

// state is what came of the fetches so far.
type state[T any] struct {
	value T
	at    time.Time // of the last fetch that succeeded, zero when none did
	err   error     // of the last fetch
	tried time.Time // when the last fetch failed
}

// Get returns the value, or why there is none.
func (k *Value[T]) Get(ctx context.Context) (T, error) {
	s, now := k.look(), k.Now()
	age := now.Sub(s.at)
	have := !s.at.IsZero() && age < k.Usable
	if have && (age < k.Fresh || s.err != nil && now.Sub(s.tried) < RetryPause) {
		return s.value, nil
	}
	if s.err != nil && now.Sub(s.tried) < RetryPause {
		return *new(T), s.err
	}
	flight := k.flights.DoChan("", func() (any, error) {
		if landed := k.look(); landed != s {
			return landed, nil
		}
		return k.fly(ctx), nil
	})
	if have && age < 2*k.Fresh {
		return s.value, nil
	}
	v, err := wait[T](ctx, flight)
	if err != nil && have && ctx.Err() == nil {
		return s.value, nil
	}
	return v, err
}

// Newer fetches the value although it is fresh, but not within the pause after
// the time it last did so; then it returns what there is.
func (k *Value[T]) Newer(ctx context.Context, pause time.Duration) (T, error) {
	return wait[T](ctx, k.flights.DoChan("", func() (any, error) {
		if now := k.Now(); now.Sub(k.renewed) >= pause {
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

func (k *Value[T]) look() *state[T] {
	if s := k.state.Load(); s != nil {
		return s
	}
	k.state.CompareAndSwap(nil, &state[T]{})
	return k.state.Load()
}

func (k *Value[T]) fly(ctx context.Context) *state[T] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
	defer cancel()
	next := *k.look()
	v, err := k.Fetch(ctx, next.value)
	if next.err = err; err == nil {
		next.value, next.at = v, k.Now()
	} else {
		next.tried = k.Now()
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
