package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit"
)

// account is an API at which people sign in: POST /sessions {user, password},
// where the password is the user's name backwards; its orders are those of whose
// token is sent.
type account struct {
	*testkit.Upstream
	mu     sync.Mutex
	tokens map[string]string // users, by token
}

func newAccount(t *testing.T) *account {
	a := &account{tokens: map[string]string{}}
	a.Upstream = testkit.NewUpstream(t, a.answer)
	return a
}

func backwards(text string) string {
	b := []byte(text)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

func (a *account) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.Method == "POST":
		var given struct{ User, Password string }
		_ = json.NewDecoder(r.Body).Decode(&given)
		switch given.User {
		case "down":
			w.WriteHeader(503)
			return
		case "busy":
			w.WriteHeader(429)
			io.WriteString(w, `{"message":"not so fast"}`)
			return
		case "html":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><p>Log in</p>")
			return
		case "empty":
			return
		}
		if given.User == "" || given.Password != backwards(given.User) {
			w.WriteHeader(401)
			io.WriteString(w, `{"message":"wrong <user> or password"}`)
			return
		}
		token = fmt.Sprintf("token-%d-of-%s", len(a.tokens), given.User)
		a.tokens[token] = given.User
		fmt.Fprintf(w, `{"t":%q,"user":%q}`, token, given.User)
	case a.tokens[token] == "":
		w.WriteHeader(401)
		io.WriteString(w, `{"message":"who are you?"}`)
	case r.Method == "DELETE":
		delete(a.tokens, token)
		w.WriteHeader(204)
	default:
		fmt.Fprintf(w, `{"orders_of":%q}`, a.tokens[token])
	}
}

// shop is a document whose servers have an authentication, and whose API has sessions.
func shop(authentication string) string {
	if authentication != "" {
		authentication = "\n    authentication: " + authentication
	}
	return `ikanos: 1.0.0-beta5
info: {display: The Shop}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.example
    x-fairlead: {session: {login: shop.log-in, ask: {user: User, password: {label: Password, secret: true}}, token: $.t, logout: shop.log-out, show: {user: $.user}}}
    resources:
      sessions:
        path: /sessions
        operations:
          log-in: {method: POST, inputParameters: [{name: user, in: body}, {name: password, in: body}]}
          log-out: {method: DELETE}
      orders: {path: /orders, operations: {list-orders: {method: GET}}}
  exposes:
  - type: mcp
    namespace: tools` + authentication + `
    tools: {list-orders: {description: Lists the orders., call: shop.list-orders}}
  - type: rest
    namespace: front` + authentication + `
    resources:
    - {path: /orders, operations: [{method: GET, call: shop.list-orders}]}
    - {path: "/{anything}", operations: [{method: GET, call: shop.list-orders}]}
`
}

// browser is a person's, which keeps cookies and sends what browsers send.
type browser struct {
	*testing.T
	client *http.Client
	header http.Header
}

func newBrowser(t *testing.T, header ...string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{T: t, client: &http.Client{Jar: jar}, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		b.header.Set(header[i], header[i+1])
	}
	return b
}

func (b *browser) send(r *http.Request) (int, string, http.Header) {
	b.Helper()
	for name, v := range b.header {
		r.Header[name] = v
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header
}

func (b *browser) get(address string) (int, string, http.Header) {
	b.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.send(r)
}

func (b *browser) post(address string, pairs ...string) (int, string) {
	b.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest("POST", address, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, _ := b.send(r)
	return status, body
}

var pageAddress = regexp.MustCompile(`https?://[^ "\\]+/connect/[A-Z2-7]+`)

// ordersOf calls the tool and returns whose orders came, or the page to sign in at,
// or else what was said.
func ordersOf(t *testing.T, s *testkit.Served, header ...string) (of, page, said string) {
	t.Helper()
	_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list-orders"}}`,
		append(mcpHeader[:4:4], header...)...)
	if strings.Contains(body, "token-") {
		t.Errorf("the model sees a token: %s", body)
	}
	if _, rest, ok := strings.Cut(body, `"orders_of":"`); ok {
		of, _, _ = strings.Cut(rest, `"`)
	}
	return of, pageAddress.FindString(body), body
}

const basicAuth = `{type: basic, username: ada, password: s3cret}`

var ada = []string{"Authorization", "Basic YWRhOnMzY3JldA=="}

func TestConnect_signsIn(t *testing.T) {
	for name, tt := range map[string]struct {
		authentication string
		change         func(*host.Config)
		caller         []string // headers
		browser        []string
		who            string // on the page
	}{
		"basic":  {basicAuth, nil, ada, ada, "ada"},
		"local":  {"", func(c *host.Config) { c.LocalSessions = true }, nil, nil, ""},
		"bearer": {`{type: bearer, token: s3cret}`, func(c *host.Config) { c.SharedSessions = true }, []string{"Authorization", "Bearer s3cret"}, []string{"Authorization", "Basic ZmFpcmxlYWQ6czNjcmV0"}, "everybody who knows"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			s := testkit.Serve(t, shop(tt.authentication), testkit.Options{Upstream: a.URL, Config: tt.change})
			_, page, said := ordersOf(t, s, tt.caller...)
			if !strings.HasPrefix(page, "http://127.0.0.1:") {
				t.Fatalf("the page is %q: %s", page, said)
			}
			b := newBrowser(t, tt.browser...)
			status, body, header := b.get(page)
			if status != 200 || !strings.Contains(body, "The Shop") || !strings.Contains(body, `name="password" type="password"`) || !strings.Contains(body, tt.who) {
				t.Fatalf("%d %s", status, body)
			}
			if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Error("the page has no policy")
			}
			if status, body := b.post(page, "user", "grace", "password", "drowssap"); status != 422 ||
				!strings.Contains(body, "wrong &lt;user&gt; or password") {
				t.Errorf("a wrong password: %d %s", status, body)
			}
			if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != 200 ||
				!strings.Contains(body, "grace") {
				t.Fatalf("%d %s", status, body)
			}
			if of, _, said := ordersOf(t, s, tt.caller...); of != "grace" {
				t.Errorf("signed in: %s", said)
			}
			base, _, _ := strings.Cut(page, "/connect/")
			b.header = http.Header{} // the browser keeps who is before it
			if status, body, _ := b.get(base + "/connect"); status != 200 || !strings.Contains(body, "grace") {
				t.Errorf("the list: %d %s", status, body)
			}
			if status, _ := b.post(base+"/connect/end", "document", "test.yaml", "api", "shop"); status != 200 ||
				len(a.tokens) != 0 {
				t.Errorf("the end: %d, %d tokens", status, len(a.tokens))
			}
			if of, page, _ := ordersOf(t, s, tt.caller...); of != "" || page == "" {
				t.Errorf("after the end: orders of %q, page %q", of, page)
			}
		})
	}
}

// TestConnect_tellsWhyNobodyIsSignedIn: an API that is down, or busy, costs no attempt;
// one that answers without a session is said to do so.
func TestConnect_tellsWhyNobodyIsSignedIn(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	_, page, _ := ordersOf(t, s, ada...)
	b := newBrowser(t, ada...)
	for _, c := range []struct{ user, want string }{
		{"down", "could not be asked"}, {"down", "could not be asked"}, {"down", "could not be asked"},
		{"busy", "not so fast"}, {"busy", "not so fast"},
		{"html", "answered, but gave no session"}, {"empty", "answered, but gave no session"},
	} {
		if status, body := b.post(page, "user", c.user, "password", "x"); status != 422 ||
			!strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.user, status, body)
		}
	}
	if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Errorf("then: %d %s", status, body)
	}
}

// TestConnect_knowsItsPerson: whoever opens a page proves to be who the call was
// made for (credentials.md §9, 7 and 8).
func TestConnect_knowsItsPerson(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	_, page, _ := ordersOf(t, s, ada...)
	status, body, header := newBrowser(t).get(page)
	if status != 401 || !strings.HasPrefix(header.Get("Www-Authenticate"), "Basic ") ||
		strings.Contains(body, "The Shop") {
		t.Errorf("a browser of nobody: %d %s", status, body)
	}
	if status, body, _ := newBrowser(t, "Authorization", "Basic YWRhOndyb25n").get(page); status != 401 ||
		strings.Contains(body, "The Shop") {
		t.Errorf("with a wrong password: %d %s", status, body)
	}
	if status, _ := newBrowser(t).post(page, "user", "grace", "password", "ecarg"); status != 401 {
		t.Errorf("a form of nobody: %d", status)
	}
	if len(a.Requests()) != 0 {
		t.Error("the API was asked")
	}
	// Pages are taken away from names that are not the server's, and from pages of others.
	if status, _, _ := newBrowser(t, append([]string{"Host", "evil.example"}, ada...)...).get(page); status != 403 {
		t.Errorf("a rebound name: %d", status)
	}
	r, _ := http.NewRequest("POST", page, strings.NewReader("user=grace&password=ecarg"))
	r.Header.Set("Authorization", ada[1])
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 403 {
		t.Errorf("a page of another site: %v %v", resp, err)
	}
	resp.Body.Close()
	// A cookie of another process says nothing.
	other := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	b := newBrowser(t, ada...)
	b.get(strings.TrimSuffix(other.REST, "/") + "/connect")
	b.header = http.Header{}
	if status, _, _ := b.get(page); status != 401 {
		t.Errorf("with a cookie of another server: %d", status)
	}
}

// TestConnect_isNotForEverybody: where nobody is known in person there is no page,
// and it says why.
func TestConnect_isNotForEverybody(t *testing.T) {
	a := newAccount(t)
	local := func(c *host.Config) { c.LocalSessions = true }
	for name, tt := range map[string]struct {
		authentication string
		change         func(*host.Config)
		header         []string
		status         int
		says           string
	}{
		"nobody is local":          {"", nil, nil, 403, "--local-sessions"},
		"a proxy before the local": {"", local, []string{"X-Forwarded-For", "192.0.2.1"}, 403, "through no proxy"},
		"a secret of all":          {`{type: bearer, token: s3cret}`, nil, []string{"Authorization", "Bearer s3cret"}, 403, "--shared-sessions"},
		"a proxy without HTTPS": {basicAuth, func(c *host.Config) {
			c.Front.Proxies, _ = host.ParseProxies([]string{"127.0.0.1"})
			c.Hosts = []string{"a.example"}
		},
			append([]string{"X-Forwarded-Host", "a.example"}, ada...), 403, "HTTPS only"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.Serve(t, shop(tt.authentication), testkit.Options{Upstream: a.URL, Config: tt.change})
			base := strings.TrimSuffix(s.MCP, "/mcp")
			status, body, _ := newBrowser(t, tt.header...).get(base + "/connect")
			if status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("%d %s", status, body)
			}
			if of, page, said := ordersOf(t, s, tt.header...); of != "" || page != "" {
				t.Errorf("the tool: %s", said)
			}
		})
	}
}

func TestConnect_isBehindTrustedProxies(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL, Config: func(c *host.Config) {
		c.Front.Proxies, _ = host.ParseProxies([]string{"127.0.0.1"})
		c.Hosts = []string{"a.example"}
	}})
	proxied := append([]string{"X-Forwarded-Host", "a.example", "X-Forwarded-Proto", "https"}, ada...)
	_, page, said := ordersOf(t, s, proxied...)
	if !strings.HasPrefix(page, "https://a.example/connect/") {
		t.Fatalf("the page is %q: %s", page, said)
	}
	local := strings.TrimSuffix(s.MCP, "/mcp") + strings.TrimPrefix(page, "https://a.example")
	status, _, header := newBrowser(t, proxied...).get(local)
	cookie := header.Get("Set-Cookie")
	if status != 200 || !strings.HasPrefix(cookie, "__Host-fairlead-person=") ||
		!strings.Contains(cookie, "; Secure") ||
		!strings.Contains(cookie, "; HttpOnly") || !strings.Contains(cookie, "; SameSite=Lax") {
		t.Errorf("%d %s", status, cookie)
	}
}

// TestConnect_takesItsPathsAlone: an operation whose placeholder could be the page
// does not get its requests, and those of documents without sessions do.
func TestConnect_takesItsPathsAlone(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	for path, want := range map[string]string{"/connect": "Sign-ins", "/connect/": "Sign-ins",
		"/connected": "nobody is signed in"} {
		if _, _, body := testkit.Do(t, "GET", s.REST+path, "", ada...); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	without := strings.Replace(shop(basicAuth), "x-fairlead:", "x-other:", 1)
	s = testkit.Serve(t, without, testkit.Options{Upstream: a.URL})
	if status, _, body := testkit.Do(t, "GET", s.REST+"/connect", "", ada...); status != 401 ||
		!strings.Contains(body, "who are you?") {
		t.Errorf("without sessions: %d %s", status, body)
	}
}

// TestConnect_asksWhichServer: two servers of one listener whose people are others.
func TestConnect_asksWhichServer(t *testing.T) {
	a := newAccount(t)
	text := strings.Replace(shop(basicAuth), basicAuth, `{type: basic, username: ada, password: other}`, 1)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "namespace: tools", "namespace: tools\n    port: 9090"),
		"namespace: front", "namespace: front\n    port: 9090")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	text = strings.ReplaceAll(text, "9090", fmt.Sprint(free.Addr().(*net.TCPAddr).Port))
	s := testkit.Serve(t, text, testkit.Options{Upstream: a.URL, Config: func(c *host.Config) { c.AutoPorts = false }})
	b := newBrowser(t)
	status, body, _ := b.get(s.REST + "/connect")
	links := regexp.MustCompile(`href="(/connect\?as=[0-9a-f]+)">([^<]+)`).FindAllStringSubmatch(body, -1)
	if status != 200 || len(links) != 2 {
		t.Fatalf("%d %s", status, body)
	}
	b.header.Set("Authorization", ada[1])
	for _, link := range links {
		want := 401
		if strings.HasPrefix(link[2], "front ") {
			want = 200
		}
		if status, _, _ := b.get(s.REST + link[1]); status != want {
			t.Errorf("%s: %d, want %d", link[2], status, want)
		}
	}
	// From now on the browser keeps it: ada of one server is not ada of the other.
	b.header = http.Header{}
	if status, body, _ := b.get(s.REST + "/connect"); status != 200 || !strings.Contains(body, "Not signed in") {
		t.Errorf("%d %s", status, body)
	}
	_, page, said := ordersOf(t, s, "Authorization", "Basic YWRhOm90aGVy")
	if status, body, _ := b.get(page); status != 404 || page == "" || !strings.Contains(body, "for somebody else") {
		t.Errorf("the page of the other ada: %d %s %s", status, body, said)
	}
}

// TestConnect_isSeenByNobody: what people type stands in no line and in nothing that
// operators look at.
func TestConnect_isSeenByNobody(t *testing.T) {
	a := newAccount(t)
	capture := control.NewCapture(observe.NewMask(func() []secret.String { return nil }))
	capture.For(time.Minute)
	var lines strings.Builder
	var mu sync.Mutex
	heard := event.To(event.Listener{Kinds: event.Exchanges, Hear: func(_ context.Context, e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&lines, "%+v\n", e)
		if ended, ok := e.(event.ExchangeEnded); ok {
			fmt.Fprintf(&lines, "%+v\n", ended.Exchange)
		}
	}})
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL, Events: heard,
		Config: func(c *host.Config) { c.Process.Capture = capture }})
	_, page, _ := ordersOf(t, s, ada...)
	b := newBrowser(t, ada...)
	_, _, header := b.get(page)
	b.post(page, "user", "grace", "password", "wrong-canary")
	if status, _ := b.post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatal(status)
	}
	if kept := capture.Find(header.Get("X-Request-Id")); kept != nil || header.Get("X-Request-Id") == "" {
		t.Errorf("operators see %v", kept)
	}
	_, header, _ = testkit.Do(t, "GET", s.REST+"/orders", "", ada...)
	if capture.Find(header.Get("X-Request-Id")) == nil {
		t.Error("operators see nothing at all")
	}
	mu.Lock()
	defer mu.Unlock()
	handle := page[strings.LastIndexByte(page, '/')+1:]
	if text := lines.String(); strings.Contains(text, handle) || strings.Contains(text, "canary") ||
		!strings.Contains(text, "/connect/…") {
		t.Errorf("the lines are\n%s", text)
	}
}

// TestConnect_followsReloads: the pages are those of the documents that are served
// now, and a page that waits outlives a reload.
func TestConnect_followsReloads(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	_, page, _ := ordersOf(t, s, ada...)
	b := newBrowser(t, ada...)
	at, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	reload := func(text string) {
		t.Helper()
		src := host.Source{File: host.File{Name: "test.yaml", Text: []byte(text)}}
		u := s.Host.Update([]*host.Document{host.Compile(src, compile.Options{Upstream: map[string]*url.URL{"": at}})})
		if len(u.Problems) > 0 {
			t.Fatal(u.Problems)
		}
	}
	reload(strings.Replace(shop(basicAuth), "x-fairlead:", "x-other:", 1))
	if status, body, _ := b.get(page); status != 404 || strings.Contains(body, "password") {
		t.Errorf("without sessions: %d %s", status, body)
	}
	reload(strings.Replace(shop(basicAuth), "The Shop", "The New Shop", 1))
	if status, body, _ := b.get(page); status != 200 || !strings.Contains(body, "The New Shop") {
		t.Errorf("with sessions again: %d %s", status, body)
	}
	if status, _ := b.post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Errorf("the page that waited: %d", status)
	}
	reload(shop(`{type: basic, username: eve, password: s3cret}`))
	if status, body, _ := b.get(strings.TrimSuffix(s.MCP, "/mcp") + "/connect"); status != 401 {
		t.Errorf("for other people, and with a cookie of before: %d %s", status, body)
	}
}
