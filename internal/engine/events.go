package engine

import (
	"context"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
)

// newCall is the call that the events of a run belong to.
func (r *invocation) newCall(ctx context.Context) *event.Call {
	c := &event.Call{Unit: r.unit.ID, Type: r.unit.Kind, Front: r.unit.Namespace, Exchange: event.ExchangeOf(ctx),
		Began: time.Now()}
	if c.Type != "session" { // a sign-in or renewal on the way of another unit
		c.Exchange.Note(func(f *event.Facts) { f.Unit, f.Kind = c.Unit, c.Type })
	}
	return c
}

// clock is the time, where somebody listens to events of a kind.
func (r *invocation) clock(kind event.Kind) (now time.Time) {
	if r.events.Hears(kind) {
		now = time.Now()
	}
	return now
}

// begun tells listeners that the unit begins to run.
func (r *invocation) begun(ctx context.Context) {
	if r.events.Hears(event.Units | event.Steps | event.Attempts | event.Retries | event.Waits) {
		r.call = r.newCall(ctx)
	}
	if r.events.Hears(event.Units) {
		r.events.Publish(ctx, event.UnitBegan{Call: r.call})
	}
}

// ended tells listeners of the unit's answer or failure.
func (r *invocation) ended(ctx context.Context, result *Result, failure *Error) {
	if failure != nil {
		r.problem(ctx, failure)
	}
	if !r.events.Hears(event.Units) {
		return
	}
	e := event.UnitEnded{Call: r.call, Took: time.Since(r.call.Began)}
	if failure != nil {
		e.Status, e.Err = failure.Code(), failure
	} else {
		e.Status = result.Status
	}
	r.events.Publish(ctx, e)
}

// problem tells listeners of what the operator has to see to, with its cause.
func (r *invocation) problem(ctx context.Context, failure *Error) {
	refused := failure.Kind == Answered && failure.Status == http.StatusUnauthorized && r.sendsSecret()
	switch {
	case refused:
		r.notice(ctx, event.Problem{Title: failure.Error() + " to the credential that is configured"})
	case failure.Kind == Unreachable || failure.Kind == TimedOut || failure.Kind == Busy || failure.Kind == TooLarge:
		r.notice(ctx, event.Problem{Title: failure.Error(), Cause: failure.cause, Minor: true})
	case failure.Kind.forOperator():
		r.notice(ctx, event.Problem{Title: failure.Error(), Cause: failure.cause})
	}
}

// notice tells listeners of a problem of the run.
func (r *invocation) notice(ctx context.Context, e event.Problem) {
	if !r.events.Hears(event.Problems) {
		return
	}
	if e.Call = r.call; e.Call == nil {
		e.Call = r.newCall(ctx)
	}
	r.events.Publish(ctx, e)
}

// sendsSecret reports whether the unit authenticates with a secret of the operator's.
func (r *invocation) sendsSecret() bool {
	if r.authorization != "" || r.signed.Load() {
		return false
	}
	for _, s := range r.unit.Secrets {
		if s.ForAuth {
			return true
		}
	}
	return false
}

// stepEnded tells listeners that a step has ended.
func (r *invocation) stepEnded(ctx context.Context, s *plan.Step, began time.Time, failure *Error) {
	if !r.events.Hears(event.Steps) {
		return
	}
	e := event.StepEnded{Call: r.call, Name: s.Name, Doing: doing(s), Began: began, Took: time.Since(began),
		Total: len(r.unit.Steps)}
	if s.Name != "" {
		e.Span = event.SpanOf(ctx)
	}
	if failure != nil {
		e.Err = failure
	}
	r.events.Publish(ctx, e)
}

// inSpan is the context of a step, which has a span of its own where spans are kept.
func (r *invocation) inSpan(ctx context.Context) context.Context {
	if r.events.Traces() && r.call != nil && r.call.Exchange != nil {
		return event.InSpan(ctx, event.NewSpanID())
	}
	return ctx
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
