package rest

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/value"
)

// problem is an error of Fairlead's own (RFC 9457).
type problem struct {
	kind   string // what its type ends in
	status int
	title  string
	detail string
	step   string
	errors []fieldError
}

// fieldError is what is wrong with one input.
type fieldError struct{ name, in, detail string }

// problem writes p as the answer.
func (x *exchange) problem(p problem) {
	if !x.ran && x.config.Events.Hears(event.Refusals) {
		x.config.Events.Publish(x.r.Context(),
			event.Refusal{Door: "rest", Status: p.status, Reason: p.title + ": " + p.detail})
	}
	event.ExchangeOf(x.r.Context()).Note(func(f *event.Facts) { f.Failed, f.Reason = p.kind, p.title })
	body := append(x.buffer[:0], `{"type":`...)
	body = value.AppendString(body, x.config.ProblemBase+p.kind)
	body = appendMember(body, "title", p.title)
	body = strconv.AppendInt(append(body, `,"status":`...), int64(p.status), 10)
	body = appendMember(body, "detail", p.detail)
	body = appendMember(body, "step", p.step)
	if id := x.w.Header()["X-Request-Id"]; len(id) == 1 {
		body = appendMember(body, "requestId", id[0])
	}
	for i, e := range p.errors {
		if i == 0 {
			body = append(body, `,"errors":[`...)
		} else {
			body = append(body, ',')
		}
		body = value.AppendString(append(body, `{"name":`...), e.name)
		body = appendMember(body, "in", e.in)
		body = append(appendMember(body, "detail", e.detail), '}')
	}
	if len(p.errors) > 0 {
		body = append(body, ']')
	}
	x.buffer = append(body, '}')
	x.write(p.status, "application/problem+json", x.buffer)
}

func appendMember(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return value.AppendString(dst, text)
}

// badInput answers with everything that is wrong with the inputs.
func (x *exchange) badInput() {
	detail := ""
	for i, e := range x.errors {
		if i > 0 {
			detail += "; "
		}
		detail += e.name + " " + e.detail
	}
	x.problem(problem{kind: engine.BadInput.String(), status: http.StatusBadRequest,
		title: "the request does not fit the operation", detail: detail + ".", errors: x.errors})
}

func (x *exchange) tooLarge() {
	x.problem(problem{kind: engine.TooLarge.String(), status: http.StatusRequestEntityTooLarge,
		title:  "the request body is too large",
		detail: "Send at most " + budget.SizeText(x.config.MaxRequest) + "."})
}

func (x *exchange) tooSlow() {
	x.w.Header().Set("Connection", "close")
	x.problem(problem{kind: engine.TimedOut.String(), status: http.StatusRequestTimeout,
		title: "the request body did not come in time", detail: "Send it again, faster."})
}

func (x *exchange) unsupported(title, detail string) {
	x.problem(problem{kind: "unsupported-media-type", status: http.StatusUnsupportedMediaType, title: title,
		detail: detail})
}

// fail answers with an error of the engine: the upstream's own answer as it
// came, else a problem. The header Fairlead-Step names the step of a flow that
// got the answer. A caller who went away gets nothing.
func (x *exchange) fail(err *engine.Error) {
	if x.body != nil && x.body.over.Load() {
		x.tooLarge()
		return
	}
	if x.paced.Late() {
		x.tooSlow()
		return
	}
	if err.Kind == engine.Canceled {
		x.heard.Note(func(f *event.Facts) { f.Failed = err.Kind.String() })
		panic(http.ErrAbortHandler) // to return would be an empty 200
	}
	status, header := err.Code(), x.w.Header()
	if err.Kind == engine.Answered {
		x.heard.Note(func(f *event.Facts) { f.Failed, f.Reason = err.Kind.String(), err.Title })
		x.pass(err.Header, err.From)
		if err.Step != "" {
			header["Fairlead-Step"] = []string{url.PathEscape(err.Step)}
		}
		x.write(status, err.ContentType, err.Body)
		return
	}
	if after := err.Header["Retry-After"]; err.Retry && len(after) > 0 {
		header["Retry-After"] = after
	}
	p := problem{kind: err.Kind.String(), status: status, title: err.Title, detail: err.Detail, step: err.Step}
	if err.OwnCredential {
		p.detail += " Or send the API's credential yourself in the Authorization header."
	}
	for _, f := range err.Fields {
		p.errors = append(p.errors, fieldError{f.Name, x.placeOf(f.Name), f.Problem})
	}
	x.problem(p)
}

func (x *exchange) placeOf(name string) string {
	if unit := x.op.route.Unit; unit != nil {
		for _, in := range unit.Inputs {
			if in.Name == name {
				return placeNames[in.Place].in
			}
		}
	}
	return ""
}
