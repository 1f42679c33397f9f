package budget_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
)

func TestCall_thatHoldsBytesFailsInsteadOfWaiting(t *testing.T) {
	p := budget.NewPool(100)
	a, b := budget.NewCall(p), budget.NewCall(p)
	if err := a.Hold(t.Context(), 60); err != nil {
		t.Fatal(err)
	}
	if err := b.Hold(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	if err := b.Hold(t.Context(), 30); !errors.Is(err, budget.ErrFull) {
		t.Errorf("got %v, want ErrFull at once", err)
	}
	if err := a.Hold(t.Context(), 41); !errors.Is(err, budget.ErrLarge) {
		t.Errorf("got %v, want ErrLarge: no other call has to end for it", err)
	}
	a.End()
	a.End()
	if err := b.Hold(t.Context(), 70); err != nil {
		t.Error(err)
	}
	b.Free(50)
	if now, most := p.Held(); now != 50 || most != 100 {
		t.Errorf("holds %d, at most %d", now, most)
	}
	b.End()
}

func TestCall_thatHoldsNothingWaits(t *testing.T) {
	p := budget.NewPool(100)
	first := budget.NewCall(p)
	if err := first.Hold(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	second := budget.NewCall(p)
	go func() { got <- second.Hold(t.Context(), 100) }()
	first.End()
	if err := <-got; err != nil {
		t.Errorf("got %v after the first call ended", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := budget.NewCall(p).Hold(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a caller who left", err)
	}
	if err := budget.NewCall(p).Hold(t.Context(), 1); !errors.Is(err, budget.ErrFull) {
		t.Errorf("got %v after waiting", err)
	}
	second.End()
}

func TestPool_neverHoldsMoreThanItsLimit(t *testing.T) {
	p := budget.NewPool(1000)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			c := budget.NewCall(p)
			defer c.End()
			for range 10 {
				if c.Hold(t.Context(), 90) != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if now, most := p.Held(); now != 0 || most > 1000 {
		t.Errorf("holds %d, at most %d", now, most)
	}
}

func TestMeter(t *testing.T) {
	call := budget.NewCall(nil)
	a, b := budget.NewMeter(t.Context(), call), budget.NewMeter(t.Context(), call)
	for a.Steps(1000) && b.Steps(1000) {
	}
	if !errors.Is(a.Err(), budget.ErrSteps) && !errors.Is(b.Err(), budget.ErrSteps) {
		t.Errorf("got %v and %v: both count for one call", a.Err(), b.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := budget.NewMeter(ctx, nil)
	if !m.Step() {
		t.Fatal(m.Err())
	}
	cancel()
	for m.Step() {
	}
	if !errors.Is(m.Err(), context.Canceled) || budget.Of(m.Err()) || m.Hold(1) {
		t.Errorf("got %v", m.Err())
	}
	late := budget.NewMeter(t.Context(), nil).Until(time.Now().Add(-time.Second))
	if late.Step() || !errors.Is(late.Err(), context.DeadlineExceeded) {
		t.Errorf("got %v after the call's time", late.Err())
	}
	var none *budget.Meter
	if !none.Step() || !none.Steps(1<<40) || !none.Hold(1<<40) || none.Err() != nil {
		t.Error("the nil Meter has a limit")
	}
}
