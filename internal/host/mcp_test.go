package host_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
	"github.com/fairlead/fairlead/internal/value"
)

// orders is a document whose servers have the authentication {{AUTH}}.
const orders = `ikanos: 1.0.0-beta5
info: {display: Orders}
binds:
  - {namespace: env, keys: {AS: AS, RESOURCE: RESOURCE, SECRET: SECRET, USER: USER, EXCHANGE_SECRET: EXCHANGE_SECRET}}
capability:
  consumes:
    - type: http
      namespace: shop
      baseUri: https://shop.example
      resources: [{name: order, path: "/orders/{id}", operations: [{name: get-order, method: GET}, {name: delete-order, method: DELETE}]}]
    - type: http
      namespace: crm
      baseUri: https://crm.example
      x-fairlead: {tokenExchange: {tokenEndpoint: "{{AS}}/token", clientId: "engine:1", clientSecret: "{{EXCHANGE_SECRET}}", audience: crm, scope: [customers]}}
      resources: [{name: customers, path: /customers, operations: [{name: list-customers, method: GET}]}]
  exposes:
    - type: mcp
      namespace: orders-mcp
      port: 9090
      authentication: AUTH
      tools:
        - {name: get-order, description: Gets an order., call: shop.get-order}
        - {name: delete-order, description: Deletes an order., call: shop.delete-order, x-fairlead: {confirm: true}}
        - {name: list-customers, description: Lists customers., call: crm.list-customers}
    - type: rest
      namespace: orders-rest
      port: 8080
      authentication: AUTH
      resources:
        - {path: "/orders/{id}", operations: [{method: GET, name: get, call: shop.get-order}]}
        - {path: /customers, operations: [{method: GET, name: customers, call: crm.list-customers}]}
        - {path: "/crm/{{path}}", forward: {targetNamespace: crm}}
`

const oauth2 = `{type: oauth2, authorizationServerUri: "{{AS}}", resource: "{{RESOURCE}}", scopes: [orders, customers]}`

// with is the document with an authentication.
func with(authentication string) string {
	return strings.ReplaceAll(orders, "authentication: AUTH", "authentication: "+authentication)
}

// guarded is the document behind an authorization server.
type guarded struct {
	*testkit.Served
	t  *testing.T
	as *authserver.Server
	up *testkit.Upstream
}

func protected(t *testing.T) *guarded {
	g := &guarded{t: t, as: authserver.New(t, "", time.Now), up: testkit.NewUpstream(t, nil)}
	env := map[string]string{"AS": g.as.Issuer, "EXCHANGE_SECRET": authserver.ClientSecret}
	g.Served = testkit.Serve(t, with(oauth2), testkit.Options{Upstream: g.up.URL, Env: env})
	env["RESOURCE"] = g.MCP // read when the first request comes
	return g
}

// token makes a token for subject that the exchange knows; change, if not nil,
// spoils its claims.
func (g *guarded) token(subject string, change func(map[string]any)) string {
	claims := map[string]any{"iss": g.as.Issuer, "sub": subject, "aud": g.MCP, "exp": time.Now().Unix() + 600,
		"scope": "orders customers", "jti": len(g.as.Tokens)}
	if change != nil {
		change(claims)
	}
	token := authserver.Sign(g.t, "rsa", jose.RS256, nil, claims)
	g.as.Set(func() { g.as.Tokens[token] = claims })
	return token
}

var mcpHeader = []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream"}

// call calls a tool with a token and returns status, header and body.
func (g *guarded) call(token, tool, arguments string) (int, http.Header, string) {
	g.t.Helper()
	header := mcpHeader
	if token != "" {
		header = append(header[:4:4], "Authorization", "Bearer "+token)
	}
	return testkit.Do(g.t, "POST", g.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`, header...)
}

func TestOAuth_publishesItsMetadataAtBothPlaces(t *testing.T) { // RFC 9728
	g := protected(t)
	root := strings.TrimSuffix(g.MCP, "/mcp")
	want := `{"resource":"` + g.MCP + `","authorization_servers":["` + g.as.Issuer + `"],"scopes_supported":["orders","customers"],"bearer_methods_supported":["header"]}`
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp",
		"/.well-known/oauth-protected-resource"} {
		status, header, body := testkit.Do(t, "GET", root+path, "")
		if status != 200 || header.Get("Content-Type") != "application/json" || body != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, _ := testkit.Do(t, "GET", g.REST+"/.well-known/oauth-protected-resource", ""); status != 401 {
		t.Errorf("the REST server publishes it, too: %d", status)
	}
}

func TestOAuth_challengesWhoeverHasNoToken(t *testing.T) {
	g := protected(t)
	status, header, body := g.call("", "get-order", `{"id":"1"}`)
	challenge := header.Get("Www-Authenticate")
	_, at, _ := strings.Cut(challenge, `resource_metadata="`)
	at, _, _ = strings.Cut(at, `"`)
	if status != 401 || !strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, `scope="orders customers"`) || !strings.Contains(body, `"jsonrpc":"2.0"`) {
		t.Fatalf("%d %q %s", status, challenge, body)
	}
	if status, _, body := testkit.Do(t, "GET", at, ""); status != 200 || !strings.Contains(body, g.as.Issuer) {
		t.Errorf("the challenge leads to %s: %d %s", at, status, body)
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		status int
		code   string
	}{
		"for another resource": {func(c map[string]any) { c["aud"] = "https://other.example" }, 401, "invalid_token"},
		"of another issuer":    {func(c map[string]any) { c["iss"] = "https://other.example" }, 401, "invalid_token"},
		"that has expired":     {func(c map[string]any) { c["exp"] = time.Now().Unix() - 600 }, 401, "invalid_token"},
		"that never expires":   {func(c map[string]any) { delete(c, "exp") }, 401, "invalid_token"},
		"with too few scopes":  {func(c map[string]any) { c["scope"] = "orders" }, 403, "insufficient_scope"},
	} {
		status, header, _ := g.call(g.token("ada", c.change), "get-order", `{"id":"1"}`)
		challenge := header.Get("Www-Authenticate")
		if status != c.status || !strings.Contains(challenge, `error="`+c.code+`"`) || !strings.Contains(challenge, `scope="orders customers"`) || !strings.Contains(challenge, at) {
			t.Errorf("a token %s: %d %s", name, status, challenge)
		}
	}
	if got := g.up.Requests(); len(got) > 0 {
		t.Errorf("something went upstream: %v", got)
	}
}

// A page of the server's own origin asks for leave without a token, and reads
// where to get one.
func TestOAuth_letsPagesFindTheirWay(t *testing.T) {
	g := protected(t)
	origin := strings.TrimSuffix(g.MCP, "/mcp")
	status, header, _ := testkit.Do(t, "OPTIONS", g.MCP, "", "Origin", origin, "Access-Control-Request-Method",
		"POST", "Access-Control-Request-Headers", "authorization")
	if status != 204 || header.Get("Access-Control-Allow-Origin") != origin ||
		header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", status, header)
	}
	status, header, _ = testkit.Do(t, "POST", g.MCP, "{}", append(mcpHeader[:4:4], "Origin", origin)...)
	if status != 401 || header.Get("Access-Control-Allow-Origin") != origin ||
		!strings.Contains(header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
		t.Errorf("challenge: %d %v", status, header)
	}
	if status, header, _ := testkit.Do(t, "POST", g.MCP, "{}",
		append(mcpHeader[:4:4], "Origin", "https://evil.example")...); status != 403 ||
		header.Get("Www-Authenticate") != "" {
		t.Errorf("another page: %d %v", status, header)
	}
}

func TestOAuth_keepsTheCallersTokenHere(t *testing.T) { // semantics 4.7
	g := protected(t)
	token := g.token("ada", func(c map[string]any) { c["scope"] = []string{"orders", "customers", "more"} })
	status, _, body := g.call(token, "get-order", `{"id":"1"}`)
	if status != 200 || !strings.Contains(body, `"structuredContent":{"ok":true}`) {
		t.Errorf("legacy: %d %s", status, body)
	}
	status, _, body = testkit.Do(t, "POST", g.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get-order","arguments":{"id":"2"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		append(mcpHeader[:4:4], "Authorization", "Bearer "+token, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method",
			"tools/call", "Mcp-Name", "get-order")...)
	if status != 200 || !strings.Contains(body, `"resultType":"complete"`) {
		t.Errorf("modern: %d %s", status, body)
	}
	if status, _, body := testkit.Do(t, "GET", g.REST+"/orders/3", "", "Authorization",
		"Bearer "+token); status != 200 {
		t.Errorf("REST: %d %s", status, body)
	}
	got := g.up.Requests()
	if len(got) != 3 {
		t.Fatalf("%d requests went upstream", len(got))
	}
	for _, r := range got {
		if strings.Contains(r.Text(), token) || r.Header.Get("Authorization") != "" {
			t.Errorf("sent\n%s", r.Text())
		}
	}
}

func TestTokenExchange_sendsTheAPIsOwnToken(t *testing.T) { // RFC 8693
	g := protected(t)
	ada, bob := g.token("ada", nil), g.token("bob", nil)
	customers := func(token string) (authorization string) {
		t.Helper()
		if status, _, body := g.call(token, "list-customers", "{}"); status != 200 ||
			strings.Contains(body, "isError") {
			t.Errorf("%d %s", status, body)
		}
		got := g.up.Requests()
		if len(got) != 1 || strings.Contains(got[0].Text(), token) {
			t.Fatalf("sent %v", got)
		}
		return got[0].Header.Get("Authorization")
	}
	for _, c := range []struct{ token, want string }{{ada, "Bearer upstream-of-ada"}, {ada, "Bearer upstream-of-ada"},
		{bob, "Bearer upstream-of-bob"}} {
		if got := customers(c.token); got != c.want {
			t.Errorf("sent %s, want %s", got, c.want)
		}
	}
	if n := g.as.Asked("/token"); n != 2 {
		t.Errorf("%d exchanges for two callers", n)
	}
	if status, _, body := testkit.Do(t, "GET", g.REST+"/customers", "", "Authorization",
		"Bearer "+ada); status != 200 || g.up.Requests()[0].Header.Get("Authorization") != "Bearer upstream-of-ada" {
		t.Errorf("REST: %d %s", status, body)
	}
	if status, _, body := testkit.Do(t, "DELETE", g.REST+"/crm/customers/7", "", "Authorization",
		"Bearer "+bob); status != 200 {
		t.Errorf("forward: %d %s", status, body)
	}
	if got := g.up.Requests(); len(got) != 1 || got[0].URI != "/customers/7" ||
		got[0].Header.Get("Authorization") != "Bearer upstream-of-bob" {
		t.Errorf("forward sent %v", got)
	}
	g.as.Set(func() { clear(g.as.Tokens) })
	carol := g.token("carol", nil)
	g.as.Set(func() { clear(g.as.Tokens) })
	if _, _, body := g.call(carol, "list-customers", "{}"); !strings.Contains(body, `"isError":true`) || !strings.Contains(body, "invalid_grant") || strings.Contains(body, carol) || len(g.up.Requests()) > 0 {
		t.Errorf("a refused exchange: %s", body)
	}
}

func TestConfirmation_isGoodForWhoeverGotIt(t *testing.T) {
	g := protected(t)
	ticket := func(token string) string {
		_, _, body := g.call(token, "delete-order", `{"id":"1"}`)
		v, err := value.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(v.Path("result", "content").At(0).Get("text").Text(), "`confirm_token`: \"")
		ticket, _, ok := strings.Cut(rest, `"`)
		if !ok {
			t.Fatal(body)
		}
		return ticket
	}
	ada := ticket(g.token("ada", nil))
	for _, c := range []struct {
		subject string
		deletes int
	}{{"bob", 0}, {"ada", 1}} { // with a token other than the one that asked
		g.call(g.token(c.subject, nil), "delete-order", `{"id":"1","confirm_token":"`+ada+`"}`)
		if got := g.up.Requests(); len(got) != c.deletes {
			t.Errorf("%s deleted %d times with the confirmation of ada", c.subject, len(got))
		}
	}
}

// knocks are what callers send, with the name of the authentication they fit.
var knocks = []struct {
	kind   string
	header []string
}{
	{"", nil},
	{"bearer", []string{"Authorization", "Bearer s3cret"}},
	{"basic", []string{"Authorization", "Basic YWRhOnMzY3JldA=="}}, // ada:s3cret
	{"apikey", []string{"X-Api-Key", "s3cret"}},
	{"", []string{"Authorization", "Bearer s3cre"}},
	{"", []string{"X-Api-Key", ""}},
}

const (
	bearer = `{type: bearer, token: "{{SECRET}}"}`
	basic  = `{type: basic, username: "{{USER}}", password: "{{SECRET}}"}`
	apiKey = `{type: apikey, key: X-Api-Key, value: "{{SECRET}}", placement: header}`
)

// Tokens that say nothing of their owner are strangers to each other.
func TestConfirmation_isGoodForOneTokenWithoutSubject(t *testing.T) {
	g := protected(t)
	nobody := func(n int) string {
		return g.token("", func(c map[string]any) { delete(c, "sub"); c["jti"] = n })
	}
	first, second := nobody(101), nobody(102)
	_, _, body := g.call(first, "delete-order", `{"id":"1"}`)
	_, rest, _ := strings.Cut(body, "`confirm_token`: \\\"")
	ticket, _, ok := strings.Cut(rest, `\`)
	if !ok {
		t.Fatal(body)
	}
	for _, c := range []struct {
		token   string
		deletes int
	}{{second, 0}, {first, 1}, {first, 0}} {
		g.call(c.token, "delete-order", `{"id":"1","confirm_token":"`+ticket+`"}`)
		if got := g.up.Requests(); len(got) != c.deletes {
			t.Errorf("deleted %d times, want %d", len(got), c.deletes)
		}
	}
}

// lets knocks at both servers and reports what does not fit the authentication.
func lets(t *testing.T, s *testkit.Served, up *testkit.Upstream, kind string) {
	t.Helper()
	for _, k := range knocks {
		want := http.StatusUnauthorized
		if k.kind == kind || kind == "none" {
			want = http.StatusOK
		}
		status, header, _ := testkit.Do(t, "GET", s.REST+"/orders/1", "", k.header...)
		if status != want || status == 401 && header.Get("Www-Authenticate") == "" && kind != "apikey" {
			t.Errorf("%s, REST, %v: %d %v", kind, k.header, status, header)
		}
		status, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get-order","arguments":{"id":"1"}}}`, append(mcpHeader[:4:4], k.header...)...)
		if status != want || !json.Valid([]byte(body)) {
			t.Errorf("%s, MCP, %v: %d %s", kind, k.header, status, body)
		}
		for _, r := range up.Requests() {
			if kind != "none" && strings.Contains(r.Text(), "s3cret") {
				t.Errorf("%s: sent\n%s", kind, r.Text())
			}
		}
	}
}

func TestServers_areGuarded(t *testing.T) {
	for kind, authentication := range map[string]string{"bearer": bearer, "basic": basic, "apikey": apiKey} {
		up := testkit.NewUpstream(t, nil)
		s := testkit.Serve(t, with(authentication),
			testkit.Options{Upstream: up.URL, Env: map[string]string{"SECRET": "s3cret", "USER": "ada"}})
		lets(t, s, up, kind)
	}
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, with(bearer), testkit.Options{Upstream: up.URL}) // without the secret
	lets(t, s, up, "nobody")
}

func TestUpdate_swapsTheGuards(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, with(bearer),
		testkit.Options{Upstream: up.URL, Env: map[string]string{"SECRET": "s3cret", "USER": "ada"}})
	lets(t, s, up, "bearer")
	api, err := url.Parse(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []struct{ kind, text string }{
		{"apikey", with(apiKey)}, {"none", strings.ReplaceAll(orders, "authentication: AUTH", "")},
		{"basic", with(basic)}, {"unusable", with("{type: saml}")}, {"bearer", with(bearer)},
	} {
		d := host.Compile(host.Source{File: host.File{Name: s.Document.Name, Text: []byte(next.text)}},
			compile.Options{Upstream: map[string]*url.URL{"": api}})
		problems := s.Host.Update([]*host.Document{d}).Problems
		if next.kind == "unusable" { // it withholds the servers; those of before stay
			if lets(t, s, up, "basic"); len(problems) != 2 {
				t.Errorf("problems %v", problems)
			}
			continue
		}
		if len(problems) > 0 {
			t.Errorf("%s: %v", next.kind, problems)
		}
		lets(t, s, up, next.kind)
	}
}
