package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/answer"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
)

// callTool serves tools/call. A tool that does not exist is a protocol error;
// everything that goes wrong after that is a result that the model can read.
func (r *request) callTool(p *callParams) *wire.Error {
	if p.name == nil {
		return wire.InvalidParams("name must be the name of a tool")
	}
	t := r.view.ByName[string(p.name)]
	if t == nil {
		return r.unknownTool(string(p.name))
	}
	r.names(t.Name)
	if p.badArguments {
		return wire.InvalidParams("arguments must be an object")
	}
	if serve := finders[t.Finder]; serve != nil {
		return serve(r, t, p)
	}
	if t.Mirrored && r.header != nil {
		if problem := t.CheckHeaders(r.header, p.arguments); problem != nil {
			return problem
		}
	}
	return r.run(t, p)
}

func (r *request) unknownTool(name string) *wire.Error {
	why := "unknown tool " + wire.Quote(name)
	names := make([]string, len(r.view.Listed))
	for i, t := range r.view.Listed {
		names[i] = t.Name
	}
	if near, ok := diag.Near(name, names); ok {
		why += `; did you mean "` + near + `"?`
	}
	return wire.InvalidParams(why)
}

// run calls the tool with the arguments of call and writes its result.
func (r *request) run(t *catalogue.Tool, call *callParams) *wire.Error {
	values, token, problems := t.Bind(call.arguments, r.canAsk)
	if problems != nil {
		text := catalogue.ProblemText(t, problems)
		if t.Unit.Role == plan.LoginRole {
			text += "\nThe user signs in on a page, which this tool names: call it without what a person types there."
		}
		r.Fail(text)
		return nil
	}
	if t.Unit.Signs && r.signedIn(t, values, &call.answers) {
		return nil
	}
	if t.Confirm || t.Questions != nil {
		if done, err := r.consult(t, values, token, &call.answers); done || err != nil {
			return err
		}
	}
	ctx, start := r.ctx, len(r.Out)
	var p *progress
	if token := r.Meta.ProgressToken; token != nil && r.sink != nil {
		p = &progress{r: r, token: token}
		p.begin()
		defer p.finish()
		ctx = withProgress(ctx, p.report)
	}
	res, err := r.h.cfg.Invoker.Invoke(ctx, t.Unit, engine.Args{Values: values, Trace: r.Meta.Trace(), Budget: &r.call})
	if err == nil {
		defer res.Close()
		if p != nil {
			p.report(0.5, 1, "the API has answered")
		}
		if err = res.Redirect(); err == nil {
			err = r.Result(t, values, res)
		}
	}
	switch {
	case err == nil:
	case err.Kind == engine.Canceled:
		r.silent = true
	default:
		if err.Kind == engine.Internal {
			r.h.cfg.Logger.ErrorContext(ctx, "mcp tool failed", "tool", t.Name, "error", err, "cause", err.Unwrap())
		}
		r.failedAs(err)
		r.Out = r.Out[:start]
		if done, problem := r.seek(err, t.Name, signInDialog(t, values)); done {
			return problem
		}
		r.Fail(answer.Failure(err, t))
	}
	return nil
}
