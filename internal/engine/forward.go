package engine

import (
	"context"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Forward passes a request on to a consumed API: method, query and body as they
// came, the headers that the document trusts, the API's own parameters and
// credential. rest is the percent-encoded path behind the API's base; subject is
// as in Args.
func (e *Engine) Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string, subject secret.String) (*Result, *Error) {
	frame := e.frame(f.Unit.Slots)
	defer e.release(frame)
	authorization := ""
	if f.Unit.CallerAuthorization {
		authorization = req.Header.Get("Authorization")
	}
	if err := e.fill(ctx, *frame, f.Unit, authorization != ""); err != nil {
		return nil, err
	}
	for _, slot := range f.Unit.Subject {
		(*frame)[slot] = value.Of(subject.Reveal())
	}
	call := &plan.Call{Request: f.Of(req.Method, rest, req.URL.RawQuery), Format: format.Text}
	run := run{Engine: e, unit: f.Unit, frame: *frame, args: &Args{Trace: TraceContext(req.Header)}, authorization: authorization, trusted: only(req.Header, f.Headers),
		codings: strings.Join(req.Header["Accept-Encoding"], ",")}
	for _, name := range f.Private {
		run.sent.add(req.Header.Get(name))
	}
	resp, failure := run.send(ctx, call, &Entity{Body: req.Body, Length: req.ContentLength, ContentType: req.Header.Get("Content-Type"), Encoding: req.Header.Get("Content-Encoding")})
	if failure != nil {
		return run.leave(nil, failure)
	}
	result := &Result{Status: resp.StatusCode, Header: pass(resp.Header), ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength}
	if encoding := resp.Header["Content-Encoding"]; encoding != nil { // which the caller takes
		if result.Header == nil {
			result.Header = http.Header{}
		}
		result.Header["Content-Encoding"] = encoding
	}
	return run.leave(run.stream(result, resp, e.client.Limits().Response))
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
