package host

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/adapter/rest"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
)

// mux hands the requests of one listener to the servers mounted on it.
type mux struct {
	loopback bool // the listener is reached from this machine only
	mounts   []*mount
}

// mount is one server on a listener.
type mount struct {
	document *Document
	server   *plan.Server
	rest     *rest.Handler
	mcp      *mcp.Handler
	way      atomic.Pointer[way] // swapped on reload
}

func (x *mux) mount(h *Host, d *Document, s *plan.Server) error {
	m := &mount{document: d, server: s}
	switch s.Type {
	case "rest":
		h.conflicts(x, d, s)
		screen := h.screen(x)
		c := rest.Config{Screen: &screen, Plan: d.Plan, Server: s, Invoker: onBehalf{h.config.Invoker}, Logger: h.config.Logger, MaxRequest: h.config.Limits.Request, ReadOnly: h.config.ReadOnly}
		if h.config.Forwarder != nil {
			c.Forwarder = forwardOnBehalf{h.config.Forwarder}
		}
		m.rest = rest.New(c)
	case "mcp":
		c := h.config.MCP.Config(d.Plan, s, h.config.ReadOnly)
		c.Invoker, c.Version, c.Logger, c.Screen, c.Principal = forMCP{onBehalf{h.config.Invoker}}, h.config.Version, h.config.Logger, h.screen(x), principal
		m.mcp = mcp.New(c)
	}
	if err := m.protect(h, s); err != nil {
		return err
	}
	x.mounts = append(x.mounts, m)
	return nil
}

// screen is from where the servers of a listener take requests.
func (h *Host) screen(x *mux) adapter.Screen {
	return adapter.Screen{AnyHost: !x.loopback && len(h.config.Hosts) == 0, Hosts: h.config.Hosts, Origins: h.config.Origins}
}

// protect puts the incoming authentication of a server before its adapter; its
// secrets are read when a request needs them.
func (m *mount) protect(h *Host, s *plan.Server) error {
	way := &way{}
	open := func(next http.Handler) http.Handler { return next }
	if header := h.config.MCP.CredentialHeader; m.mcp != nil && header != "" {
		open = func(next http.Handler) http.Handler { return bringsCredential(header, next) }
	}
	let := open
	if compiled := s.Auth; compiled != nil {
		g, err := guard.New(guard.Config{
			Kind: compiled.Kind, MCP: s.Type == "mcp", Logger: h.config.Logger, Client: h.config.Client,
			Value: func(ctx context.Context, field string) (secret.String, error) {
				return compiled.Value(ctx, field, h.config.Secrets.Get)
			},
		})
		if err != nil {
			return fmt.Errorf("protect %s: %w", s.Namespace, err)
		}
		way.guard = g
		let = func(next http.Handler) http.Handler { return g.Wrap(open(next)) }
	}
	if m.mcp != nil {
		way.handler = m.mcp.Behind(let)
	} else {
		way.handler = let(m.rest)
	}
	m.way.Store(way)
	return nil
}

// way is how requests reach a server: through its guard, if it has one.
type way struct {
	guard   *guard.Guard
	handler http.Handler
}

// conflicts reports paths that a server on the same listener claims already.
func (h *Host) conflicts(x *mux, d *Document, s *plan.Server) {
	for _, r := range s.Routes {
		for _, m := range x.mounts {
			if m.rest == nil {
				continue
			}
			for _, earlier := range m.server.Routes {
				if earlier.Method == r.Method && earlier.Path == r.Path {
					h.Conflicts.Add(diag.RouteConflict, r.Unit.Model.Node.Range(), "Give one of the documents another port.",
						"%s %s is served by %s already; the first wins", r.Method, r.Path, m.document.Name)
				}
			}
		}
	}
}

func (x *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.find(r).ServeHTTP(w, r)
}

// find picks the server for a request: the only one, else the MCP server whose
// path it is, else the REST server that has the method on the path, the path, or
// is the first.
func (x *mux) find(r *http.Request) http.Handler {
	for _, m := range x.mounts {
		way := m.way.Load()
		if way.guard != nil && slices.Contains(way.guard.MetadataPaths(), r.URL.Path) {
			return way.guard.Metadata()
		}
		if m.mcp != nil && x.claims(m, r.URL.Path) || m.rest != nil && len(x.mounts) == 1 {
			return way.handler
		}
	}
	for _, knows := range []func(*rest.Handler, *http.Request) bool{(*rest.Handler).Match, (*rest.Handler).Knows, anyREST} {
		for _, m := range x.mounts {
			if m.rest != nil && knows(m.rest, r) {
				return m.way.Load().handler
			}
		}
	}
	return http.HandlerFunc(noSuchEndpoint)
}

func anyREST(*rest.Handler, *http.Request) bool { return true }

func isMCPPath(path string) bool { return path == "/" || path == "/mcp" }

func noSuchEndpoint(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"type":"about:blank","title":"Not Found","status":404,"detail":"This listener serves MCP on /mcp."}`))
}

// claims reports whether path is an endpoint of the MCP server m: /mcp and /,
// or /<namespace>/mcp where several servers share the listener.
func (x *mux) claims(m *mount, path string) bool {
	if path == "/"+m.server.Namespace+"/mcp" {
		return true
	}
	if !isMCPPath(strings.TrimSuffix(path, "/")) && path != "/" && path != "/mcp/" {
		return false
	}
	for _, other := range x.mounts {
		if other.mcp != nil {
			return other == m
		}
	}
	return false
}

// path is where a client finds the server m.
func (x *mux) path(m *mount) string {
	if m.mcp == nil {
		return ""
	}
	for _, other := range x.mounts {
		if other.mcp != nil && other != m {
			return "/" + m.server.Namespace + "/mcp"
		}
	}
	return "/mcp"
}

func (x *mux) close() {
	for _, m := range x.mounts {
		if m.mcp != nil {
			m.mcp.Close()
		}
	}
}

// units are the names of what m serves, those left out by the configuration not
// among them.
func (m *mount) units() (names []string) {
	if m.mcp != nil {
		return m.mcp.Units()
	}
	for _, r := range m.rest.Routes() {
		names = append(names, strings.TrimSpace(r.Method+" "+r.Path))
	}
	return names
}

func (m *mount) update(h *Host, d *Document, s *plan.Server) {
	if m.rest != nil {
		m.rest.Update(d.Plan, s)
	}
	if m.mcp != nil {
		m.mcp.Update(d.Plan, s)
	}
	if err := m.protect(h, s); err != nil {
		h.config.Logger.Error("the old authentication stays in force", "server", s.Namespace, "error", err)
	}
}
