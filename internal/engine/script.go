package engine

import (
	"context"
	"errors"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/value"
)

// Scripts runs checked scripts apart from this process.
type Scripts interface {
	Run(ctx context.Context, p *script.Program, contextValue value.Value) (value.Value, error)
}

// script runs a script step.
func (r *invocation) script(ctx context.Context, s *plan.Script) (value.Value, *Error) {
	if r.scripts == nil {
		return value.Value{}, &Error{Kind: Unavailable, Title: "scripts do not run in this process"}
	}
	object, failure := r.scriptContext(ctx, s)
	if failure != nil {
		return value.Value{}, failure
	}
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	v, err := r.scripts.Run(ctx, s.Program, object)
	if err != nil {
		return v, scriptFailure(ctx, s, err)
	}
	return v, r.fits(r.meter(ctx), v)
}

func (r *invocation) scriptContext(ctx context.Context, s *plan.Script) (value.Value, *Error) {
	object := value.Map()
	for _, in := range r.unit.Inputs {
		if v := r.frame[in.Slot]; !v.IsAbsent() {
			object.Set(in.Name, v)
		}
	}
	for _, named := range [][]plan.Named{s.Before, s.With} {
		for _, n := range named {
			v, err := n.From.Eval(r.frame)
			if err != nil {
				return object, fail(ctx, r.unit.Name, err)
			}
			if !v.IsAbsent() {
				object.Set(n.Name, v)
			}
		}
	}
	return object, nil
}

func scriptFailure(ctx context.Context, s *plan.Script, err error) *Error {
	var timeout *script.TimeoutError
	var memory *script.MemoryError
	var wrong *script.ScriptError
	var refused *script.RefusedError
	e := &Error{Kind: Internal, cause: err}
	switch {
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		e.Title = "the script " + s.File + " ran too long and was stopped"
	case ctx.Err() != nil:
		return &Error{Kind: Canceled, Title: "the caller went away", cause: err}
	case errors.As(err, &refused):
		return &Error{Kind: Unavailable, Title: "the script " + s.File + " does not run: " + refused.Reason, cause: err}
	case errors.As(err, &memory):
		e.Title = "the script " + s.File + " used too much memory and was stopped"
	case errors.As(err, &wrong):
		e.Title = "the script " + s.File + " failed"
		e.Detail = wrong.Error()
	default:
		e.Title = "the script " + s.File + " could not run"
		if syntax, ok := errors.AsType[*script.SyntaxError](err); ok {
			e.Detail = syntax.Error()
		}
	}
	return e
}
