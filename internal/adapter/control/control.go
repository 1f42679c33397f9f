// Package control serves what operators ask of a running process, over HTTP:
// whether it lives and is ready, what it serves, its metrics, traces and log, and
// to read its documents again. The paths are those of the format's control
// servers, with more of our own.
//
// Who may do what: /health, /metrics and /status are for everybody whom the
// server's authentication lets in. The rest shows what callers sent and got, so
// it is for callers of this machine, and from elsewhere for those who have the
// token. What changes something takes the token always, or the server's own
// authentication, or a Unix socket, whose file says who may connect: web pages and
// documents can make requests to a loopback address, too. The token comes as a
// bearer token (RFC 6750), or as the password of Basic (RFC 7617), which browsers
// can ask for.
package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
)

// Config is what a control server shows, and to whom.
type Config struct {
	Process *Process
	Screen  adapter.Screen
	Token   secret.String // what changes something needs it; empty lets nobody change anything
	Logger  *slog.Logger
}

// Server is a control server. It implements adapter.Server.
type Server struct {
	c    Config
	done chan struct{} // closed when streams have to end
	end  sync.Once
}

// New makes a control server.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{c: c, done: make(chan struct{})}
}

// Everything is a control server that shows and changes all there is; whoever
// starts the process asks for it.
func Everything() *model.Control {
	return &model.Control{Health: true, Info: true, Reload: true, Validate: true, Scripting: true, Levels: true,
		Stream: true, Subscribers: 20,
		Observability: model.Observability{Metrics: true, Traces: true, Buffer: 100, Sampling: 1, Propagation: "w3c"}}
}

// Prepare implements adapter.Server. A server without a plan is that of the
// process, and not of a document.
func (s *Server) Prepare(p *plan.Plan, one *plan.Server) adapter.Generation {
	g := &generation{Server: s, plan: p, show: one.Control, guarded: one.Auth != nil}
	g.slots = make(chan struct{}, g.show.Subscribers)
	return g
}

// Close implements adapter.Server: it ends all streams.
func (s *Server) Close() { s.end.Do(func() { close(s.done) }) }

// generation is a control server as one document declares it.
type generation struct {
	*Server
	plan    *plan.Plan // of the document; nil is the process's own
	show    *model.Control
	guarded bool          // callers have a credential of the document's
	slots   chan struct{} // of those who read a stream
}

// Units implements adapter.Generation: there are none.
func (g *generation) Units() []string { return nil }

// Begin implements adapter.Generation.
func (g *generation) Begin() {}

// access is what a caller needs to use an endpoint.
type access uint8

const (
	open   access = iota // nothing
	see                  // to be on this machine, or the token
	change               // the token
)

// endpoint is one method of one path.
type endpoint struct {
	method, path string
	access       access
	shown        bool
	serve        func(w http.ResponseWriter, r *http.Request)
}

// endpoints are all there are, as far as they are shown.
func (g *generation) endpoints() []endpoint {
	c, p := g.show, g.c.Process
	all := []endpoint{
		{"GET", "/health/live", open, c.Health, g.lives},
		{"GET", "/health/ready", open, c.Health, g.ready},
		{"GET", "/status", open, c.Info, g.status},
		{"GET", "/{$}", see, c.Info, g.page},
		{"GET", "/style.css", open, c.Info, asset("style.css", "text/css; charset=utf-8")},
		{"GET", "/page.js", open, c.Info, asset("page.js", "text/javascript; charset=utf-8")},
		{"GET", "/live", see, c.Info, g.live},
		{"GET", "/config", see, c.Info && p.Settings != nil, g.config},
		{"POST", "/config/reload", change, c.Reload && p.Reload != nil, g.reload},
		{"POST", "/config/validate", see, c.Validate && p.Validate != nil, g.validate},
		{"GET", "/scripting", open, c.Scripting && p.Scripts != nil, g.scripting},
		{"PUT", "/scripting", change, c.Scripting && p.Scripts != nil, g.setScripting},
	}
	if !c.Observability.Off {
		all = append(all,
			endpoint{"GET", "/metrics", open, c.Observability.Metrics, g.metrics},
			endpoint{"GET", "/traces", see, c.Observability.Traces, g.traces},
			endpoint{"GET", "/traces/{id}", see, c.Observability.Traces, g.trace},
			endpoint{"GET", "/calls", see, c.Info, g.calls},
			endpoint{"GET", "/calls/stream", see, c.Info, g.followCalls},
			endpoint{"GET", "/calls/{id}", see, c.Info, g.call},
			endpoint{"POST", "/calls/capture", change, c.Info && p.Capture != nil, g.capture})
	}
	all = append(all,
		endpoint{"GET", "/logs", see, c.Levels || c.Stream, g.logs},
		endpoint{"GET", "/logs/{logger}", see, c.Levels || c.Stream, g.logger},
		endpoint{"PUT", "/logs/{logger}", change, c.Levels, g.setLevel},
		endpoint{"GET", "/logs/stream", see, c.Stream, g.followLogs})
	return slices.DeleteFunc(all, func(e endpoint) bool { return !e.shown })
}

// Handler implements adapter.Generation.
func (g *generation) Handler(guard func(http.Handler) http.Handler) http.Handler {
	mux, byPath := http.NewServeMux(), map[string]map[string]http.Handler{}
	for _, e := range g.endpoints() {
		if byPath[e.path] == nil {
			byPath[e.path] = map[string]http.Handler{}
		}
		byPath[e.path][e.method] = g.admit(e)
	}
	for path, methods := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if h := methods[method]; h != nil {
				h.ServeHTTP(w, r)
				return
			}
			allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
			w.Header().Set("Allow", allow)
			fail(w, http.StatusMethodNotAllowed, "this path takes "+allow)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "there is nothing at this path; there is "+
			strings.ReplaceAll(strings.Join(slices.Sorted(maps.Keys(byPath)), ", "), "{$}", ""))
	})
	inner := guard(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !g.c.Screen.Host(r.Host) && !isSocket(r) {
			fail(w, http.StatusForbidden, "this Host is not served here; the operator allows it with --allow-host")
			return
		}
		r.Body = http.MaxBytesReader(w, adapter.NewBody(w, r, mostBody), mostBody)
		inner.ServeHTTP(w, r)
	})
}

// mostBody is how many bytes a request may bring: a document, and a little more.
const mostBody = 1<<20 + 1<<10

// admit lets those use an endpoint who may.
func (g *generation) admit(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.c.Screen.CrossSite(r, e.method != http.MethodGet) {
			fail(w, http.StatusForbidden, "a web page may not do this")
			return
		}
		allowed := e.access == open || isSocket(r) || g.guarded || g.hasToken(r) || e.access == see && isLocal(r)
		if !allowed {
			w.Header().Set("WWW-Authenticate", `Basic realm="fairlead control", charset="UTF-8"`)
			w.Header().Add("WWW-Authenticate", `Bearer realm="fairlead control"`)
			fail(w, http.StatusUnauthorized,
				"this needs the control token: --control-token-file names it, else the process prints it at the start")
			return
		}
		e.serve(w, r)
	})
}

// hasToken compares in a time that tells nothing of the token.
func (g *generation) hasToken(r *http.Request) bool {
	_, given, ok := r.BasicAuth()
	if !ok {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if given = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") {
			return false
		}
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(g.c.Token.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && !g.c.Token.IsEmpty()
}

// isSocket reports whether a request came by a Unix socket.
func isSocket(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// isLocal reports whether a request came from this machine, and not through a
// proxy on it.
func isLocal(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header[name] != nil {
			return false
		}
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return isSocket(r) || ok && local.IP.IsLoopback()
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = adapter.Write(w, append(text, '\n')) // to a caller who left
}

// fail answers in the form that the format's control servers use.
func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}
