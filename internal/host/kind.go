package host

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/adapter/rest"
	"github.com/fairlead/fairlead/internal/plan"
)

// kind is one kind of server that documents expose over HTTP.
type kind struct {
	// claims are the routes of a server; nil for a kind whose servers have an
	// address of their own, which takes all their requests.
	claims func(*plan.Server) []adapter.Claim
	// open makes a server, which takes requests from where screen says.
	open func(c *Config, screen adapter.Screen) adapter.Server
	// alone says that such a server shares its port with no other, and answers
	// until all others have ended.
	alone bool
}

// kinds are the kinds that ship, by the type of the plan's server.
var kinds = map[string]kind{
	"rest":    {claims: rest.Claims, open: openREST},
	"mcp":     {open: openMCP},
	"control": {claims: noClaims, open: openControl, alone: true},
}

// hosted reports whether a server is served over HTTP.
func hosted(s *plan.Server) bool {
	_, known := kinds[s.Type]
	return known && s.Model.Transport != "stdio"
}

// noClaims are those of a server that has its port alone.
func noClaims(*plan.Server) []adapter.Claim { return nil }

func openControl(c *Config, screen adapter.Screen) adapter.Server {
	return control.New(control.Config{Process: &c.Process, Screen: screen, Token: c.ControlToken, Logger: c.Logger})
}

func openREST(c *Config, screen adapter.Screen) adapter.Server {
	r := rest.Config{
		Screen: &screen, Invoker: onBehalf{c.Invoker, c}, Logger: c.Logger, Events: c.Events, Pool: c.Pool,
		MaxRequest: c.Limits.Request, Selection: c.MCP.selection(c.ReadOnly), StrictInputs: c.Strict,
	}
	if c.Forwarder != nil {
		r.Forwarder = forwardOnBehalf{c.Forwarder, c}
	}
	return rest.New(r)
}

func openMCP(c *Config, screen adapter.Screen) adapter.Server {
	m := c.MCP.Config(nil, nil, c.ReadOnly)
	m.Invoker, m.Version, m.Logger, m.Events, m.Pool, m.Screen, m.Principal = forMCP{onBehalf{c.Invoker, c}}, c.Version,
		c.Logger, c.Events, c.Pool, screen, principal
	if c.Sessions != nil {
		m.SignIns = c
	}
	var s adapter.Server = mcp.New(m)
	if c.MCP.CredentialHeader != "" {
		s = &credentialed{s, c.MCP.CredentialHeader}
	}
	return s
}

// credentialed lets callers of a server bring the API's credential in a header.
type credentialed struct {
	adapter.Server
	header string
}

func (s *credentialed) Prepare(p *plan.Plan, one *plan.Server) adapter.Generation {
	return &credentialedGeneration{s.Server.Prepare(p, one), s.header}
}

type credentialedGeneration struct {
	adapter.Generation
	header string
}

// Handler reads the header behind the guard.
func (g *credentialedGeneration) Handler(guard func(http.Handler) http.Handler) http.Handler {
	return g.Generation.Handler(func(next http.Handler) http.Handler { return guard(bringsCredential(g.header, next)) })
}
