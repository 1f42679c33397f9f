package guard

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/testkit/authserver"
)

// claims are those of a token, with Go values as encoding/json has them.
type claims map[string]any

// with returns a copy with a claim set, or without it when the value is nil.
func (c claims) with(name string, val any) claims {
	next := maps.Clone(c)
	if next[name] = val; val == nil {
		delete(next, name)
	}
	return next
}

// authServer is an authorization server with a clock of its own.
type authServer struct {
	*authserver.Server
	t     testing.TB
	clock *clock
}

// newAuthServer starts one; path is that of the issuer.
func newAuthServer(t testing.TB, path string) *authServer {
	c := newClock()
	return &authServer{authserver.New(t, path, c.Now), t, c}
}

const resource = "https://mcp.example/mcp"

// good are the claims of a token that is let in.
func (s *authServer) good() claims {
	now := s.clock.Now().Unix()
	return claims{"iss": s.Issuer, "sub": "ada", "aud": resource, "exp": now + 600, "nbf": now - 10,
		"scope": "tools:read tools:execute", "client_id": "agent"}
}

// fields are those of a document that trusts the server.
func (s *authServer) fields() fields {
	return fields{"authorizationServerUri": s.Issuer, "resource": resource, "scope": "tools:read",
		"clientId": authserver.ClientID, "clientSecret": authserver.ClientSecret}
}

func (s *authServer) place(f fields, mcp bool) *place {
	return newPlace(s.t, Config{Kind: "oauth2", Value: f.value, MCP: mcp, Clock: s.clock.Now, Client: &http.Client{
		Transport:     s.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
}

// header is the protected header of a token.
type header map[jose.HeaderKey]any

func sign(t testing.TB, name string, alg jose.SignatureAlgorithm, h header, c claims) string {
	t.Helper()
	return authserver.Sign(t, name, alg, h, c)
}

// parameter returns a parameter of the request's challenge.
func parameter(t testing.TB, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	line := w.Header().Get("WWW-Authenticate")
	if line == "" {
		return ""
	}
	_, params, ok := strings.Cut(line, " ")
	all, err := parseParams(params)
	if !ok || err != nil {
		t.Errorf("challenge %q: %v", line, err)
	}
	return all[name]
}
