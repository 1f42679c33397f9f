package guard

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
)

func TestOAuth_challenges(t *testing.T) {
	s := newAuthServer(t, "")
	both := s.fields().with("scope", `["tools:read", "tools:admin"]`)
	at := `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`
	few := sign(t, "rsa", jose.RS256, nil, s.good())
	for name, c := range map[string]struct {
		mcp    bool
		lines  []string
		status int
		want   string
	}{
		"no token":          {true, nil, 401, `Bearer ` + at + `, scope="tools:read tools:admin"`},
		"no token, REST":    {false, nil, 401, `Bearer realm="fairlead", scope="tools:read tools:admin"`},
		"another scheme":    {true, []string{"Basic YTpi"}, 401, `Bearer ` + at + `, scope="tools:read tools:admin"`},
		"bad token":         {true, []string{"Bearer abc"}, 401, `Bearer ` + at + `, scope="tools:read tools:admin", error="invalid_token", error_description="` + string(faultForm) + `"`},
		"too few scopes":    {true, []string{"Bearer " + few}, 403, `Bearer ` + at + `, scope="tools:read tools:admin", error="insufficient_scope", error_description="The access token lacks a scope; needed are: tools:read tools:admin."`},
		"two headers":       {true, []string{"Bearer " + few, "Bearer " + few}, 400, `Bearer ` + at + `, scope="tools:read tools:admin", error="invalid_request", error_description="The request has several Authorization headers; send one."`},
		"two in one header": {false, []string{"Bearer a, Bearer b"}, 400, `Bearer realm="fairlead", scope="tools:read tools:admin", error="invalid_request", error_description="The Authorization header does not hold one bearer token."`},
		"an empty token":    {false, []string{"Bearer "}, 400, `Bearer realm="fairlead", scope="tools:read tools:admin", error="invalid_request", error_description="The Authorization header does not hold one bearer token."`},
	} {
		var h []string
		for _, line := range c.lines {
			h = append(h, "Authorization", line)
		}
		w := s.place(both, c.mcp).get("/", h...)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != c.status || got != c.want {
			t.Errorf("%s: %d\n got %s\nwant %s", name, w.Code, got, c.want)
		}
	}
}

func TestOAuth_takesATokenFromTheHeaderOnly(t *testing.T) {
	s := newAuthServer(t, "")
	token := sign(t, "rsa", jose.RS256, nil, s.good())
	p := s.place(s.fields(), true)
	if w := p.get("/?access_token=" + token); w.Code != 401 || parameter(t, w, "error") != "" {
		t.Errorf("in the URL: %d", w.Code)
	}
	if w := p.get("/?access_token="+token, "Authorization", "Bearer "+token); w.Code != 400 ||
		parameter(t, w, "error") != "invalid_request" {
		t.Errorf("in both: %d", w.Code)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("access_token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("in the body: %d", w.Code)
	}
}

func TestOAuth_needsNoScopeWhenNoneIsNamed(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields().with("scope", ""), false)
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good().with("scope", nil))); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOAuth_findsTheMetadata(t *testing.T) {
	for name, c := range map[string]struct{ path, at string }{
		"RFC 8414":                    {"", "/.well-known/oauth-authorization-server"},
		"OpenID Connect":              {"", "/.well-known/openid-configuration"},
		"RFC 8414, path":              {"/realms/x", "/.well-known/oauth-authorization-server/realms/x"},
		"OpenID Connect, path":        {"/realms/x", "/realms/x/.well-known/openid-configuration"},
		"OpenID Connect, path behind": {"/realms/x", "/.well-known/openid-configuration/realms/x"},
		"RFC 8414, path before":       {"/realms/x", "/realms/x/.well-known/oauth-authorization-server"},
	} {
		s := newAuthServer(t, c.path)
		s.At = c.at
		for _, slash := range []string{"", "/"} {
			f := s.fields()
			if w := s.place(f.with("authorizationServerUri", f["authorizationServerUri"]+slash),
				false).token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 200 {
				t.Errorf("%s %q: %d %s", name, slash, w.Code, w.Body)
			}
		}
	}
}

func TestOAuth_ownFailuresAre503(t *testing.T) {
	for name, c := range map[string]struct {
		breakIt func(*authServer)
		log     string
	}{
		"no metadata": {func(s *authServer) { s.Metadata = nil }, "status 404"},
		"metadata of another": {func(s *authServer) { s.Metadata["issuer"] = "https://evil.example" },
			"of another issuer"},
		"metadata of nobody": {func(s *authServer) { delete(s.Metadata, "issuer") }, "of another issuer"},
		"no jwks_uri":        {func(s *authServer) { delete(s.Metadata, "jwks_uri") }, "no jwks_uri"},
		"a jwks_uri of no web": {func(s *authServer) { s.Metadata["jwks_uri"] = "file:///etc/passwd" },
			"not an absolute http or https URL"},
		"a jwks_uri that is not": {func(s *authServer) { s.Metadata["jwks_uri"] = s.URL + "/nothing" }, "status 404"},
		"no keys":                {func(s *authServer) { s.Keys = nil }, "no key for signatures"},
		"redirects":              {func(s *authServer) { s.Down = 302 }, "status 302"},
		"errors":                 {func(s *authServer) { s.Down = 500 }, "status 500"},
		"no server": {func(s *authServer) { go s.CloseClientConnections(); s.Listener.Close() },
			"connect"},
		"an answer too large": {func(s *authServer) { s.Metadata["x"] = strings.Repeat("x", oauth.MaxAnswer) },
			"larger than"},
	} {
		s := newAuthServer(t, "")
		s.Set(func() { c.breakIt(s) })
		p := s.place(s.fields(), true)
		w := p.token(sign(t, "rsa", jose.RS256, nil, s.good()))
		if w.Code != 503 || w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Retry-After") != "5" ||
			!strings.Contains(w.Body.String(), "-31503") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if !strings.Contains(p.logged(), c.log) {
			t.Errorf("%s: logged %s", name, p.logged())
		}
		if w := p.get("/"); w.Code != 401 {
			t.Errorf("%s: without a token %d", name, w.Code)
		}
	}
}

func TestOAuth_leavesAFailingServerAloneForAWhile(t *testing.T) {
	s := newAuthServer(t, "")
	s.Set(func() { s.Down = 500 })
	p, token := s.place(s.fields(), false), sign(t, "rsa", jose.RS256, nil, s.good())
	for range 10 {
		if w := p.token(token); w.Code != 503 {
			t.Error(w.Code)
		}
	}
	if n := s.Asked(s.At); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.Set(func() { s.Down = 0 })
	s.clock.pass(retryPause)
	if w := p.token(token); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

func TestOAuth_settingsThatDoNotWorkAre503(t *testing.T) {
	s := newAuthServer(t, "")
	for field, texts := range map[string][]string{
		"authorizationServerUri": {"", unset, "{{ISSUER}}", "ftp://a", "https://a#b", "https://u@a", "https://a?b",
			"/a"},
		"resource":              {"", unset, "mcp", "https://a#b", "api://x"},
		"tokenValidation":       {"opaque", unset},
		"introspectionEndpoint": {"/introspect", unset},
		"audience":              {unset},
		"scope":                 {unset, `a "b"`, `["a b"]`, `["a"`, `[7, ""]`, "é"},
	} {
		for _, text := range texts {
			p := s.place(s.fields().with(field, text), true)
			for range 2 {
				if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 503 {
					t.Errorf("%s %q: %d", field, text, w.Code)
				}
			}
			if n := strings.Count(p.logged(), "level=ERROR"); n != 1 || !strings.Contains(p.logged(), field) {
				t.Errorf("%s %q: logged %s", field, text, p.logged())
			}
		}
	}
}

func TestOAuth_appliesNewSettings(t *testing.T) {
	s := newAuthServer(t, "")
	var audience atomic.Value
	audience.Store("")
	f := s.fields()
	g, err := New(Config{Kind: "oauth2", Client: s.Client(), Clock: s.clock.Now,
		Value: func(ctx context.Context, field string) (secret.String, error) {
			return f.with("audience", audience.Load().(string)).value(ctx, field)
		}})
	if err != nil {
		t.Fatal(err)
	}
	get := func() *verifier {
		t.Helper()
		v, err := g.oauth.verifier.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := get()
	s.clock.pass(settingsFresh)
	if renewed, err := g.oauth.verifier.Newer(t.Context(), 0); err != nil || renewed != first {
		t.Errorf("another verifier for the same settings, %v", err)
	}
	audience.Store("api://other")
	if get() != first {
		t.Error("settings are read for each request")
	}
	s.clock.pass(settingsFresh)
	for get() == first {
		time.Sleep(time.Millisecond) // it is read in the background
	}
	if got := get().audience; got != "api://other" {
		t.Error(got)
	}
}

func TestOAuth_followsARotation(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 200 {
		t.Fatal(w.Code)
	}
	s.Asked("/keys")
	s.Rotate("rsa", "p256")
	var group sync.WaitGroup
	hold := make(chan struct{})
	s.Set(func() { s.Hold = hold })
	for i := range 8 {
		group.Go(func() {
			if w := p.token(sign(t, "p256", jose.ES256, nil, s.good().with("jti", i))); w.Code != 200 {
				t.Errorf("new key: %d %s", w.Code, w.Body)
			}
		})
	}
	for range 200 {
		if s.askedSoFar("/keys") > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // lets the others join; a late one finds the new keys
	s.Set(func() { s.Hold = nil })
	close(hold)
	group.Wait()
	if n := s.Asked("/keys"); n != 1 {
		t.Errorf("fetched the keys %d times", n)
	}
	unknown := sign(t, "p384", jose.ES384, nil, s.good())
	for range 20 {
		if w := p.token(unknown); w.Code != 401 {
			t.Error(w.Code)
		}
	}
	if n := s.Asked("/keys"); n != 0 {
		t.Errorf("fetched the keys %d times within the pause", n)
	}
	s.Rotate("p384")
	s.clock.pass(oauth.RenewPause)
	if w := p.token(unknown); w.Code != 200 {
		t.Errorf("after the pause: %d %s", w.Code, w.Body)
	}
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 401 {
		t.Errorf("a key that is gone, token seen before: %d", w.Code)
	}
	s.Set(func() { s.Down = 500 })
	s.clock.pass(oauth.RenewPause)
	if w := p.token(sign(t, "p521", jose.ES512, nil, s.good())); w.Code != 503 {
		t.Errorf("unknown key while the server fails: %d", w.Code)
	}
	s.Set(func() { s.Down = 0 })
	if w := p.token(sign(t, "p521", jose.ES512, nil, s.good())); w.Code != 401 {
		t.Errorf("unknown key, the server works again: %d", w.Code)
	}
}

func TestOAuth_looksForNewKeysAfterAnIdleHour(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 200 {
		t.Fatal(w.Code)
	}
	s.Rotate("p256") // and the old key is revoked
	s.clock.pass(keysUsable - time.Second)
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 401 {
		t.Errorf("a key that is gone: %d", w.Code)
	}
}

func (s *authServer) askedSoFar(path string) (n int) {
	s.Set(func() {
		for _, r := range s.Requests {
			if r == path {
				n++
			}
		}
	})
	return n
}

func TestOAuth_keepsServingOnOldKeysForAnHour(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	token := func() string { return sign(t, "rsa", jose.RS256, nil, s.good()) }
	if w := p.token(token()); w.Code != 200 {
		t.Fatal(w.Code)
	}
	s.Set(func() { s.Down = 500 })
	for range 3 {
		s.clock.pass(keysUsable/4 - time.Second)
		if w := p.token(token()); w.Code != 200 {
			t.Errorf("old keys: %d", w.Code)
		}
	}
	s.clock.pass(keysUsable / 2)
	if w := p.token(token()); w.Code != 503 {
		t.Errorf("keys too old: %d", w.Code)
	}
}

func TestOAuth_remembersATokenUntilItEnds(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	token := sign(t, "rsa", jose.RS256, nil, s.good().with("exp", s.clock.Now().Unix()+60))
	for range 3 {
		if w := p.token(token); w.Code != 200 {
			t.Error(w.Code)
		}
	}
	first, _ := From(p.seen.Context())
	p.token(token)
	if again, _ := From(p.seen.Context()); again != first {
		t.Error("verified again")
	}
	s.clock.pass(60*time.Second + oauth.Leeway)
	if w := p.token(token); w.Code != 200 {
		t.Errorf("within the oauth.Leeway: %d", w.Code)
	}
	s.clock.pass(time.Second)
	if w := p.token(token); w.Code != 401 {
		t.Errorf("expired: %d", w.Code)
	}
}

func TestTokens_stayBounded(t *testing.T) {
	var c tokens
	now, id := time.Now(), &Identity{}
	sum := func(i int) (s [32]byte) { s[0], s[1], s[2] = byte(i), byte(i>>8), byte(i>>16); return s }
	for i := range 3 * maxTokens {
		c.put(sum(i), remembered{id, nil, now})
		if c.get(sum(0), nil, now) == nil {
			t.Fatalf("the one in use is forgotten after %d", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxTokens {
		t.Errorf("%d are kept", n)
	}
	if c.get(sum(1), nil, now) != nil {
		t.Error("an old one is kept")
	}
	if c.get(sum(0), &oauth.KeySet{}, now) != nil || c.get(sum(0), nil, now.Add(1)) != nil {
		t.Error("one that is over is served")
	}
}

func TestOAuth_outlivesTheCallerWhoAskedFirst(t *testing.T) {
	s := newAuthServer(t, "")
	hold := make(chan struct{})
	s.Set(func() { s.Hold = hold })
	p := s.place(s.fields(), false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+sign(t, "rsa", jose.RS256, nil, s.good()))
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if w.Code != 503 {
		t.Errorf("gone caller: %d", w.Code)
	}
	s.Set(func() { s.Hold = nil })
	close(hold)
	if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good())); w.Code != 200 {
		t.Errorf("next caller: %d", w.Code)
	}
}

func TestOAuth_warnsOfAServerWithoutTLSAndInsistsOnItOtherwise(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	p.token("x")
	if !strings.Contains(p.logged(), "without TLS") {
		t.Error(p.logged())
	}
	g, err := New(Config{Kind: "oauth2",
		Value: fields{"authorizationServerUri": "https://as.example", "resource": "r"}.value,
		Client: doer(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.WriteString(`{"issuer":"https://as.example","jwks_uri":"http://as.example/keys"}`)
			return w.Result(), nil
		})})
	if err != nil {
		t.Fatal(err)
	}
	v, err := g.oauth.verifier.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.server.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Error(err)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestOAuth_logsNoToken(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields(), false)
	token := sign(t, "rsa", jose.RS256, nil, s.good())
	p.token(token)
	p.token(token + "x")
	s.Set(func() { s.Down = 500 })
	p = s.place(s.fields().with("tokenValidation", "introspection"), false)
	p.token(token)
	if strings.Contains(p.logged(), token[:20]) || strings.Contains(p.logged(), "p%ss") {
		t.Error(p.logged())
	}
}
