package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// exchange is one request and its answer. It is used again for another, so
// nothing that outlives the request may refer to it.
type exchange struct {
	*Handler
	w           http.ResponseWriter
	r           *http.Request
	op          *operation
	links       *plan.Links     // of what is served
	vars        []string        // values of the path's placeholders
	values      []value.Value   // of the unit's inputs
	errors      []fieldError    // what is wrong with them
	body        *limited        // the request body where its length is not known, else nil
	paced       *adapter.Body   // the same, whatever its length
	credentials []string        // query parameters that the guard has read
	nesting     int             // pairs whose names have brackets
	ran         bool            // a unit did
	heard       *event.Exchange // nil when nobody hears of exchanges
	started     bool            // the answer's status was written
	buffer      []byte
	call        budget.Call  // what the request uses
	meter       budget.Meter // of its goroutine
}

func (x *exchange) reset() {
	clear(x.vars)
	clear(x.values)
	clear(x.errors)
	*x = exchange{Handler: x.Handler, vars: x.vars[:0], values: x.values[:0], errors: x.errors[:0], buffer: x.buffer}
}

func (x *exchange) serve(s *served) {
	x.links = s.links
	path := x.r.URL.EscapedPath()
	op, vars, ok := s.table.Match(x.r.Method, path, x.vars[:0])
	if screen := x.config.Screen; screen != nil && screen.CrossSite(x.r, ok && op.writes) {
		x.denied("pages of other sites may not send this", "The operator allows the page's origin with --allow-origin.")
		return
	}
	if !ok {
		x.unrouted(s, path)
		return
	}
	x.op, x.vars, x.credentials = op, vars, s.credentials
	if x.config.Events.Hears(event.Exchanges) {
		x.heard = event.ExchangeOf(x.r.Context())
		x.heard.Note(func(f *event.Facts) {
			f.Unit, f.Kind, f.Route = op.route.Unit.ID, op.route.Unit.Kind,
				op.route.Path
		})
	}
	var result *engine.Result
	var err *engine.Error
	if op.route.Forward != nil {
		if !x.forwardable() {
			return
		}
		x.ran = true
		result, err = x.config.Forwarder.Forward(x.r.Context(), op.route.Forward, x.r, x.rest())
	} else {
		var args engine.Args
		if args, ok = x.arguments(); !ok {
			return
		}
		x.ran = true
		result, err = x.config.Invoker.Invoke(x.r.Context(), op.route.Unit, args)
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.answer(result)
}

// denied answers a request that may not come from where it comes from.
func (x *exchange) denied(title, detail string) {
	x.problem(problem{kind: engine.Denied.String(), status: http.StatusForbidden, title: title, detail: detail})
}

func (x *exchange) rest() string {
	if x.op.rest < 0 {
		return ""
	}
	return x.vars[x.op.rest]
}

// forwardable checks what is passed on unread, and answers if that may not be.
func (x *exchange) forwardable() bool {
	decoded, err := url.PathUnescape(x.rest())
	if err != nil || strings.Contains(decoded, `\`) || template.HasDotSegment(x.rest()) {
		x.problem(problem{kind: engine.BadInput.String(), status: http.StatusBadRequest,
			title: "the path cannot be passed on", detail: "Send it without “.” and “..” segments."})
		return false
	}
	if x.r.ContentLength > x.config.MaxRequest {
		x.tooLarge()
		return false
	}
	if x.r.ContentLength != 0 {
		copied := *x.r
		copied.Body = x.incoming()
		x.r = &copied
	}
	return true
}

// unrouted answers a request that no route takes.
func (x *exchange) unrouted(s *served, path string) {
	methods := s.table.Methods(path)
	if len(methods) == 0 {
		detail := "Nothing is served at " + shorten(path) + "."
		if meant := near(s.routes, x.r.Method, path); meant != "" {
			detail += " Did you mean " + meant + "?"
		}
		x.problem(problem{kind: "not-found", status: http.StatusNotFound, title: "no such path", detail: detail})
		return
	}
	if !slices.Contains(methods, http.MethodOptions) {
		methods = append(methods, http.MethodOptions)
		slices.Sort(methods)
	}
	allow := strings.Join(methods, ", ")
	x.w.Header().Set("Allow", allow)
	if x.r.Method == http.MethodOptions {
		x.start(http.StatusNoContent)
		return
	}
	x.problem(problem{kind: "method-not-allowed", status: http.StatusMethodNotAllowed,
		title: "the path does not take this method", detail: "Use one of " + allow + "."})
}

// rescue turns a panic into an answer, if there is none yet.
func (x *exchange) rescue() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	where := plan.Route{}
	if x.op != nil {
		where = *x.op.route
	}
	x.log.ErrorContext(x.r.Context(), "panic while serving", "method", where.Method, "path", where.Path, "panic",
		fmt.Sprint(v), "stack",
		string(debug.Stack()))
	if x.started {
		panic(http.ErrAbortHandler)
	}
	x.problem(problem{kind: engine.Internal.String(), status: http.StatusInternalServerError,
		title: "something went wrong inside", detail: "The operator finds the cause in the log."})
}

// start writes the status and whatever headers are set.
func (x *exchange) start(status int) {
	x.started = true
	x.w.WriteHeader(status)
}

// shorten keeps a text that is repeated to its sender readable.
func shorten(text string) string {
	if len(text) > 200 {
		return strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
