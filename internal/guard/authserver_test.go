package guard

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// pairs are keys made once for all tests.
var pairs = sync.OnceValue(func() map[string]crypto.Signer {
	keys := map[string]crypto.Signer{}
	for name, bits := range map[string]int{"rsa": 2048, "rsa2": 2048} {
		keys[name], _ = rsa.GenerateKey(rand.Reader, bits)
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		keys[name], _ = ecdsa.GenerateKey(curve, rand.Reader)
	}
	_, keys["ed"], _ = ed25519.GenerateKey(rand.Reader)
	return keys
})

// claims are those of a token, with Go values as encoding/json has them.
type claims map[string]any

// with returns a copy with a claim set, or without it when the value is nil.
func (c claims) with(name string, val any) claims {
	next := claims{}
	for n, v := range c {
		next[n] = v
	}
	if next[name] = val; val == nil {
		delete(next, name)
	}
	return next
}

// authServer is an authorization server on loopback: metadata, JWKS,
// introspection (RFC 7662) and token exchange (RFC 8693), with faults on demand.
type authServer struct {
	*httptest.Server
	t      testing.TB
	clock  *clock
	issuer string

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	metadata map[string]any // nil serves none
	at       string         // path of the metadata
	tokens   map[string]claims
	down     int // status of every answer when not 0
	hold     chan struct{}
	requests []string
}

// newAuthServer starts one; path is that of the issuer.
func newAuthServer(t testing.TB, path string) *authServer {
	s := &authServer{t: t, clock: newClock(), tokens: map[string]claims{}, at: "/.well-known/oauth-authorization-server" + path}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.issuer = s.URL + path
	s.metadata = map[string]any{"issuer": s.issuer, "jwks_uri": s.URL + "/keys", "introspection_endpoint": s.URL + "/introspect", "token_endpoint": s.URL + "/token"}
	s.rotate("rsa")
	return s
}

// rotate publishes these keys, each under its name.
func (s *authServer) rotate(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
	for _, name := range names {
		s.keys = append(s.keys, jose.JSONWebKey{Key: pairs()[name].Public(), KeyID: name, Use: "sig"})
	}
}

// set changes the server while it runs.
func (s *authServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// asked counts the requests for a path since the last call.
func (s *authServer) asked(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.requests[:0]
	for _, r := range s.requests {
		if r == path {
			n++
		} else {
			rest = append(rest, r)
		}
	}
	s.requests = rest
	return n
}

func (s *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.Path)
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != 0 {
		w.Header().Set("Location", s.URL+"/keys")
		w.WriteHeader(s.down)
		return
	}
	switch {
	case r.URL.Path == s.at && s.metadata != nil:
		s.json(w, 200, s.metadata)
	case r.URL.Path == "/keys":
		s.json(w, 200, jose.JSONWebKeySet{Keys: s.keys})
	case r.URL.Path == "/introspect" && r.Method == http.MethodPost:
		s.introspect(w, r)
	case r.URL.Path == "/token" && r.Method == http.MethodPost:
		s.exchange(w, r)
	default:
		http.NotFound(w, r)
	}
}

// client checks the client's Basic authentication, form-encoded as RFC 6749 has it.
func (s *authServer) client(w http.ResponseWriter, r *http.Request) bool {
	id, password, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	password, _ = url.QueryUnescape(password)
	if id != "engine:1" || password != "p%ss word" {
		s.json(w, 401, map[string]any{"error": "invalid_client"})
		return false
	}
	return true
}

func (s *authServer) introspect(w http.ResponseWriter, r *http.Request) {
	if !s.client(w, r) {
		return
	}
	c, ok := s.tokens[r.PostFormValue("token")]
	if exp, dated := c["exp"].(int64); !ok || dated && s.clock.Now().Unix() > exp {
		s.json(w, 200, map[string]any{"active": false})
		return
	}
	s.json(w, 200, c.with("active", true))
}

func (s *authServer) exchange(w http.ResponseWriter, r *http.Request) {
	if !s.client(w, r) {
		return
	}
	_ = r.ParseForm()
	form := r.PostForm
	c, known := s.tokens[form.Get("subject_token")]
	switch {
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" || form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:access_token":
		s.json(w, 400, map[string]any{"error": "unsupported_grant_type"})
	case !known:
		s.json(w, 400, map[string]any{"error": "invalid_grant", "error_description": "unknown token " + form.Get("subject_token")})
	case form.Get("resource") != "https://crm.example" && form.Get("audience") != "crm":
		s.json(w, 400, map[string]any{"error": "invalid_target"})
	default:
		s.json(w, 200, map[string]any{
			"access_token": "upstream-of-" + c["sub"].(string), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
			"token_type": "bearer", "expires_in": 300, "scope": form.Get("scope"),
		})
	}
}

func (s *authServer) json(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

const resource = "https://mcp.example/mcp"

// good are the claims of a token that is let in.
func (s *authServer) good() claims {
	now := s.clock.Now().Unix()
	return claims{"iss": s.issuer, "sub": "ada", "aud": resource, "exp": now + 600, "nbf": now - 10, "scope": "tools:read tools:execute", "client_id": "agent"}
}

// fields are those of a document that trusts the server.
func (s *authServer) fields() fields {
	return fields{"authorizationServerUri": s.issuer, "resource": resource, "scope": "tools:read", "clientId": "engine:1", "clientSecret": "p%ss word"}
}

func (s *authServer) place(f fields, mcp bool) *place {
	return newPlace(s.t, Config{Kind: "oauth2", Value: f.value, MCP: mcp, Clock: s.clock.Now, Client: &http.Client{
		Transport:     s.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
}

// header is the protected header of a token.
type header map[jose.HeaderKey]any

// sign makes a JWT with the named key. "kid" is the name unless h says otherwise.
func sign(t testing.TB, name string, alg jose.SignatureAlgorithm, h header, c claims) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("at+jwt")
	key := jose.JSONWebKey{Key: pairs()[name], KeyID: name}
	for n, v := range h {
		if n == "kid" {
			key.KeyID = v.(string)
			continue
		}
		o = o.WithHeader(n, v)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return signText(t, signer, text)
}

func signText(t testing.TB, signer jose.Signer, text []byte) string {
	t.Helper()
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
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
