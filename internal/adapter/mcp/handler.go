// Package mcp serves the tools, resources and prompts of a plan over the Model
// Context Protocol: every revision from 2024-11-05 to 2026-07-28, on one
// stateless HTTP endpoint and on stdio. What clients list is prepared when a
// plan is loaded; a call reads its request in one pass and writes its answer
// from one buffer.
package mcp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
)

// Config says what a Handler serves, and to whom.
type Config struct {
	Plan    *plan.Plan
	Server  *plan.Server // of Plan, of type mcp
	Invoker adapter.Invoker
	Version string // of the engine; the document's own version goes first
	// Capability names the document in what is heard of messages on stdio.
	Capability string

	MaxChars    int // of a tool's answer as text; 0 is 40,000. A tool's own maxChars goes first
	Page        int // entries of a list; 0 is 1,000
	SearchAbove int // more tools than this are found by search_tools instead of listed; 0 lists all

	Screen adapter.Screen // over HTTP

	adapter.Selection       // which units are served
	ConfirmDestructive bool // ask before every destructive tool, not only those that say so

	// Principal names who sent a request, by its context, as the server's guard
	// found out; confirmations are bound to it. Nil, and the empty name, bind them
	// to the Authorization header instead.
	Principal func(context.Context) string
	// StateKey signs confirmations and answers of users. Replicas that share traffic share it; empty
	// makes a random one.
	StateKey []byte
	// SignIns are the pages on which people sign in; nil where nobody can.
	SignIns SignIns
	Logger  *slog.Logger // nil discards
	// Pool is the memory that all calls hold together; nil has no limit.
	Pool *budget.Pool
	// Events hears of requests that are refused before a unit runs; nil is nobody.
	Events *event.Stream
	// Drain is how long what runs may take to finish when the context of
	// ServeStdio ends; 0 is 30 s.
	Drain time.Duration
}

// Handler serves one MCP server. It is an http.Handler for any path, and may be
// used by any number of goroutines.
type Handler struct {
	cfg     Config
	current atomic.Pointer[catalogue.Catalogue]
	hub     hub
	waiting ask.Waiting
	spent   ask.Spent
	running running // requests of clients of older revisions, over HTTP
}

// New prepares a Handler; without a Server it serves nothing before a generation
// begins. Close it.
func New(cfg Config) *Handler {
	if cfg.MaxChars <= 0 {
		cfg.MaxChars = catalogue.DefaultMaxChars
	}
	if cfg.Page <= 0 {
		cfg.Page = 1000
	}
	if cfg.Drain <= 0 {
		cfg.Drain = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.StateKey) == 0 {
		cfg.StateKey = make([]byte, sha256.Size)
		rand.Read(cfg.StateKey) // never fails (crypto/rand)
	}
	h := &Handler{cfg: cfg}
	h.hub.done = make(chan struct{})
	if cfg.Server != nil {
		h.current.Store(catalogue.New(h.options(), cfg.Plan, cfg.Server))
	}
	return h
}

// options are those of the configuration that decide what clients see.
func (h *Handler) options() catalogue.Options {
	c := &h.cfg
	return catalogue.Options{Version: c.Version, MaxChars: c.MaxChars, Page: c.Page, SearchAbove: c.SearchAbove,
		Serves: c.Serves, Denies: c.Denies, ConfirmDestructive: c.ConfirmDestructive}
}

// Update serves another plan from now on and tells those who listen what
// changed. Requests that run finish on the plan they began with.
func (h *Handler) Update(p *plan.Plan, s *plan.Server) {
	h.Prepare(p, s).Begin()
}

// Close ends all subscription streams, gracefully.
func (h *Handler) Close() { h.hub.close() }

// request is one message and what serving it needs.
type request struct {
	*exchange
	ctx     context.Context
	h       *Handler
	view    *catalogue.View
	version string
	sink    wire.Sink       // takes notifications before the answer; nil when that cannot be
	stdio   *stdio          // its client; nil over HTTP
	caller  string          // Authorization, as it came
	client  string          // session id of a client of an older revision
	running *running        // where notifications find the request to cancel, or nil
	header  http.Header     // of a 2026-07-28 request over HTTP, else nil
	heard   *event.Exchange // nil when nobody hears of exchanges
	asks    bool            // a client of an older revision that can ask its user while a request waits
	opens   bool            // likewise, that can open pages for its user
	gone    <-chan struct{} // closed when nobody can read the answer any more; nil on stdio
	silent  bool            // no answer is to be sent
	// answered says that the whole answer is written where less was to be expected
	answered bool

	sessionID string // that initialize over HTTP gives the client
}

func (r *request) modern() bool { return r.version == wire.Modern }

func (r *request) era() int {
	if r.version == wire.Modern {
		return 1
	}
	return 0
}

// answer serves the message and leaves the whole JSON-RPC answer in r.Out. It
// returns the error the answer holds, or nil.
func (r *request) answer() *wire.Error {
	r.Head, r.AnyContent = r.view.Heads[r.era()], r.modern()
	r.known()
	err := r.refusal()
	if err == nil {
		r.Out = append(wire.AppendID(append(r.Out[:0], `{"jsonrpc":"2.0","id":`...), r.ID), `,"result":`...)
		err = r.method.serve(r)
		r.told()
	}
	if err != nil {
		r.failed(err)
		r.Out = err.AppendTo(r.Out[:0], r.ID)
		return err
	}
	r.Out = append(r.Out, '}')
	return nil
}

// refusal says why the method is not there for this request.
func (r *request) refusal() *wire.Error {
	era := legacy
	if r.modern() {
		era = modern
	}
	if m := r.method; !m.is(era) || m.is(notification) || !r.view.Features[m.feature] {
		return &wire.Error{Code: wire.CodeNoMethod, Message: "Method not found: " + wire.Quote(string(r.Method))}
	}
	return nil
}

// nothing serves methods without a result.
func (r *request) nothing(*noParams) *wire.Error { return r.empty() }

func (r *request) empty() *wire.Error {
	r.Out = append(r.Out, "{}"...)
	return nil
}

func (r *request) initialize(p *initializeParams) *wire.Error {
	version := wire.NewestLegacy
	for _, v := range wire.Versions[1:] {
		if v == string(p.version) {
			version = v
		}
	}
	asks, opens := p.elicits && version >= firstWithForms, p.opens && version >= firstWithPages
	capabilities := r.view.Capabilities[catalogue.OverHTTP]
	if r.stdio != nil {
		r.stdio.version.Store(&version)
		r.stdio.asks.Store(asks)
		r.stdio.opens.Store(opens)
		client := string(p.client)
		r.stdio.client.Store(&client)
		capabilities = r.view.Capabilities[catalogue.OnStdio]
	} else {
		r.sessionID = newSessionID(asks, opens)
	}
	r.Out = append(append(append(r.Out, `{"protocolVersion":"`...), version...), `","capabilities":`...)
	r.Out = append(append(append(r.Out, capabilities...), r.view.Identity...), '}')
	return nil
}

func (r *request) discover(*noParams) *wire.Error {
	r.Open()
	r.Out = append(r.Out, r.view.Discovery...)
	return nil
}
