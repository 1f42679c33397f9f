package host_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
)

// vendor is an API whose people agree at an authorization server, and a document that
// consumes it.
type vendor struct {
	*testing.T
	as     *authserver.Server // of the API
	own    *authserver.Server // of the MCP server; nil where that lets in whoever is local
	api    *testkit.Upstream
	served *testkit.Served
	with   *host.Sessions
	env    map[string]string
	text   string
	base   string // of the pages
	log    strings.Builder
}

// How the tests' servers let callers in.
const (
	local      = ""
	logIn      = `{type: oauth2, authorizationServerUri: "{{OWN}}", resource: "https://mcp.example/mcp", x-fairlead: {signIn: {clientId: pages, clientSecret: "{{PAGES_SECRET}}"}}}`
	logInByUID = `{type: oauth2, authorizationServerUri: "{{OWN}}", resource: "https://mcp.example/mcp", x-fairlead: {subject: uid, signIn: {clientId: pages, clientSecret: "{{PAGES_SECRET}}"}}}`
)

func newVendor(t *testing.T, authentication string, changes ...func(*vendor)) *vendor {
	t.Helper()
	v := &vendor{T: t, as: authserver.New(t, "", time.Now)}
	v.api = testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		person, ok := v.as.Person(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"orders_of":%q}`, person)
	})
	env := map[string]string{"AS": v.as.Issuer, "CRM_SECRET": "crm-s3cret", "PAGES_SECRET": "pages-s3cret"}
	if authentication != local {
		v.own = authserver.New(t, "/own", time.Now)
		env["OWN"] = v.own.Issuer
		authentication = "\n    authentication: " + authentication
	}
	for _, c := range changes {
		c(v)
	}
	v.env, v.text = env, `ikanos: 1.0.0-beta5
info: {display: The Shop}
binds: [{namespace: env, keys: {AS: AS, CRM_SECRET: CRM_SECRET, OWN: OWN, PAGES_SECRET: PAGES_SECRET}}]
capability:
  consumes:
  - type: http
    namespace: crm
    baseUri: https://crm.example
    x-fairlead: {oauth: {issuer: "{{AS}}", clientId: crm, clientSecret: "{{CRM_SECRET}}", scopes: [orders.read, profile], margin: 7m, parameters: {prompt: consent}}}
    resources:
      orders: {path: /orders, operations: {list-orders: {method: GET}}}
  exposes:
  - type: mcp
    namespace: tools`+authentication+`
    tools: {list-orders: {description: Lists the orders., call: crm.list-orders}}
`
	v.served = testkit.Serve(t, v.text,
		testkit.Options{Upstream: v.api.URL, Env: env, Log: &v.log, Config: func(c *host.Config) {
			c.LocalSessions, v.with = authentication == local, c.Sessions
		}})
	v.base = strings.TrimSuffix(v.served.MCP, "/mcp")
	for _, r := range v.served.Host.Redirects(t.Context()) { // as operators do
		switch r.Server {
		case strings.TrimPrefix(v.as.URL, "http://"):
			v.as.Registered("crm", "crm-s3cret", r.URL)
		case v.own.Issuer:
			v.own.Registered("agent", "agent-s3cret", "https://agent.example/callback")
			v.own.Registered("pages", "pages-s3cret", r.URL)
		}
	}
	t.Cleanup(func() {
		secrets := append([]string{"crm-s3cret", "pages-s3cret"}, v.as.Given...)
		if v.own != nil {
			secrets = append(secrets, v.own.Given...)
		}
		for _, secret := range secrets {
			if strings.Contains(v.log.String(), secret) {
				t.Errorf("the log holds %s", secret)
			}
		}
	})
	return v
}

// caller is what an assistant of a person sends.
func (v *vendor) caller(person string) []string {
	if v.own == nil {
		return nil
	}
	return []string{"Authorization", "Bearer " + v.own.Issue("agent", person, "https://mcp.example/mcp", "tools")}
}

// page is where a person is sent to whose assistant calls.
func (v *vendor) page(person string) string {
	v.Helper()
	of, page, said := ordersOf(v.T, v.served, v.caller(person)...)
	if of != "" || page == "" {
		v.Fatalf("orders of %q: %s", of, said)
	}
	return page
}

func (v *vendor) ordersOf(person string) string {
	v.Helper()
	of, _, _ := ordersOf(v.T, v.served, v.caller(person)...)
	return of
}

// person is the browser of somebody who is signed in at both authorization servers.
func (v *vendor) person(name string) *browser {
	b := newBrowser(v.T)
	at, _ := url.Parse(v.as.URL)
	b.client.Jar.SetCookies(at, []*http.Cookie{authserver.SignedIn(name)})
	return b
}

// forget lets the cookie of a browser end by which its person is known.
func (b *browser) forget(base string) {
	at, _ := url.Parse(base)
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "fairlead-person", Path: "/", MaxAge: -1}})
}

// stopBefore makes a browser stop at the last address before those that begin so.
func (b *browser) stopBefore(prefix string) {
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), prefix) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// sentTo posts to a page and returns where the browser is sent.
func (b *browser) sentTo(page, prefix string) string {
	b.Helper()
	b.stopBefore(prefix)
	defer func() { b.client.CheckRedirect = nil }()
	r, _ := http.NewRequest("POST", page, nil)
	status, body, header := b.send(r)
	if status != http.StatusSeeOther || !strings.HasPrefix(header.Get("Location"), prefix) {
		b.Fatalf("%d, sent to %s: %s", status, header.Get("Location"), body)
	}
	return header.Get("Location")
}

// through gets an address and returns the one that begins so to which that leads.
func (b *browser) through(address, prefix string) string {
	b.Helper()
	b.stopBefore(prefix)
	defer func() { b.client.CheckRedirect = nil }()
	status, body, header := b.get(address)
	if status != http.StatusSeeOther || !strings.HasPrefix(header.Get("Location"), prefix) {
		b.Fatalf("%d, sent to %s: %s", status, header.Get("Location"), body)
	}
	return header.Get("Location")
}

// agree takes somebody through all pages.
func (v *vendor) agree(b *browser, page string) {
	v.Helper()
	if status, body, _ := b.get(page); status != 200 || !strings.Contains(body, "Continue at") {
		v.Fatalf("%d %s", status, body)
	}
	if status, body := b.post(page); status != 200 || !strings.Contains(body, "You are signed in") {
		v.Fatalf("%d %s", status, body)
	}
}

func TestOAuth_peopleAgreeAndCallersActForThem(t *testing.T) {
	for name, authentication := range map[string]string{"local": local, "logged in": logIn} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t, authentication)
			page, alice := v.page("alice"), v.person("alice")
			status, body, header := alice.get(page)
			for _, want := range []string{"The Shop", strings.TrimPrefix(v.as.URL, "http://"),
				"<code>orders.read</code>", "<code>profile</code>",
				"<code>list-orders</code>"} {
				if status != 200 || !strings.Contains(body, want) {
					t.Errorf("%d, the page lacks %q:\n%s", status, want, body)
				}
			}
			if strings.Contains(body, "<input") ||
				!strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'") {
				t.Errorf("%s\n%s", header.Get("Content-Security-Policy"), body)
			}
			if v.as.Asked("/authorize") != 0 {
				t.Error("somebody was sent away before they clicked")
			}
			to, _ := url.Parse(alice.sentTo(page, v.as.URL+"/authorize?"))
			if q := to.Query(); q.Get("prompt") != "consent" || q.Get("scope") != "orders.read profile" ||
				q.Get("code_challenge_method") != "S256" ||
				q.Get("redirect_uri") != v.base+"/connect/callback/"+oauth.Label(v.as.Issuer, "", "") {
				t.Errorf("asked with %v", q)
			}
			v.agree(alice, page)
			if of := v.ordersOf("alice"); of != "alice" {
				t.Errorf("orders of %q", of)
			}
			status, body, _ = alice.get(page)
			if status != 404 {
				t.Errorf("the page opens again: %d %s", status, body)
			}
			// the list shows it, and ends it at the vendor, too
			if status, body, _ := alice.get(v.base + "/connect"); status != 200 ||
				!strings.Contains(body, "Signed in until") || !strings.Contains(body, "orders.read") {
				t.Errorf("%d %s", status, body)
			}
			if status, _ := alice.post(v.base+"/connect/end", "document", "test.yaml", "api", "crm"); status != 200 ||
				v.as.Asked("/revoke") != 1 {
				t.Errorf("the end: %d", status)
			}
			v.page("alice")
		})
	}
}

// Each person has a session of their own, and nobody opens another's page
// (credentials.md §9, 7 and 8).
func TestOAuth_peopleDoNotMeet(t *testing.T) {
	v := newVendor(t, logIn)
	page, alice, bob := v.page("alice"), v.person("alice"), v.person("bob")
	if status, body, _ := bob.get(page); status != 404 || strings.Contains(body, "The Shop") ||
		!strings.Contains(body, "somebody else") {
		t.Errorf("Bob sees %d %s", status, body)
	}
	if status, _ := bob.post(page); status != 404 {
		t.Errorf("Bob posts: %d", status)
	}
	// without being signed in anywhere, a browser is asked for that, and shown nothing
	nobody := newBrowser(t)
	nobody.stopBefore(v.own.URL)
	if status, body, header := nobody.get(page); status != 303 ||
		!strings.HasPrefix(header.Get("Location"), v.own.URL+"/authorize?") || strings.Contains(body, "Shop") {
		t.Errorf("nobody sees %d %s", status, body)
	}
	if status, body := nobody.post(page); status != 403 {
		t.Errorf("nobody posts: %d %s", status, body)
	}
	v.agree(alice, page) // which is still good for her
	v.agree(bob, v.page("bob"))
	if a, b := v.ordersOf("alice"), v.ordersOf("bob"); a != "alice" || b != "bob" {
		t.Errorf("orders of %q and %q", a, b)
	}
}

// The vendor's page of Alice, opened by Bob, connects nobody; nor does an answer in
// another browser, without a cookie, or twice (13).
func TestOAuth_onlyWhoLeftComesBack(t *testing.T) {
	v := newVendor(t, logIn)
	page, alice, bob := v.page("alice"), v.person("alice"), v.person("bob")
	alice.get(page)
	away := alice.sentTo(page, v.as.URL)
	back := func(b *browser) string { return b.through(away, v.base) } // what the vendor answers to that browser
	refused := func(what string, b *browser, at string) {
		t.Helper()
		status, body, _ := b.get(at)
		if status != 400 || !strings.Contains(body, "not begun in this browser") {
			t.Errorf("%s: %d %s", what, status, body)
		}
		if v.as.Asked("/token") != 0 {
			t.Errorf("%s: the code was exchanged", what)
		}
	}
	refused("Bob opens Alice's address", bob, back(bob))
	bob.get(v.page("bob")) // Bob is logged in at the pages, too
	refused("Bob, logged in", bob, back(bob))
	refused("Alice in another browser", v.person("alice"), back(alice))
	// Alice gets the answer that was made for Bob
	answer, _ := url.Parse(back(alice))
	query := answer.Query()
	change := func(name, text string) string {
		q := answer.Query()
		q.Set(name, text)
		return v.base + answer.Path + "?" + q.Encode()
	}
	refused("another state", alice, change("state", strings.Repeat("A", 26)))
	refused("no state", alice, change("state", ""))
	refused("a state that is a header", alice, change("state", "A\r\nSet-Cookie: x=y"))
	refused("another server's address", alice, v.base+"/connect/callback/0000000000?"+query.Encode())
	refused("another page's address", alice,
		v.base+connect.SignedInPath+oauth.Label(v.own.Issuer, "", "")+"?"+query.Encode())
	if status, body, _ := alice.get(answer.String()); status != 200 {
		t.Fatalf("Alice comes back: %d %s", status, body)
	}
	if v.as.Asked("/token") != 1 {
		t.Error("the code was not exchanged once")
	}
	refused("once more", alice, answer.String())
	if of := v.ordersOf("alice"); of != "alice" {
		t.Errorf("orders of %q", of)
	}
	// leaving again makes the first leave void
	page = v.page("bob")
	first := bob.sentTo(page, v.as.URL)
	bob.sentTo(page, v.as.URL)
	away = first
	refused("the first of two", bob, back(bob))
}

// A cookie of the person who left is not enough where another is logged in by then.
func TestOAuth_thePersonIsTheSameAtBothEnds(t *testing.T) {
	v := newVendor(t, logIn)
	page, alice := v.page("alice"), v.person("alice")
	alice.get(page)
	away := alice.sentTo(page, v.as.URL)
	alice.forget(v.base) // Bob takes her place before the browser
	at, _ := url.Parse(v.as.URL)
	alice.client.Jar.SetCookies(at, []*http.Cookie{authserver.SignedIn("bob")})
	if status, body, _ := alice.get(away); status != 403 || !strings.Contains(body, "who you are") {
		t.Errorf("nobody is logged in: %d %s", status, body)
	}
	alice.client.Jar.SetCookies(at, []*http.Cookie{authserver.SignedIn("alice")})
	alice.get(page)
	away = alice.sentTo(page, v.as.URL)
	alice.forget(v.base)
	alice.client.Jar.SetCookies(at, []*http.Cookie{authserver.SignedIn("bob")})
	alice.get(v.base + "/connect")
	if status, body, _ := alice.get(away); status != 404 || v.as.Asked("/token") != 0 {
		t.Errorf("Bob is logged in: %d %s", status, body)
	}
	if a, b := v.ordersOf("alice"), v.ordersOf("bob"); a != "" || b != "" {
		t.Errorf("orders of %q and %q", a, b)
	}
}

// What the vendor answers that is not believed (12), or is a no.
func TestOAuth_answersOfTheVendor(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(url.Values)
		status int
		says   string
	}{
		"another issuer": {func(a url.Values) {
			a.Set("iss", "https://evil.example")
			a.Set("error_description",
				"canary")
		}, 400, "not begun"},
		"no issuer": {func(a url.Values) { a.Del("iss"); a.Set("error", "canary") }, 400, "not begun"},
		"an error of another": {func(a url.Values) {
			a.Set("iss", "https://evil.example")
			a.Set("error", "canary")
		}, 400, "not begun"},
		"no": {func(a url.Values) { a.Del("code"); a.Set("error", "access_denied") }, 403, "said no"},
		"a no in words": {func(a url.Values) {
			a.Del("code")
			a.Set("error", "invalid_scope")
			a.Set("error_description", "<script>alert(1)</script>")
		}, 502, "invalid_scope: &lt;script&gt;"},
		"another code": {func(a url.Values) { a.Set("code", "canary-code") }, 502, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t, local)
			page, alice := v.page("alice"), v.person("alice")
			v.as.Set(func() { v.as.Answer = c.answer })
			status, body := alice.post(page)
			if status != c.status || !strings.Contains(body, c.says) || strings.Contains(body, "canary") ||
				strings.Contains(body, "<script") {
				t.Errorf("%d %s", status, body)
			}
			if strings.Contains(v.log.String(), "canary-code") {
				t.Error("the code stands in the log")
			}
			v.as.Set(func() { v.as.Answer = nil })
			v.agree(alice, page) // the page lasts
		})
	}
}

func TestOAuth_tokenEndpointsThatFail(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"garbage": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>canary") },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"access_token":"`+strings.Repeat("canary", 1<<20)+`"}`)
		},
		"another type": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"access_token":"canary","token_type":"DPoP"}`)
		},
		"down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t, local)
			page, alice := v.page("alice"), v.person("alice")
			v.as.Set(func() { v.as.TokenAt = answer })
			if status, body := alice.post(page); status != 502 ||
				!strings.Contains(body, "gave nothing to act with") || strings.Contains(body, "canary") {
				t.Errorf("%d %s", status, body)
			}
			if v.ordersOf("alice") != "" || strings.Contains(v.log.String(), "canary") {
				t.Errorf("a session came of it, or the log holds the answer")
			}
		})
	}
}

// afterItsEnd signs Alice in for a second, and waits for the end of that.
func (v *vendor) afterItsEnd() {
	v.Helper()
	v.as.Set(func() { v.as.Life = time.Second })
	v.agree(v.person("alice"), v.page("alice"))
	v.as.Set(func() { v.as.Life = time.Hour })
	time.Sleep(1100 * time.Millisecond)
	v.as.Asked("/token")
}

// Tokens are renewed once for all who wait, and forgotten when the vendor refuses (16, 17).
func TestOAuth_tokensAreRenewed(t *testing.T) {
	t.Parallel()
	v := newVendor(t, local)
	v.afterItsEnd()
	done := make(chan string)
	for range 20 {
		go func() { done <- v.ordersOf("alice") }()
	}
	for range 20 {
		if of := <-done; of != "alice" {
			t.Errorf("orders of %q", of)
		}
	}
	if n := v.as.Asked("/token"); n != 1 {
		t.Errorf("%d renewals", n)
	}
}

func TestOAuth_whatTheVendorRefusesToRenewIsForgotten(t *testing.T) {
	t.Parallel()
	v := newVendor(t, local)
	v.afterItsEnd()
	v.as.EndAll()
	for _, asked := range []int{1, 0} { // it is not asked again
		if v.page("alice"); v.as.Asked("/token") != asked {
			t.Errorf("the vendor was not asked %d times", asked)
		}
	}
	// an outage is no refusal
	v.afterItsEnd()
	v.as.Set(func() { v.as.Down = 503 })
	if of, page, said := ordersOf(t, v.served); of != "" || page != "" {
		t.Errorf("an outage asks for a sign-in: %s", said)
	}
	v.as.Set(func() { v.as.Down = 0 })
	if of := v.ordersOf("alice"); of != "alice" {
		t.Errorf("after the outage: orders of %q", of)
	}
}

// Names for one client alone are told; a claim that is the same for all serves (22).
func TestOAuth_pairwiseSubjects(t *testing.T) {
	pairwise := func(v *vendor) {
		v.own.Pairwise = true
		v.own.Metadata["subject_types_supported"] = []string{"pairwise"}
	}
	v := newVendor(t, logIn, pairwise)
	page, alice := v.page("alice"), v.person("alice")
	if status, body, _ := alice.get(page); status != 404 || !strings.Contains(body, "pairwise subjects") ||
		strings.Contains(body, "The Shop") {
		t.Errorf("by sub: %d %s", status, body)
	}
	v = newVendor(t, logInByUID, pairwise)
	page, alice = v.page("alice"), v.person("alice")
	v.agree(alice, page)
	if of := v.ordersOf("alice"); of != "alice" {
		t.Errorf("orders of %q", of)
	}
	if status, _, _ := v.person("bob").get(v.page("carol")); status != 404 {
		t.Errorf("Bob opens Carol's page: %d", status)
	}
}

// A client-credentials token has no person (21).
func TestOAuth_machinesAreTold(t *testing.T) {
	v := newVendor(t, logIn)
	token := v.own.Issue("agent", "agent", "https://mcp.example/mcp")
	if _, page, said := ordersOf(t, v.served, "Authorization", "Bearer "+token); page != "" ||
		!strings.Contains(said, "stands for a client and for no person") {
		t.Errorf("page %q: %s", page, said)
	}
}

// The login that proves who opens a page.
func TestLogin_isOfThisBrowser(t *testing.T) {
	v := newVendor(t, logIn)
	page, alice, bob := v.page("alice"), v.person("alice"), v.person("bob")
	login := func(b *browser) string { return b.through(page, v.base+connect.SignedInPath) }
	// Mallory makes Alice's browser log in as Mallory: her tokens would be his
	if status, body, header := alice.get(login(bob)); status != 400 ||
		strings.Contains(fmt.Sprint(header), "fairlead-person") {
		t.Errorf("a login of another browser: %d %s", status, body)
	}
	back := login(alice)
	for name, text := range map[string]string{"iss": "https://evil.example", "state": strings.Repeat("B", 26)} {
		u, _ := url.Parse(back)
		q := u.Query()
		q.Set(name, text)
		u.RawQuery = q.Encode()
		if status, _, _ := v.person("alice").get(u.String()); status != 400 {
			t.Errorf("another %s: %d", name, status)
		}
	}
	if v.own.Asked("/token") != 0 {
		t.Error("a code was exchanged")
	}
	if status, body, _ := alice.get(back); status != 200 || !strings.Contains(body, "Continue at") ||
		!strings.Contains(body, "alice") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := alice.get(back); status != 400 {
		t.Errorf("the same answer twice: %d", status)
	}
	// the ID token is verified
	for name, change := range map[string]func(map[string]any){
		"another nonce":    func(c map[string]any) { c["nonce"] = "x" },
		"another audience": func(c map[string]any) { c["aud"] = "agent" },
		"nobody":           func(c map[string]any) { delete(c, "sub") },
	} {
		v.own.Set(func() { v.own.Claims = change })
		if status, body, header := v.person("alice").get(page); status < 400 || strings.Contains(body, "The Shop") ||
			strings.Contains(fmt.Sprint(header), "fairlead-person") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// On standard input and output, pages of the process's own lead away and back.
func TestOAuth_onPagesOfTheProcess(t *testing.T) {
	v := newVendor(t, local)
	p := host.NewLocalPages(v.with, nil, v.served.Document)
	t.Cleanup(p.Close)
	of := v.served.Document.Plan.Sessions[0]
	key, failure := v.served.Engine.SessionKey(t.Context(), of, session.Local())
	if failure != nil {
		t.Fatal(failure)
	}
	page, handle, err := p.Page(t.Context(), &engine.SignIn{Session: of, Key: key},
		session.Asked{Capability: of.Capability})
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(page, connect.Path+"/"+handle)
	v.as.Registered("crm", "crm-s3cret", base+connect.CallbackPath+oauth.Label(v.as.Issuer, "", ""))
	alice := v.person("alice")
	alice.get(page)
	away := alice.sentTo(page, v.as.URL)
	if status, body, _ := v.person("alice").get(away); status != 400 {
		t.Errorf("another browser comes back: %d %s", status, body)
	}
	v.agree(alice, page)
	if of := v.ordersOf("alice"); of != "alice" {
		t.Errorf("orders of %q", of)
	}
	if kept, err := v.served.Vault.Get(t.Context(), key); err != nil || kept.Margin != 7*time.Minute ||
		kept.Refresh.IsEmpty() {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// An API that repeats what it got tells no model of it.
func TestOAuth_tokensStayFromModels(t *testing.T) {
	v := newVendor(t, local)
	v.agree(v.person("alice"), v.page("alice"))
	v.api.Set(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"orders_of":"alice","token":%q,"basic":%q,"url":%q}`, token,
			base64.StdEncoding.EncodeToString([]byte(token)), "https://crm.example/?t="+url.QueryEscape(token))
	})
	of, _, said := ordersOf(t, v.served)
	if of != "alice" {
		t.Errorf("orders of %q", of)
	}
	for _, given := range v.as.Given {
		if strings.Contains(said, given) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(given))) {
			t.Errorf("the model sees a token: %s", said)
		}
	}
}

// Who says that it is not them is asked again who they are, and not taken for the same.
func TestLogin_leaves(t *testing.T) {
	v := newVendor(t, logIn)
	page, alice := v.page("alice"), v.person("alice")
	alice.get(page)
	if status, body := alice.post(v.base + "/connect/leave"); status != 200 || !strings.Contains(body, "Signed out") {
		t.Fatalf("%d %s", status, body)
	}
	if status, body, _ := alice.get(page); status != 200 || !strings.Contains(body, "As Bob") {
		t.Errorf("%d %s", status, body)
	}
	alice.stopBefore(v.own.URL)
	_, _, header := alice.get(page)
	alice.client.CheckRedirect = nil
	if status, body := alice.post(header.Get("Location"), "as", "alice"); status != 200 ||
		!strings.Contains(body, "Continue at") {
		t.Errorf("%d %s", status, body)
	}
	alice.forget(v.base)
	if status, body, _ := alice.get(page); status != 200 || !strings.Contains(body, "Continue at") {
		t.Errorf("asked again after that: %d %s", status, body)
	}
}

// A person who leaves from one replica comes back to another, with the same key and
// store.
func TestOAuth_replicasShareWhoIsAway(t *testing.T) {
	v := newVendor(t, logIn)
	replica := testkit.Serve(t, v.text, testkit.Options{Upstream: v.api.URL, Env: v.env, Config: func(c *host.Config) {
		c.Sessions.Vault, c.Sessions.SignIns, c.Sessions.Cookies = v.with.Vault, v.with.SignIns, v.with.Cookies
		c.Front.Public, _ = host.ParsePublic(v.base)
	}})
	at, _ := url.Parse(strings.TrimSuffix(replica.MCP, "/mcp"))
	page, alice := v.page("alice"), v.person("alice")
	// what goes to the address of both comes to the replica
	toReplica := func(address string) string { return strings.Replace(address, v.base, at.Scheme+"://"+at.Host, 1) }
	alice.get(page)
	back := alice.through(alice.sentTo(page, v.as.URL), v.base)
	alice.header.Set("Host", strings.TrimPrefix(v.base, "http://"))
	if status, body, _ := alice.get(toReplica(back)); status != 200 || !strings.Contains(body, "You are signed in") {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, _ := alice.get(toReplica(back)); status != 400 {
		t.Errorf("once more: %d", status)
	}
	if of := v.ordersOf("alice"); of != "alice" {
		t.Errorf("orders of %q", of)
	}
}

// Nowhere does a request decide where a browser is sent.
func TestOAuth_redirectsNowhereElse(t *testing.T) {
	v := newVendor(t, logIn)
	alice := v.person("alice")
	alice.get(v.page("alice"))
	evil := "https://evil.example/x"
	for _, path := range []string{"/connect/callback/" + oauth.Label(v.as.Issuer, "", ""), connect.SignedInPath + "x",
		"/connect",
		"/connect//evil.example", "/connect/callback/https:%2F%2Fevil.example", "/connect/callback/..%2f..%2f"} {
		q := url.Values{}
		for _, name := range []string{"redirect_uri", "return_to", "next", "page", "url", "state", "to"} {
			q.Set(name, evil)
		}
		var seen []string
		alice.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			seen = append(seen, r.URL.String())
			return nil
		}
		status, body, _ := alice.get(v.base + path + "?" + q.Encode())
		if strings.Contains(body, "evil.example") && status == 200 ||
			slices.ContainsFunc(seen, func(at string) bool { return strings.HasPrefix(at, "https://evil") }) {
			t.Errorf("%s: %d, by %v\n%s", path, status, seen, body)
		}
	}
}

// Where nobody can sign in, because a variable is not set, the configured credential
// serves, and where there is none the caller is told.
func TestOAuth_variablesThatAreNotSet(t *testing.T) {
	v := newVendor(t, local)
	text := strings.Replace(v.text, "clientId: crm,", `clientId: "{{CRM_CLIENT}}",`, 1)
	s := testkit.Serve(t, text, testkit.Options{Upstream: v.api.URL, Env: v.env,
		Config: func(c *host.Config) { c.LocalSessions = true }})
	if _, page, said := ordersOf(t, s); page != "" || !strings.Contains(said, "the credential CRM_CLIENT is not set") {
		t.Errorf("page %q: %s", page, said)
	}
	if redirects := s.Host.Redirects(t.Context()); len(redirects) != 1 ||
		!strings.Contains(redirects[0].URL, oauth.Label(v.as.Issuer, "", "")) {
		t.Errorf("an operator cannot register the client: %v", redirects)
	}
	text = strings.Replace(text, "    x-fairlead:", `    authentication: {type: bearer, token: "{{OPERATOR}}"}`+"\n    x-fairlead:", 1)
	v.env["OPERATOR"] = v.as.Issue("crm", "operator", "https://api.example")
	s = testkit.Serve(t, text, testkit.Options{Upstream: v.api.URL, Env: v.env,
		Config: func(c *host.Config) { c.LocalSessions = true }})
	if of, _, said := ordersOf(t, s); of != "operator" {
		t.Errorf("orders of %q: %s", of, said)
	}
}

func TestLogin_saysWhatTheOperatorLacks(t *testing.T) {
	v := newVendor(t, `{type: oauth2, authorizationServerUri: "{{OWN}}", resource: "https://mcp.example/mcp"}`)
	if status, body, _ := v.person("alice").get(v.page("alice")); status != 503 ||
		!strings.Contains(body, "signIn: {clientId, clientSecret}") {
		t.Errorf("%d %s", status, body)
	}
}
