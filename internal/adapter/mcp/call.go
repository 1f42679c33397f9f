package mcp

import (
	"bytes"
	"cmp"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// callTool serves tools/call. A tool that does not exist is a protocol error;
// everything that goes wrong after that is a result that the model can read.
func (r *request) callTool() *rpcError {
	if r.params.name == nil {
		return invalidParams("name must be the name of a tool")
	}
	t := r.view.byName[string(r.params.name)]
	if t == nil {
		return r.unknownTool(string(r.params.name))
	}
	if r.params.badArgs {
		return invalidParams("arguments must be an object")
	}
	if t.serve != nil {
		return t.serve(r)
	}
	if t.mirrored && r.header != nil {
		if problem := r.checkParamHeaders(t); problem != nil {
			return problem
		}
	}
	return r.run(t)
}

func (r *request) unknownTool(name string) *rpcError {
	why := "unknown tool " + quoteShort(name)
	names := make([]string, len(r.view.listed))
	for i, t := range r.view.listed {
		names[i] = t.name
	}
	if near, ok := diag.Near(name, names); ok {
		why += `; did you mean "` + near + `"?`
	}
	return invalidParams(why)
}

// run calls the tool with r's arguments and writes its result.
func (r *request) run(t *tool) *rpcError {
	values, token, problems := t.bind(r.params.arguments, r.canAsk)
	if problems != nil {
		r.fail(problemText(t, problems))
		return nil
	}
	if t.confirm || t.questions != nil {
		if done, err := r.consult(t, values, token); done || err != nil {
			return err
		}
	}
	ctx, start := r.ctx, len(r.out)
	var p *progress
	if token := r.params.meta.progressToken; token != nil && r.sink != nil {
		p = &progress{r: r, token: token}
		p.report(0, 1, "")
		defer p.finish()
		ctx = withProgress(ctx, p.report)
	}
	res, err := r.h.cfg.Invoker.Invoke(ctx, t.unit, engine.Args{Values: values, Trace: r.params.meta.trace()})
	if err == nil {
		defer res.Close()
		if p != nil {
			p.report(0.5, 1, "the API has answered")
		}
		if err = res.Redirect(); err == nil {
			err = r.result(t, res)
		}
	}
	switch {
	case err == nil:
	case err.Kind == engine.Canceled:
		r.silent = true
	default:
		if err.Kind == engine.Internal {
			r.h.cfg.Logger.ErrorContext(ctx, "mcp tool failed", "tool", t.name, "error", err, "cause", err.Unwrap())
		}
		r.out = r.out[:start]
		r.fail(failureText(err, t))
	}
	return nil
}

// consult asks the user what the tool wants to know before it runs. It reports
// true when the answer of the request is written.
func (r *request) consult(t *tool, values []value.Value, token string) (done bool, err *rpcError) {
	d := newDialog(t.unit.ID+" "+t.name, t.questions, values)
	switch {
	case !t.confirm:
	case r.canAsk(nil):
		d.confirm = func() string { return t.confirmation(values) }
	case !r.confirmedByToken(t, d, token):
		return true, nil
	}
	ok, why, err := r.settle(d)
	if why != "" {
		r.fail(why)
	}
	return !ok, err
}

// trace is the trace context of _meta (SEP-414), as headers.
func (m *meta) trace() http.Header {
	if m.traceparent == nil || !isFieldValue(m.traceparent) {
		return nil
	}
	h := http.Header{"Traceparent": {string(m.traceparent)}}
	if m.tracestate != nil && isFieldValue(m.tracestate) {
		h["Tracestate"] = []string{string(m.tracestate)}
	}
	return h
}

// isFieldValue reports whether text can be the value of a header: visible ASCII
// and blanks, and not too much of it.
func isFieldValue(text []byte) bool {
	return len(text) <= 512 && !bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

// bind converts the arguments to values by input. Problems are lines for the
// model, all of them at once. What a question asks for may be missing when
// canAsk says that it will be asked.
func (t *tool) bind(arguments []given, canAsk func(*question) bool) (values []value.Value, token string, problems []string) {
	values = make([]value.Value, len(t.unit.Inputs))
	var failed map[int]bool
	for _, g := range arguments {
		i, ok := t.byArg[string(g.name)]
		if !ok {
			if t.confirm && string(g.name) == confirmToken {
				token = g.value.Text()
				continue
			}
			problems = append(problems, t.unknownArgument(string(g.name)))
			continue
		}
		a := &t.args[i]
		if a.Schema == nil {
			values[a.index] = g.value
			continue
		}
		if g.value.Kind() == value.Null && a.Schema.Type != "" {
			continue // models write null for what they leave out
		}
		v, problem := a.convert(g.value)
		if problem != nil {
			if failed == nil {
				failed = map[int]bool{}
			}
			failed[i] = true
			for _, one := range problem.All() {
				problems = append(problems, a.complaint(one))
			}
			continue
		}
		values[a.index] = v
	}
	var missing []string
	for i := range t.args {
		a := &t.args[i]
		switch {
		case !a.Required || !values[a.index].IsAbsent() || failed[i]:
		case a.question == nil:
			missing = append(missing, "`"+a.name+"`")
		case !canAsk(a.question):
			problems = append(problems, "`"+a.name+"` is required; ask the user: "+a.question.text(values))
		}
	}
	switch {
	case len(missing) == 1:
		problems = append(problems, missing[0]+" is required")
	case missing != nil:
		problems = append(problems, strings.Join(missing, ", ")+" are required")
	}
	return values, token, problems
}

// complaint is what is wrong with the argument, for a model.
func (a *argument) complaint(p *schema.Problem) string {
	name, message := a.name, p.Message
	if p.Path != "" && p.Path[0] != '[' {
		name += "."
	}
	if a.Secret {
		message, _, _ = strings.Cut(message, ", not ") // what was given
	}
	return "`" + name + p.Path + "` " + message
}

// convert is what the caller gave as the input wants it. Members of objects may
// have the names that are listed or the document's.
func (a *argument) convert(v value.Value) (value.Value, *schema.Problem) {
	v, problem := a.listed.Convert(rename(v, a.Schema, a.listed))
	return rename(v, a.listed, a.Schema), problem
}

func (t *tool) unknownArgument(name string) string {
	line := "`" + strings.Trim(quoteShort(name), `"`) + "` is not known"
	names := make([]string, len(t.args))
	for i := range t.args {
		a := &t.args[i]
		names[i] = a.name
		if a.listed.Property(name) != nil {
			return line + "; it belongs in `" + a.name + "`"
		}
	}
	if near, ok := diag.Near(name, names); ok {
		line += "; did you mean `" + near + "`?"
	}
	return line
}

func problemText(t *tool, problems []string) string {
	var b strings.Builder
	b.WriteString("The arguments of " + t.name + " do not fit, nothing was sent:")
	for _, p := range problems {
		b.WriteString("\n- " + p)
	}
	b.WriteString("\nAllowed: ")
	for i := range t.args {
		a := &t.args[i]
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("`" + a.name + "`")
		kind := ""
		if a.Schema != nil {
			kind = a.Schema.Type
		}
		if a.Required {
			kind = strings.TrimPrefix(kind+", required", ", ")
		}
		if kind != "" {
			b.WriteString(" (" + kind + ")")
		}
	}
	if len(t.args) == 0 {
		b.WriteString("no arguments")
	}
	return b.String() + "."
}

// fail writes a result that says what went wrong.
func (r *request) fail(text string) {
	r.open()
	r.out = append(appendContent(r.out, cmp.Or(text, "failed"), ""), `,"isError":true}`...)
}
