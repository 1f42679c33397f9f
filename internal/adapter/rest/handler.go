// Package rest serves the REST side of a plan: it finds the route of a request,
// takes the inputs from where they stand, runs the unit and writes what it
// answers.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
)

// Config is what a Handler needs. Plan, Server and Invoker are required.
type Config struct {
	Plan    *plan.Plan
	Server  *plan.Server
	Invoker adapter.Invoker
	// Forwarder serves routes that pass everything on; without one they are not served.
	Forwarder Forwarder
	// Logger hears of panics and of answers that broke off; nil is silence.
	Logger *slog.Logger
	// MaxRequest is how many bytes a request body may have; 0 is 10 MiB.
	MaxRequest int64
	// Screen says from where requests are taken; nil takes them from everywhere.
	Screen *adapter.Screen
	// ReadOnly serves only operations that change nothing (plan.Unit.ReadOnly), and
	// of routes that pass everything on only the methods that RFC 9110 calls safe.
	ReadOnly bool
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
}

// served is what requests run on; an update replaces it as a whole.
type served struct {
	plan   *plan.Plan
	table  route.Table[*operation]
	routes []*plan.Route
}

// New makes a handler.
func New(config Config) *Handler {
	config.MaxRequest = cmp.Or(config.MaxRequest, 10<<20)
	config.ProblemBase = cmp.Or(config.ProblemBase, "https://fairlead.dev/problems/")
	h := &Handler{config: config, log: config.Logger}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.exchanges.New = func() any { return &exchange{Handler: h} }
	h.Update(config.Plan, config.Server)
	return h
}

// Update serves another plan from now on. Requests that run finish on the one
// they began with.
func (h *Handler) Update(p *plan.Plan, server *plan.Server) {
	s := &served{plan: p}
	for _, r := range server.Routes {
		if h.serves(r) && h.add(s, r) {
			s.routes = append(s.routes, r)
		}
	}
	h.served.Store(s)
}

// forwarded are the methods of a route that passes everything on, the safe ones
// first. HEAD comes with GET.
var forwarded = [...]string{http.MethodGet, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// safe is how many of forwarded change nothing.
const safe = 2

func (h *Handler) serves(r *plan.Route) bool {
	return !h.config.ReadOnly || r.Forward != nil || r.Unit.ReadOnly()
}

func (h *Handler) add(s *served, r *plan.Route) bool {
	if r.Forward == nil {
		pattern, err := route.Parse(r.Path)
		if err != nil {
			return h.refuse(r, err.Error())
		}
		if _, ok := s.table.Add(strings.ToUpper(r.Method), pattern, compile(r, pattern.Names())); !ok {
			return h.refuse(r, "claimed already")
		}
		return true
	}
	pattern, err := route.ParseForward(r.Path)
	if err != nil {
		return h.refuse(r, err.Error())
	}
	if h.config.Forwarder == nil {
		return h.refuse(r, "nobody forwards")
	}
	op, added := compileForward(r, pattern.Names()), false
	methods := forwarded[:]
	if h.config.ReadOnly {
		methods = forwarded[:safe]
	}
	for _, method := range methods {
		_, ok := s.table.Add(method, pattern, op)
		added = added || ok
	}
	return added
}

// refuse tells the log of a route that the planner should have withheld.
func (h *Handler) refuse(r *plan.Route, why string) bool {
	h.log.Warn("route is not served", "method", r.Method, "path", r.Path, "reason", why)
	return false
}

// Plan is what is served at the moment.
func (h *Handler) Plan() *plan.Plan { return h.served.Load().plan }

// Routes are the routes served at the moment, in document order.
func (h *Handler) Routes() []*plan.Route { return slices.Clone(h.served.Load().routes) }

// Match reports whether a route takes the request: its path and its method
// (HEAD where there is GET). Of several handlers on one listener the first that
// matches should serve; if none does, the first that knows the path.
func (h *Handler) Match(r *http.Request) bool {
	_, _, ok := h.served.Load().table.Match(r.Method, r.URL.EscapedPath(), nil)
	return ok
}

// Knows reports whether a route has the request's path, whatever the method:
// then ServeHTTP answers OPTIONS, and other methods with 405.
func (h *Handler) Knows(r *http.Request) bool {
	return len(h.served.Load().table.Methods(r.URL.EscapedPath())) > 0
}

// ServeHTTP answers a request. It panics with http.ErrAbortHandler, which
// net/http expects, when an answer cannot be finished; other panics of what it
// calls become a problem of status 500.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := h.exchanges.Get().(*exchange)
	x.w, x.r = w, r
	defer x.rescue()
	x.serve(h.served.Load())
	x.reset()
	h.exchanges.Put(x)
}
