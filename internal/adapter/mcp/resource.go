package mcp

import (
	"cmp"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/adapter/mcp/answer"
	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/value"
)

func (r *request) listResources(p *listParams) *wire.Error {
	var items [][]byte
	for _, one := range r.view.Resources {
		switch {
		case one.Files != nil:
			items = one.ListFiles(items)
		case !one.IsTemplate():
			items = append(items, one.Item)
		}
	}
	return r.list(catalogue.NewPages("resources", items, r.h.cfg.Page), p)
}

func (r *request) noResource(uri []byte) *wire.Error {
	if uri == nil {
		return wire.InvalidParams("uri must be the URI of a resource")
	}
	e := &wire.Error{Code: wire.CodeInvalidParams, Message: "Resource not found: " + wire.Quote(string(uri)),
		Data: value.Map(value.Member{Name: "uri", Value: value.Of(string(uri))}).AppendJSON(nil)}
	if !r.modern() {
		e.Code = wire.CodeLegacyNoResource
	}
	return e
}

func (r *request) readResource(p *resourceParams) *wire.Error {
	uri := string(p.uri)
	res, ok := r.view.Resource(uri)
	if !ok {
		return r.noResource(p.uri)
	}
	r.names(uri)
	if res.Confirm {
		if done, problem := r.consultAbout(res, uri, &p.answers); done || problem != nil {
			return problem
		}
	}
	kind, text, problem := r.load(res, uri)
	if problem != nil || r.silent || r.answered {
		return problem
	}
	r.Open()
	r.Out = r.AppendResource(append(r.Out, `"contents":[`...), uri, kind, text)
	r.Out = append(r.Out, ']')
	if res.Confirm || res.Unit != nil && (len(res.Unit.Subject) > 0 || res.Unit.CallerAuthorization) {
		r.closePrivate()
	} else {
		r.closeCacheable()
	}
	return nil
}

// consultAbout asks the user whether a resource may be read. It reports true
// when the answer of the request is written.
func (r *request) consultAbout(res *catalogue.Resource, uri string, user *answers) (done bool, problem *wire.Error) {
	if !r.canAsk(nil) {
		return true, r.needsElicitation("the user has to confirm that " + wire.Quote(uri) +
			" is read, and this client cannot ask")
	}
	d := ask.NewDialog("resource "+uri, nil, nil)
	d.Confirm = func() string { return "Read " + cmp.Or(res.Title, res.Name) + " (" + wire.Shorten(uri, 500) + ")?" }
	ok, why, problem := r.settle(d, user)
	if why != "" {
		problem = wire.InvalidParams(why)
	}
	return !ok, problem
}

// load reads a resource into r.Raw and says what it is. When the client went
// away meanwhile, r is silent.
func (r *request) load(res *catalogue.Resource, uri string) (kind string, text bool, problem *wire.Error) {
	if res.Files != nil {
		return r.loadFile(res, uri)
	}
	return r.loadUnit(res, uri)
}

func (r *request) loadFile(res *catalogue.Resource, uri string) (kind string, text bool, problem *wire.Error) {
	name, _ := res.File(uri)
	f, err := res.Files.Open(name)
	if err == nil {
		defer f.Close()
		m := budget.NewMeter(r.ctx, &r.call)
		// as it is written
		if r.Raw, err = budget.ReadAll(m, r.Raw[:0], f, -1, catalogue.MaxFile); err == nil &&
			!m.Hold(int64(2*len(r.Raw))) {
			err = m.Err()
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, r.noResource([]byte(uri))
	case budget.Of(err):
		return "", false, &wire.Error{Code: wire.CodeInternal, Message: answer.Failure(engine.Spent(err), nil)}
	case errors.Is(err, budget.ErrTooLong):
		return "", false, &wire.Error{Code: wire.CodeInternal, Message: "The resource is larger than 10 MiB: " +
			wire.Quote(uri)}
	case err != nil:
		r.h.cfg.Logger.ErrorContext(r.ctx, "mcp resource cannot be read", "resource", res.Name, "error", err)
		return "", false, &wire.Error{Code: wire.CodeInternal, Message: "The resource cannot be read: " +
			wire.Quote(uri)}
	}
	kind = res.TypeOf(name)
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(r.Raw))
	}
	return kind, catalogue.IsText(kind) && utf8.Valid(r.Raw), nil
}

func (r *request) loadUnit(res *catalogue.Resource, uri string) (kind string, text bool, problem *wire.Error) {
	values, ok, problem := res.VariablesOf(uri)
	if !ok {
		problem = r.noResource([]byte(uri))
	}
	if problem != nil {
		return "", false, problem
	}
	answer, failed := r.h.cfg.Invoker.Invoke(r.ctx, res.Unit,
		engine.Args{Values: values, Trace: r.Meta.Trace(), Budget: &r.call})
	if failed != nil {
		return "", false, r.resourceError(failed, uri)
	}
	defer answer.Close()
	if failed := answer.Redirect(); failed != nil {
		return "", false, r.resourceError(failed, uri)
	}
	if answer.Raw == nil {
		if r.Raw = r.Raw[:0]; answer.Value.Kind() == value.String {
			r.Raw = append(r.Raw, answer.Value.Text()...)
		} else if !answer.Value.IsAbsent() {
			r.Raw = answer.Value.AppendJSON(r.Raw)
		}
		r.Raw = append(r.Raw[:0], answer.Masked(r.Raw)...)
		return cmp.Or(res.MimeType, "application/json"), true, nil
	}
	declared, failed := r.ReadAnswer(res.Unit, answer)
	if failed != nil {
		return "", false, r.resourceError(failed, uri)
	}
	r.Raw = append(r.Raw[:0], answer.Masked(r.Raw)...)
	kind = cmp.Or(res.MimeType, declared, "application/octet-stream")
	return kind, utf8.Valid(r.Raw) && (catalogue.IsText(kind) || !answer.Binary), nil
}

func (r *request) resourceError(e *engine.Error, uri string) *wire.Error {
	r.failedAs(e)
	switch {
	case e.Kind == engine.Canceled:
		r.silent = true
		return nil
	case e.Kind == engine.Answered && (e.Status == http.StatusNotFound || e.Status == http.StatusGone):
		return r.noResource([]byte(uri))
	case e.Kind == engine.BadInput:
		return wire.InvalidParams(answer.Failure(e, nil))
	}
	if done, problem := r.seek(e, wire.Shorten(uri, 200), ask.NewDialog("resource "+uri, nil, nil)); done {
		r.answered = problem == nil
		return problem
	}
	return &wire.Error{Code: wire.CodeInternal, Message: answer.Failure(e, nil)}
}
