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
	"github.com/fairlead/fairlead/internal/plan"
)

// defaultMaxChars is the cap of an answer that every client takes.
const defaultMaxChars = 40_000

// Config says what a Handler serves, and to whom.
type Config struct {
	Plan    *plan.Plan
	Server  *plan.Server // of Plan, of type mcp
	Invoker adapter.Invoker
	Version string // of the engine; the document's own version goes first

	MaxChars    int // of a tool's answer as text; 0 is 40,000. A tool's own maxChars goes first
	Page        int // entries of a list; 0 is 1,000
	SearchAbove int // more tools than this are found by search_tools instead of listed; 0 lists all

	Screen adapter.Screen // over HTTP

	ReadOnly           bool     // serve only what changes nothing
	ConfirmDestructive bool     // ask before every destructive tool, not only those that say so
	Allow, Deny        []string // name patterns (path.Match), tag:X, hint:read-only|destructive|idempotent|open-world; Deny wins

	// Principal names who sent a request, by its context, as the server's guard
	// found out; confirmations are bound to it. Nil, and the empty name, bind them
	// to the Authorization header instead.
	Principal func(context.Context) string
	// StateKey signs confirmations and answers of users. Replicas that share traffic share it; empty
	// makes a random one.
	StateKey []byte
	Logger   *slog.Logger // nil discards
	// Drain is how long what runs may take to finish when the context of
	// ServeStdio ends; 0 is 30 s.
	Drain time.Duration
}

// Handler serves one MCP server. It is an http.Handler for any path, and may be
// used by any number of goroutines.
type Handler struct {
	cfg     Config
	current atomic.Pointer[catalogue]
	hub     hub
	waiting waiting
	spent   spent
	running running // requests of clients of older revisions, over HTTP
}

// New prepares a Handler. Close it.
func New(cfg Config) *Handler {
	if cfg.MaxChars <= 0 {
		cfg.MaxChars = defaultMaxChars
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
	h.current.Store(newCatalogue(&h.cfg, cfg.Plan, cfg.Server))
	return h
}

// Update serves another plan from now on and tells those who listen what
// changed. Requests that run finish on the plan they began with.
func (h *Handler) Update(p *plan.Plan, s *plan.Server) {
	next := newCatalogue(&h.cfg, p, s)
	h.hub.announce(next.changesFrom(h.current.Swap(next)))
}

// Close ends all subscription streams, gracefully.
func (h *Handler) Close() { h.hub.close() }

// request is one message and what serving it needs.
type request struct {
	*exchange
	ctx     context.Context
	h       *Handler
	view    *view
	version string
	sink    sink            // takes notifications before the answer; nil when that cannot be
	session *session        // of stdio, else nil
	caller  string          // Authorization, as it came
	client  string          // session id of a client of an older revision
	running *running        // where notifications find the request to cancel, or nil
	header  http.Header     // of a 2026-07-28 request over HTTP, else nil
	asks    bool            // a client of an older revision that can ask its user while a request waits
	gone    <-chan struct{} // closed when nobody can read the answer any more; nil on stdio
	silent  bool            // no answer is to be sent

	sessionID string // that initialize over HTTP gives the client
}

func (r *request) modern() bool { return r.version == modernVersion }

func (r *request) era() int {
	if r.version == modernVersion {
		return 1
	}
	return 0
}

// answer serves the message and leaves the whole JSON-RPC answer in r.out. It
// returns the error the answer holds, or nil.
func (r *request) answer(m *method) *rpcError {
	err := r.refusal(m)
	if err == nil {
		r.out = append(appendID(append(r.out[:0], `{"jsonrpc":"2.0","id":`...), r.id), `,"result":`...)
		err = m.serve(r)
	}
	if err != nil {
		r.out = err.appendTo(r.out[:0], r.id)
		return err
	}
	r.out = append(r.out, '}')
	return nil
}

// refusal says why the method is not there for this request.
func (r *request) refusal(m *method) *rpcError {
	if m == nil || r.modern() && !m.modern || !r.modern() && !m.legacy || !r.view.features[m.feature] {
		return &rpcError{code: codeNoMethod, message: "Method not found: " + quoteShort(string(r.method))}
	}
	return nil
}

// open begins a result with what all results of the era have.
func (r *request) open() { r.out = append(r.out, r.view.heads[r.era()]...) }

func (r *request) empty() *rpcError {
	r.out = append(r.out, "{}"...)
	return nil
}

func (r *request) initialize() *rpcError {
	version := newestLegacy
	for _, v := range versions[1:] {
		if v == string(r.params.version) {
			version = v
		}
	}
	asks := r.params.elicits && version >= firstWithForms
	capabilities := r.view.capabilities[overHTTP]
	if r.session != nil {
		r.session.version.Store(&version)
		r.session.asks.Store(asks)
		capabilities = r.view.capabilities[onStdio]
	} else {
		r.sessionID = newSessionID(asks)
	}
	r.out = append(append(append(r.out, `{"protocolVersion":"`...), version...), `","capabilities":`...)
	r.out = append(append(append(r.out, capabilities...), r.view.identity...), '}')
	return nil
}

func (r *request) discover() *rpcError {
	r.open()
	r.out = append(r.out, r.view.discovery...)
	return nil
}
