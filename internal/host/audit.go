package host

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/plan"
)

// Audited runs units and tells an audit of those that are not read-only, before they
// begin and when they are over. Where that cannot be written, they do not run.
func Audited(by adapter.Invoker, audit *observe.Audit, events *event.Stream) adapter.Invoker {
	return &auditing{Invoker: by, audit: audit, events: events}
}

// auditing is what Audited returns.
type auditing struct {
	adapter.Invoker
	forwarder Forwarder
	audit     *observe.Audit
	events    *event.Stream
}

// Invoke implements adapter.Invoker.
func (a *auditing) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	if u.ReadOnly() {
		return a.Invoker.Invoke(ctx, u, args)
	}
	return a.run(ctx, u, given(u, &args), func() (*engine.Result, *engine.Error) { return a.Invoker.Invoke(ctx, u, args) })
}

// Forward implements Forwarder. The methods that RFC 9110 section 9.2.1 calls safe
// change nothing.
func (a *auditing) Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string,
	caller engine.Args) (*engine.Result, *engine.Error) {
	forward := func() (*engine.Result, *engine.Error) { return a.forwarder.Forward(ctx, f, req, rest, caller) }
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return forward()
	}
	names := []string{}
	for name := range req.URL.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	if req.ContentLength != 0 {
		names = append(names, "body")
	}
	return a.run(ctx, f.Unit, names, forward)
}

// given names what a caller gave a unit.
func given(u *plan.Unit, args *engine.Args) []string {
	names := []string{}
	for i, in := range u.Inputs {
		set := i < len(args.Values) && !args.Values[i].IsAbsent() && in.Place != plan.InPlan
		if set || in.Place == plan.AsBody && args.Entity != nil {
			names = append(names, in.Name)
		}
	}
	return names
}

func (a *auditing) run(ctx context.Context, u *plan.Unit, names []string,
	run func() (*engine.Result, *engine.Error)) (*engine.Result, *engine.Error) {
	deed := observe.Deed{Unit: u.ID, Server: u.Namespace, Arguments: names}
	if x := event.ExchangeOf(ctx); x != nil {
		f := x.Facts()
		deed.Request, deed.Principal, deed.Capability, deed.Adapter = x.ID, f.Principal, f.Capability, f.Adapter
		if trace := x.Trace(); !trace.Trace.IsZero() {
			deed.Trace = trace.Trace.String()
		}
	}
	if err := a.audit.Begin(&deed); err != nil {
		a.complain(ctx, "nothing that is to be audited is done: the audit cannot be written", err)
		return nil, &engine.Error{Kind: engine.Unavailable, Title: "nothing can be changed here at the moment",
			Detail: "What callers do cannot be noted, so it is not done. Ask the operator to look at the log."}
	}
	began := time.Now()
	// of a run that panics there is no more to say than that
	deed.Outcome, deed.Status, deed.Failed = observe.Unclear, http.StatusInternalServerError, engine.Internal.String()
	defer func() {
		deed.Took = time.Since(began)
		if err := a.audit.End(&deed); err != nil {
			a.complain(ctx, "the outcome of a call is missing from the audit", err)
		}
	}()
	result, failure := run()
	if failure == nil {
		deed.Outcome, deed.Status, deed.Failed = observe.Done, max(result.Status, http.StatusOK), ""
		return result, nil
	}
	deed.Outcome, deed.Status, deed.Failed = observe.Failed, failure.Code(), failure.Kind.String()
	switch failure.Kind {
	case engine.TimedOut, engine.Unreachable, engine.Canceled:
		deed.Outcome = observe.Unclear
	}
	if failure.Unclear {
		deed.Outcome = observe.Unclear
	}
	return nil, failure
}

func (a *auditing) complain(ctx context.Context, what string, err error) {
	if a.events.Hears(event.Problems) {
		a.events.Publish(ctx, event.Problem{Title: what, Cause: err})
	}
}
