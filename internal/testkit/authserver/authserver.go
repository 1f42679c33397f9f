// Package authserver is an OAuth 2.0 authorization server and OpenID provider for
// tests, on loopback: metadata (RFC 8414), JWKS, introspection (RFC 7662), token
// exchange (RFC 8693), the authorization code grant with PKCE (RFC 6749, 7636,
// 9207), refresh tokens that rotate, revocation (RFC 7009) and ID tokens. It is
// strict, and has faults on demand.
package authserver

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The credential of the one client that may introspect and exchange.
const (
	ClientID     = "engine:1"
	ClientSecret = "p%ss word"
)

// Server is the server. The exported fields below mu are changed with Set once
// it is asked.
type Server struct {
	*httptest.Server
	Issuer string
	now    func() time.Time
	t      testing.TB

	mu       sync.Mutex
	Keys     []jose.JSONWebKey
	Metadata map[string]any            // nil serves none
	At       string                    // path of the metadata
	Tokens   map[string]map[string]any // claims of the tokens it knows
	Down     int                       // status of every answer when not 0
	Hold     chan struct{}             // answers wait for it
	Requests []string                  // paths

	Clients  map[string]*Client   // that may send people; see grant.go
	Life     time.Duration        // of access tokens; an hour
	Pairwise bool                 // each client knows people by a subject of its own
	Answer   func(url.Values)     // changes what a browser brings back
	Claims   func(map[string]any) // changes the claims of an ID token
	TokenAt  http.HandlerFunc     // stands for the token endpoint

	Given []string // codes and tokens of all kinds that left it

	codes   map[string]*grant
	refresh map[string]*grant
	spent   map[string]*grant // codes and refresh tokens that were used
}

// New starts a server until the test ends; path is that of the issuer, now its
// clock. It signs with the key "rsa".
func New(t testing.TB, path string, now func() time.Time) *Server {
	s := &Server{now: now, t: t, Tokens: map[string]map[string]any{}, At: "/.well-known/oauth-authorization-server" + path,
		Life: time.Hour, codes: map[string]*grant{}, refresh: map[string]*grant{}, spent: map[string]*grant{},
		Clients: map[string]*Client{ClientID: {Secret: ClientSecret}}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.Issuer = s.URL + path
	s.Metadata = map[string]any{
		"issuer": s.Issuer, "jwks_uri": s.URL + "/keys", "introspection_endpoint": s.URL + "/introspect",
		"token_endpoint": s.URL + "/token", "authorization_endpoint": s.URL + "/authorize",
		"revocation_endpoint": s.URL + "/revoke", "authorization_response_iss_parameter_supported": true,
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "none"},
	}
	s.Rotate("rsa")
	return s
}

// Rotate publishes these keys, each under its name.
func (s *Server) Rotate(names ...string) {
	s.Set(func() {
		s.Keys = nil
		for _, name := range names {
			s.Keys = append(s.Keys, jose.JSONWebKey{Key: Keys()[name].Public(), KeyID: name, Use: "sig"})
		}
	})
}

// Set changes the server while it runs.
func (s *Server) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Asked counts the requests for a path since the last call.
func (s *Server) Asked(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.Requests[:0]
	for _, r := range s.Requests {
		if r == path {
			n++
		} else {
			rest = append(rest, r)
		}
	}
	s.Requests = rest
	return n
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.Requests = append(s.Requests, r.URL.Path)
	hold, token := s.Hold, s.TokenAt
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if token != nil && r.URL.Path == "/token" {
		token(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Down != 0 {
		w.Header().Set("Location", s.URL+"/keys")
		w.WriteHeader(s.Down)
		return
	}
	switch post := r.Method == http.MethodPost; {
	case r.URL.Path == s.At && s.Metadata != nil:
		answer(w, 200, s.Metadata)
	case r.URL.Path == "/keys":
		answer(w, 200, jose.JSONWebKeySet{Keys: s.Keys})
	case r.URL.Path == "/introspect" && post:
		s.introspect(w, r)
	case r.URL.Path == "/token" && post && r.PostFormValue("grant_type") == "authorization_code":
		s.exchangeCode(w, r)
	case r.URL.Path == "/token" && post && r.PostFormValue("grant_type") == "refresh_token":
		s.renew(w, r)
	case r.URL.Path == "/token" && post:
		s.exchange(w, r)
	case r.URL.Path == "/revoke" && post:
		s.revoke(w, r)
	case r.URL.Path == "/authorize":
		s.authorize(w, r)
	default:
		http.NotFound(w, r)
	}
}

// engine checks that the client is the one that may introspect and exchange, by
// Basic authentication.
func (s *Server) engine(w http.ResponseWriter, r *http.Request) bool {
	if _, _, basic := r.BasicAuth(); !basic || s.client(r) != s.Clients[ClientID] {
		answer(w, 401, map[string]any{"error": "invalid_client"})
		return false
	}
	return true
}

func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	if !s.engine(w, r) {
		return
	}
	claims, ok := s.Tokens[r.PostFormValue("token")]
	if exp, dated := claims["exp"].(int64); !ok || dated && s.now().Unix() > exp {
		answer(w, 200, map[string]any{"active": false})
		return
	}
	claims = maps.Clone(claims)
	claims["active"] = true
	answer(w, 200, claims)
}

// exchange gives a token for the API "crm" in exchange for one that it knows.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	if !s.engine(w, r) {
		return
	}
	_ = r.ParseForm()
	form := r.PostForm
	claims, known := s.Tokens[form.Get("subject_token")]
	switch {
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
		form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:access_token":
		answer(w, 400, map[string]any{"error": "unsupported_grant_type"})
	case !known:
		answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "unknown token " +
			form.Get("subject_token")})
	case form.Get("resource") != "https://crm.example" && form.Get("audience") != "crm":
		answer(w, 400, map[string]any{"error": "invalid_target"})
	default:
		answer(w, 200, map[string]any{
			"access_token":      "upstream-of-" + claims["sub"].(string),
			"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
			"token_type":        "bearer", "expires_in": 300, "scope": form.Get("scope"),
		})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
