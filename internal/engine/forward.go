package engine

import (
	"context"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
)

// Forward passes a request on to a consumed API: method, query and body as they
// came, the headers that the document trusts, the API's own parameters and
// credential. rest is the percent-encoded path behind the API's base; caller says who
// calls: its Subject, Principal and Nobody.
func (e *Engine) Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string,
	caller Args) (*Result, *Error) {
	caller.Trace, caller.Authorization = TraceContext(req.Header), req.Header.Get("Authorization")
	r := e.begin(ctx, f.Unit, &caller)
	defer e.release(r)
	failure := r.fill(ctx)
	var result *Result
	if failure == nil {
		result, failure = r.forward(ctx, f, req, rest)
	}
	return r.finish(ctx, result, failure)
}

func (r *invocation) forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string) (*Result, *Error) {
	r.trusted, r.codings = only(req.Header, f.Headers), strings.Join(req.Header["Accept-Encoding"], ",")
	for _, name := range f.Private {
		r.sent.add(req.Header.Get(name))
	}
	call := &plan.Call{Request: f.Of(req.Method, rest, req.URL.RawQuery), Format: format.Text, Session: f.Session,
		Role: f.RoleOf(req.Method, rest)}
	resp, failure := r.send(ctx, call,
		&Entity{Body: req.Body, Length: req.ContentLength, ContentType: req.Header.Get("Content-Type"),
			Encoding: req.Header.Get("Content-Encoding")}, true)
	if failure != nil {
		return nil, failure
	}
	result := &Result{Status: resp.StatusCode, Header: pass(resp.Header), From: resp.Request.URL,
		ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength}
	if encoding := resp.Header["Content-Encoding"]; encoding != nil { // which the caller takes
		if result.Header == nil {
			result.Header = http.Header{}
		}
		result.Header["Content-Encoding"] = encoding
	}
	return r.stream(result, resp, r.client.Limits().Response)
}

// only keeps the named headers.
func only(h http.Header, names []string) http.Header {
	kept := http.Header{}
	for _, name := range names {
		if v, ok := h[name]; ok {
			kept[name] = v
		}
	}
	return kept
}
