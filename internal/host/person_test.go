package host_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// whoami answers with who calls: the issuer, the subject, and why it is nobody.
type whoami struct{}

func (whoami) Invoke(_ context.Context, _ *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	return &engine.Result{Status: 200, Value: value.List(value.Of(args.Principal.Issuer),
		value.Of(args.Principal.Subject), value.Of(args.Nobody))}, nil
}

// mirror serves a REST and an MCP server with an authentication; "" is none.
func mirror(t *testing.T, name, authentication string, env map[string]string,
	change func(*host.Config)) (h *host.Host) {
	t.Helper()
	if authentication != "" {
		authentication = "\n    authentication: " + authentication
	}
	text := `ikanos: 1.0.0-beta5
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "https://api.invalid", resources: {r: {path: /r, operations: {get: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: front` + authentication + `
    resources: [{path: /who, operations: [{method: GET, call: api.get}]}]
  - type: mcp
    namespace: tools` + authentication + `
    tools: {who: {description: Who., call: api.get}}
`
	d := host.Compile(host.Source{File: host.File{Name: name, Text: []byte(text)}}, compile.Options{})
	secrets := host.NewSecrets(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	errands := upstream.NewPlainClient(nil)
	c := host.Config{Documents: []*host.Document{d}, Invoker: whoami{}, Secrets: secrets, Client: errands,
		AutoPorts: true, Version: "test"}
	if change != nil {
		change(&c)
	}
	h, problems, err := host.Open(c)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems, d.Diags)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		errands.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return h
}

// who asks both servers who calls; they must agree. A pair of headers may name
// the Host.
func who(t *testing.T, h *host.Host, header ...string) (issuer, subject, nobody string) {
	t.Helper()
	var rest, tools string
	for _, a := range h.Adapters() {
		body := ""
		if a.Type == "rest" {
			_, _, rest = testkit.Do(t, "GET", a.URL+"/who", "", header...)
			continue
		}
		_, _, body = testkit.Do(t, "POST", a.URL,
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}}`, append(mcpHeader[:4:4], header...)...)
		answer, err := value.Parse([]byte(body))
		if err != nil {
			t.Fatal(body)
		}
		tools = answer.Get("result").Get("content").At(0).Get("text").Text()
	}
	one, err := value.Parse([]byte(rest))
	if err != nil || one.Len() != 3 {
		t.Fatalf("%s", rest)
	}
	other, err := value.Parse([]byte(tools))
	if err != nil || string(other.AppendJSON(nil)) != string(one.AppendJSON(nil)) {
		t.Errorf("REST says %s, MCP %s", rest, tools)
	}
	return one.At(0).Text(), one.At(1).Text(), one.At(2).Text()
}

func TestPerson_byGuard(t *testing.T) {
	as := authserver.New(t, "", time.Now)
	token := func(claims map[string]any) []string {
		all := map[string]any{"iss": as.Issuer, "aud": "https://orders.example", "exp": time.Now().Unix() + 600,
			"sub":       "u-1",
			"client_id": "an-agent"}
		for name, v := range claims {
			if all[name] = v; v == nil {
				delete(all, name)
			}
		}
		return []string{"Authorization", "Bearer " + authserver.Sign(t, "rsa", jose.RS256, nil, all)}
	}
	env := map[string]string{"AS": as.Issuer, "S": "s3cret"}
	const (
		oauth  = `{type: oauth2, authorizationServerUri: "{{AS}}", resource: "https://orders.example"}`
		byUID  = `{type: oauth2, authorizationServerUri: "{{AS}}", resource: "https://orders.example", x-fairlead: {subject: uid}}`
		basic  = `{type: basic, username: ada, password: "{{S}}"}`
		bearer = `{type: bearer, token: "{{S}}"}`
		apikey = `{type: apikey, key: X-Key, value: "{{S}}"}`
	)
	local := func(c *host.Config) { c.LocalSessions = true }
	shared := func(c *host.Config) { c.SharedSessions = true }
	for name, tt := range map[string]struct {
		authentication  string
		change          func(*host.Config)
		header          []string
		issuer, subject string // issuer: what it begins with
		nobody          string // what is said of it, in part
	}{
		"oauth2":                 {oauth, nil, token(nil), as.Issuer, "u-1", ""},
		"oauth2, another person": {oauth, nil, token(map[string]any{"sub": "u-2"}), as.Issuer, "u-2", ""},
		"oauth2, subject is the client": {oauth, nil, token(map[string]any{"sub": "an-agent"}), "", "",
			"stands for a client"},
		"oauth2, subject is azp": {oauth, nil,
			token(map[string]any{"sub": "x", "azp": "x", "client_id": nil}), "", "", "service account"},
		"oauth2, no subject": {oauth, nil, token(map[string]any{"sub": nil}), "", "",
			"stands for a client"},
		"oauth2, as Auth0 says it": {oauth, nil, token(map[string]any{"sub": "abc@clients"}), "", "",
			"stands for a client"},
		"oauth2, as Entra ID says it": {oauth, nil, token(map[string]any{"idtyp": "app"}), "", "",
			"stands for a client"},
		"oauth2, as Keycloak says it": {oauth, nil,
			token(map[string]any{"preferred_username": "service-account-x"}), "", "", "stands for a client"},
		"oauth2, another claim": {byUID, nil, token(map[string]any{"uid": "u-9"}), as.Issuer + "#uid",
			"u-9", ""},
		"oauth2, without that claim":   {byUID, nil, token(nil), "", "", "has no claim “uid”"},
		"oauth2, with a number for it": {byUID, nil, token(map[string]any{"uid": 9}), "", "", "has no claim “uid”"},
		"oauth2, that claim and no person": {byUID, nil, token(map[string]any{"uid": "u-9", "sub": "an-agent"}), "",
			"", "stands for a client"},
		"basic": {basic, nil, []string{"Authorization", "Basic YWRhOnMzY3JldA=="},
			"users:", "ada", ""},
		"bearer": {bearer, nil, []string{"Authorization", "Bearer s3cret"}, "", "",
			"--shared-sessions"},
		"bearer, shared": {bearer, shared, []string{"Authorization", "Bearer s3cret"}, "secret:",
			"everybody", ""},
		"apikey":                       {apikey, nil, []string{"X-Key", "s3cret"}, "", "", "--shared-sessions"},
		"apikey, shared":               {apikey, shared, []string{"X-Key", "s3cret"}, "secret:", "everybody", ""},
		"apikey, local":                {apikey, local, []string{"X-Key", "s3cret"}, "", "", "--shared-sessions"},
		"none, loopback":               {"", nil, nil, "", "", "--local-sessions"},
		"none, loopback, shared":       {"", shared, nil, "", "", "--local-sessions"},
		"none, local":                  {"", local, nil, "local", "user", ""},
		"none, local, through a proxy": {"", local, []string{"X-Forwarded-For", "192.0.2.1"}, "", "", "no proxy"},
		"none, local, a trusted proxy": {"",
			func(c *host.Config) { local(c); c.Front.Proxies, _ = host.ParseProxies([]string{"127.0.0.0/8"}) }, nil,
			"", "", "no proxy"},
		"none, a forged proxy": {"", nil, []string{"X-Forwarded-For", "127.0.0.1"}, "", "",
			"--local-sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			h := mirror(t, "one.yaml", tt.authentication, env, tt.change)
			issuer, subject, nobody := who(t, h, tt.header...)
			if !strings.HasPrefix(issuer, tt.issuer) || subject != tt.subject || (issuer == "") != (tt.issuer == "") {
				t.Errorf("it is %q %q, want %q %q", issuer, subject, tt.issuer, tt.subject)
			}
			if !strings.Contains(nobody, tt.nobody) || (nobody == "") != (tt.nobody == "") {
				t.Errorf("nobody, because %q, want %q", nobody, tt.nobody)
			}
			if strings.Contains(issuer+subject, "s3cret") {
				t.Errorf("the secret names a person: %q", issuer)
			}
		})
	}
}

// TestPerson_isOfADocument: ada of one document is not ada of another, nor of
// other credentials.
func TestPerson_isOfADocument(t *testing.T) {
	env := map[string]string{"S": "s3cret", "T": "s3cret"}
	seen := map[string]string{}
	for _, tt := range [][2]string{{"one.yaml", `{type: basic, username: ada, password: "{{S}}"}`},
		{"two.yaml", `{type: basic, username: ada, password: "{{S}}"}`},
		{"one.yaml", `{type: basic, username: ada, password: "{{T}}"}`}} {
		issuer, subject, _ := who(t, mirror(t, tt[0], tt[1], env, nil), "Authorization", "Basic YWRhOnMzY3JldA==")
		if subject != "ada" || seen[issuer] != "" {
			t.Errorf("%q is %s of %s, and was of %s", subject, issuer, tt, seen[issuer])
		}
		seen[issuer] = tt[0]
	}
}

// digestOf answers the challenge of a server as a browser does (RFC 7616).
func digestOf(t *testing.T, challenge, method, uri, user, password string) string {
	t.Helper()
	field := func(name string) string {
		_, rest, _ := strings.Cut(challenge, name+`="`)
		text, _, _ := strings.Cut(rest, `"`)
		return text
	}
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	realm, nonce := field("realm"), field("nonce")
	if !strings.HasPrefix(challenge, "Digest ") || !strings.Contains(challenge, "SHA-256") || nonce == "" {
		t.Fatalf("the challenge is %q", challenge)
	}
	response := hash(hash(user+":"+realm+":"+password) + ":" + nonce + ":00000001:c0ffee:auth:" + hash(method+":"+uri))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c0ffee", response="%s"`,
		user, realm, nonce, uri, response)
}

// TestPerson_byDigest: the same person to the servers and on their pages.
func TestPerson_byDigest(t *testing.T) {
	const digest = `{type: digest, username: ada, password: s3cret}`
	h := mirror(t, "one.yaml", digest, nil, nil)
	for _, a := range h.Adapters() {
		if a.Type != "rest" {
			continue
		}
		_, header, _ := testkit.Do(t, "GET", a.URL+"/who", "")
		status, _, body := testkit.Do(t, "GET", a.URL+"/who", "", "Authorization",
			digestOf(t, header.Get("Www-Authenticate"), "GET", "/who", "ada", "s3cret"))
		if status != 200 || !strings.HasPrefix(body, `["users:`) || !strings.HasSuffix(body, `","ada",""]`) {
			t.Errorf("%d %s", status, body)
		}
	}
	acc := newAccount(t)
	s := testkit.Serve(t, shop(digest), testkit.Options{Upstream: acc.URL})
	_, header, _ := testkit.Do(t, "POST", s.MCP, "", mcpHeader...)
	_, page, said := ordersOf(t, s, "Authorization",
		digestOf(t, header.Get("Www-Authenticate"), "POST", "/mcp", "ada", "s3cret"))
	if page == "" {
		t.Fatal(said)
	}
	b := newBrowser(t)
	_, _, header = b.get(page)
	_, path, _ := strings.Cut(strings.TrimPrefix(page, "http://"), "/")
	b.header.Set("Authorization", digestOf(t, header.Get("Www-Authenticate"), "GET", "/"+path, "ada", "s3cret"))
	if status, body, _ := b.get(page); status != 200 || !strings.Contains(body, "<strong>ada</strong>") {
		t.Fatalf("%d %s", status, body)
	}
	b.header.Del("Authorization")
	if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}
