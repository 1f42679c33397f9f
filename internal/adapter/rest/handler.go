// Package rest serves the REST side of a plan: it finds the route of a request,
// takes the inputs from where they stand, runs the unit and writes what it
// answers.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
)

// Config is what a Handler needs. Invoker is required; without a Server the
// Handler serves nothing before a generation begins.
type Config struct {
	Server  *plan.Server
	Invoker adapter.Invoker
	// Forwarder serves routes that pass everything on; without one they are not served.
	Forwarder Forwarder
	// Logger hears of panics and of answers that broke off; nil is silence.
	Logger *slog.Logger
	// Events hears of requests that are refused before a unit runs; nil is nobody.
	Events *event.Stream
	// Pool is the memory that all calls hold together; nil has no limit.
	Pool *budget.Pool
	// MaxRequest is how many bytes a request body may have; 0 is 10 MiB.
	MaxRequest int64
	// Screen says from where requests are taken; nil takes them from everywhere.
	Screen *adapter.Screen
	// Selection says which operations are served. Of routes that pass everything on,
	// ReadOnly serves the methods that RFC 9110 calls safe.
	adapter.Selection
	// StrictInputs refuses query parameters and members of bodies that are no inputs,
	// instead of leaving them out.
	StrictInputs bool
	// ProblemBase is what the types of problems (RFC 9457) begin with; "" is
	// https://fairlead.dev/problems/.
	ProblemBase string
}

// Forwarder passes a request on as it is. rest is the end of the request's path
// that the route's last placeholder stands for, percent-encoded as it came, or
// "" when the route has none; it has no dot segments. The body of req is within
// the limit or fails when it is read past it. Exactly one of result and error
// is not nil; the handler closes the result.
type Forwarder interface {
	Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string) (*engine.Result, *engine.Error)
}

// Handler is an http.Handler for one REST server of a plan. Who may call it is
// decided before it is reached.
type Handler struct {
	config    Config
	log       *slog.Logger
	served    atomic.Pointer[served]
	exchanges sync.Pool
	noSniff   []string // the value of X-Content-Type-Options; shared, not to be changed
}

// served is what requests run on, a generation of the handler.
type served struct {
	handler *Handler
	table   route.Table[*operation]
	routes  []*plan.Route
	// credentials are the query parameters that the server's guard may read.
	credentials []string
	links       *plan.Links
}

// New makes a handler.
func New(config Config) *Handler {
	config.MaxRequest = cmp.Or(config.MaxRequest, 10<<20)
	config.ProblemBase = cmp.Or(config.ProblemBase, "https://fairlead.dev/problems/")
	h := &Handler{config: config, log: config.Logger, noSniff: []string{"nosniff"}}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.exchanges.New = func() any { return &exchange{Handler: h} }
	s := &served{handler: h}
	if config.Server != nil {
		s = h.serve(config.Server)
	}
	h.served.Store(s)
	return h
}

// Prepare implements adapter.Server.
func (h *Handler) Prepare(_ *plan.Plan, server *plan.Server) adapter.Generation {
	return h.serve(server)
}

// Close implements adapter.Server. Nothing here outlives its request.
func (h *Handler) Close() {}

// serve makes what serves a server.
func (h *Handler) serve(server *plan.Server) *served {
	s := &served{handler: h}
	if server.Auth != nil {
		s.credentials = []string{"access_token", server.Auth.Model.Text("key")}
	}
	for _, r := range server.Routes {
		if h.serves(r) && h.add(s, r) {
			s.routes = append(s.routes, r)
		}
	}
	s.links = plan.NewLinks(server, s.routes)
	return s
}

// Begin implements adapter.Generation. Requests that run finish on the
// generation they began with.
func (s *served) Begin() { s.handler.served.Store(s) }

// Units implements adapter.Generation.
func (s *served) Units() (names []string) {
	for _, r := range s.routes {
		names = append(names, strings.TrimSpace(r.Method+" "+r.Path))
	}
	return names
}

// forwarded are the methods of a route that passes everything on, the safe ones
// first. HEAD comes with GET.
var forwarded = [...]string{http.MethodGet, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete}

// safe is how many of forwarded change nothing.
const safe = 2

func (h *Handler) serves(r *plan.Route) bool {
	return r.Forward != nil || h.config.Serves(r.Unit, r.Unit.Name)
}

// Claims are the routes of a server, those left out whose paths the planner
// should have withheld.
func Claims(s *plan.Server) (all []adapter.Claim) {
	for _, r := range s.Routes {
		if c, err := claim(r); err == nil {
			all = append(all, c)
		}
	}
	return all
}

func claim(r *plan.Route) (c adapter.Claim, err error) {
	c.Unit, c.Methods = r.Unit, []string{strings.ToUpper(r.Method)}
	if r.Forward == nil {
		c.Pattern, err = route.Parse(r.Path)
		return c, err
	}
	c.Methods = forwarded[:]
	c.Pattern, err = route.ParseForward(r.Path)
	return c, err
}

func (h *Handler) add(s *served, r *plan.Route) bool {
	c, err := claim(r)
	if err != nil {
		return h.refuse(r, err.Error())
	}
	var op *operation
	switch {
	case r.Forward == nil:
		op = compile(r, c.Pattern.Names())
	case h.config.Forwarder == nil:
		return h.refuse(r, "nobody forwards")
	default:
		op = compileForward(r, c.Pattern.Names())
		if h.config.ReadOnly {
			c.Methods = c.Methods[:safe]
		}
	}
	added := false
	for _, method := range c.Methods {
		_, ok := s.table.Add(method, c.Pattern, op)
		added = added || ok
	}
	if !added {
		return h.refuse(r, "claimed already")
	}
	return true
}

// refuse tells the log of a route that the planner should have withheld.
func (h *Handler) refuse(r *plan.Route, why string) bool {
	h.log.Warn("route is not served", "method", r.Method, "path", r.Path, "reason", why)
	return false
}

// Handler implements adapter.Generation.
func (s *served) Handler(guard func(http.Handler) http.Handler) http.Handler {
	inner := guard(http.HandlerFunc(s.run))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.screened(w, r) {
			inner.ServeHTTP(w, r)
		}
	})
}

// ServeHTTP answers a request on the generation that began last. It panics with
// http.ErrAbortHandler, which net/http expects, when an answer cannot be
// finished; other panics of what it calls become a problem of status 500.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s := h.served.Load(); s.screened(w, r) {
		s.run(w, r)
	}
}

// run answers a request that is let in.
func (s *served) run(w http.ResponseWriter, r *http.Request) {
	x := s.handler.exchanges.Get().(*exchange)
	x.w, x.r = w, r
	x.call.Begin(s.handler.config.Pool)
	x.meter = *budget.NewMeter(r.Context(), &x.call)
	ended := false
	defer func() {
		if !ended {
			x.call.End()
		}
	}()
	defer x.rescue()
	x.serve(s)
	x.call.End()
	ended = true // x is somebody else's from now on
	x.reset()
	s.handler.exchanges.Put(x)
}

// screened reports whether a request may come from where it comes from, and is
// for a unit to answer. It answers the others.
func (s *served) screened(w http.ResponseWriter, r *http.Request) bool {
	screen := s.handler.config.Screen
	switch {
	case screen == nil:
		return true
	case !screen.Host(r.Host):
		x := &exchange{Handler: s.handler, w: w, r: r}
		x.denied("the Host "+shorten(r.Host)+" is not served here",
			"The operator allows it with --allow-host "+shorten(adapter.HostName(r.Host))+".")
		return false
	}
	return !screen.Browser(w, r, "*", func() string { return strings.Join(s.table.Methods(r.URL.EscapedPath()), ", ") })
}
