package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/plan"
)

// Trace records when the steps of one run began and how long they took. The
// zero Trace is ready to use; hand it to Invoke with WithTrace.
type Trace struct {
	// Ended, when set, is told of each step that has ended: how many have, of how
	// many. It may be called by several goroutines.
	Ended func(done, total int, name string)

	mu    sync.Mutex
	began time.Time
	steps []TraceStep
}

// TraceStep is one step of a run. A unit that is a plain call has one without a name.
type TraceStep struct {
	Name   string
	Doing  string        // the operation that it calls, or what else it does
	Begin  time.Duration // since the run began
	Took   time.Duration
	Failed string // why, "" when it did not
}

type traceKey struct{}

// WithTrace makes Invoke record the run in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Steps returns what was recorded, in the order in which the steps began.
func (t *Trace) Steps() []TraceStep {
	t.mu.Lock()
	defer t.mu.Unlock()
	steps := slices.Clone(t.steps)
	slices.SortStableFunc(steps, func(a, b TraceStep) int { return int(a.Begin - b.Begin) })
	return steps
}

// doing says what a step does, for people.
func doing(s *plan.Step) string {
	switch s.Kind {
	case plan.CallStep:
		return s.Call.Request.Target
	case plan.LookupStep:
		return "lookup by " + s.Lookup.Match
	case plan.ScriptStep:
		return "script " + s.Script.File
	default:
		return "fixed values"
	}
}

// record adds a step to the trace of ctx, if there is one.
func record(ctx context.Context, u *plan.Unit, s *plan.Step, start time.Time, failure *Error) {
	t, ok := ctx.Value(traceKey{}).(*Trace)
	if !ok {
		return
	}
	done := t.add(s, start, time.Now(), failure)
	if t.Ended != nil && failure == nil {
		t.Ended(done, len(u.Steps), s.Name)
	}
}

// add returns how many steps have ended.
func (t *Trace) add(s *plan.Step, start, end time.Time, failure *Error) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() || start.Before(t.began) {
		for i := range t.steps {
			t.steps[i].Begin += t.began.Sub(start)
		}
		t.began = start
	}
	step := TraceStep{Name: s.Name, Doing: doing(s), Begin: start.Sub(t.began), Took: end.Sub(start)}
	if failure != nil {
		step.Failed = failure.Title
	}
	t.steps = append(t.steps, step)
	return len(t.steps)
}
