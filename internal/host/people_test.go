package host_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
)

// shopBehind serves the shop behind an authorization server; person is a browser
// that is signed in there, and caller what the assistant of a person sends.
func shopBehind(t *testing.T, a *account) (s *testkit.Served, person func(string) *browser,
	caller func(string) []string) {
	t.Helper()
	as := authserver.New(t, "", time.Now)
	text := strings.Replace(shop(logIn), "capability:",
		"binds: [{namespace: env, keys: {OWN: OWN, PAGES_SECRET: PAGES_SECRET}}]\ncapability:", 1)
	s = testkit.Serve(t, text, testkit.Options{Upstream: a.URL,
		Env: map[string]string{"OWN": as.Issuer, "PAGES_SECRET": "pages-s3cret"}})
	as.Registered("agent", "agent-s3cret", "https://agent.example/callback")
	var redirects []string
	for _, r := range s.Host.Redirects(t.Context()) {
		redirects = append(redirects, r.URL)
	}
	as.Registered("pages", "pages-s3cret", redirects...)
	person = func(name string) *browser {
		b := newBrowser(t)
		at, _ := url.Parse(as.URL)
		b.client.Jar.SetCookies(at, []*http.Cookie{authserver.SignedIn(name)})
		return b
	}
	return s, person, func(name string) []string {
		return []string{"Authorization", "Bearer " + as.Issue("agent", name, "https://mcp.example/mcp", "tools")}
	}
}

// TestSessions_peopleDoNotMeet: two people with accounts of their own on one server.
func TestSessions_peopleDoNotMeet(t *testing.T) {
	a := newAccount(t)
	s, person, caller := shopBehind(t, a)
	people := map[string]string{"alice": "grace", "bob": "linus"} // their accounts at the shop
	pages, browsers := map[string]string{}, map[string]*browser{}
	for name := range people {
		browsers[name] = person(name)
		_, page, said := ordersOf(t, s, caller(name)...)
		if page == "" || page == pages["alice"] || page == pages["bob"] {
			t.Fatalf("the page of %s is %q: %s", name, page, said)
		}
		pages[name] = page
	}
	if _, again, _ := ordersOf(t, s, caller("alice")...); again != pages["alice"] {
		t.Errorf("alice is sent to %s, then to %s", pages["alice"], again)
	}
	for name, account := range people {
		other := map[string]string{"alice": "bob", "bob": "alice"}[name]
		if status, body, _ := browsers[other].get(pages[name]); status != 404 || strings.Contains(body, "The Shop") {
			t.Errorf("%s sees the page of %s: %d %s", other, name, status, body)
		}
		if status, _ := browsers[other].post(pages[name], "user", account, "password",
			backwards(account)); status != 404 {
			t.Errorf("%s signs in on the page of %s: %d", other, name, status)
		}
		if status, body, _ := browsers[name].get(pages[name]); status != 200 {
			t.Fatalf("%s: %d %s", name, status, body)
		}
		if status, body := browsers[name].post(pages[name], "user", account, "password",
			backwards(account)); status != 200 {
			t.Fatalf("%s: %d %s", name, status, body)
		}
	}
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			name := []string{"alice", "bob"}[i%2]
			if of, _, said := ordersOf(t, s, caller(name)...); of != people[name] {
				t.Errorf("%s gets the orders of %q: %s", name, of, said)
			}
			if _, _, body := testkit.Do(t, "GET", s.REST+"/orders", "", caller(name)...); body != `{"orders_of":"`+people[name]+`"}` {
				t.Errorf("%s gets over REST: %s", name, body)
			}
		})
	}
	calls.Wait()
	base := strings.TrimSuffix(s.MCP, "/mcp")
	if _, body, _ := browsers["alice"].get(base + "/connect"); !strings.Contains(body, "grace") ||
		strings.Contains(body, "linus") {
		t.Errorf("the list of alice: %s", body)
	}
	if status, _ := browsers["alice"].post(base+"/connect/end", "document", "test.yaml", "api", "shop"); status != 200 {
		t.Errorf("alice ends hers: %d", status)
	}
	if of, page, _ := ordersOf(t, s, caller("alice")...); of != "" || page == "" {
		t.Errorf("then alice gets the orders of %q, page %q", of, page)
	}
	if of, _, said := ordersOf(t, s, caller("bob")...); of != "linus" {
		t.Errorf("then bob gets: %s", said)
	}
	// What the callers brought went nowhere (credentials.md §9, 19).
	for _, r := range a.Requests() {
		if h := r.Header.Get("Authorization"); h != "" && !strings.HasPrefix(h, "Bearer token-") {
			t.Errorf("the shop got %q", h)
		}
	}
}

// TestSessions_stayAtTheirAPI: a session never follows an API to another address.
func TestSessions_stayAtTheirAPI(t *testing.T) {
	a, evil := newAccount(t), newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL})
	_, page, _ := ordersOf(t, s, ada...)
	if status, body := newBrowser(t, ada...).post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for name, text := range map[string]string{"elsewhere": shop(basicAuth),
		"edited": strings.Replace(shop(basicAuth), "token: $.t,", "token: $.t, send: {header: X-Token},", 1)} {
		next := testkit.Serve(t, text, testkit.Options{Upstream: evil.URL, Config: func(c *host.Config) {
			c.Sessions.Vault, c.Sessions.SignIns = s.Vault, session.NewSignIns(s.Vault)
		}})
		next.Engine.KeepSessions(s.Vault)
		if of, page, said := ordersOf(t, next, ada...); of != "" || page == "" {
			t.Errorf("%s: %s", name, said)
		}
	}
	if len(evil.Requests()) > 0 {
		t.Errorf("the other API got %v", evil.Requests())
	}
	if of, _, said := ordersOf(t, s, ada...); of != "grace" {
		t.Errorf("where it was made: %s", said)
	}
}

// down is a store that cannot be asked.
type down struct{ session.Store }

var errDown = errors.New("dial tcp 10.9.8.7:6379: connection refused")

func (down) Get(context.Context, string) ([]byte, error)              { return nil, errDown }
func (down) Put(context.Context, string, []byte, time.Time) error     { return errDown }
func (down) Delete(context.Context, string) error                     { return errDown }
func (down) Lock(context.Context, string) (release func(), err error) { return nil, errDown }

func TestSessions_whileTheStoreIsDown(t *testing.T) {
	a := newAccount(t)
	sealer, err := session.NewSealer(make([]byte, session.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	vault := session.NewVault(down{session.NewMemory()}, sealer, nil)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: a.URL, Config: func(c *host.Config) {
		c.Sessions.Vault, c.Sessions.SignIns = vault, session.NewSignIns(vault)
	}})
	s.Engine.KeepSessions(vault)
	b := newBrowser(t, ada...)
	base := strings.TrimSuffix(s.MCP, "/mcp")
	_, _, tool := ordersOf(t, s, ada...)
	_, _, rest := testkit.Do(t, "GET", s.REST+"/orders", "", ada...)
	for _, path := range []string{"", "/AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		status, body, _ := b.get(base + connect.Path + path)
		if status != 503 || !strings.Contains(body, "cannot be read now") {
			t.Errorf("the page %s: %d %s", path, status, body)
		}
		tool += body
	}
	if !strings.Contains(tool, "the sessions cannot be read now") || !strings.Contains(rest, "cannot be read now") {
		t.Errorf("%s\n%s", tool, rest)
	}
	if strings.Contains(tool+rest, "10.9.8.7") || len(a.Requests()) > 0 {
		t.Errorf("the address of the store is told, or the API was called: %s %s", tool, rest)
	}
}

// TestAnswers_areNoPagesOfOurs: what an API answers shares the origin of the pages
// on which people type passwords, and runs no scripts there.
func TestAnswers_areNoPagesOfOurs(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, strings.Replace(shop(basicAuth), `{path: "/{anything}", operations: [{method: GET, call: shop.list-orders}]}`,
		`{path: "/all/{path}", forward: {targetNamespace: shop}}`, 1), testkit.Options{Upstream: up.URL})
	_, page, _ := ordersOf(t, s, ada...)
	up.Set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"t":"token-1"}`)
	})
	if status, body := newBrowser(t, ada...).post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, status := range []int{200, 404, 500} {
		for _, contentType := range []string{"text/html", "application/json, text/html", "image/svg+xml",
			"application/xhtml+xml; charset=utf-8",
			"multipart/x-mixed-replace; boundary=x", "Text/XML"} {
			up.Set(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				w.Header().Set("Content-Security-Policy", "sandbox allow-scripts allow-same-origin")
				w.WriteHeader(status)
				io.WriteString(w, `<html xmlns="http://www.w3.org/1999/xhtml"><script>fetch('/connect')</script></html>`)
			})
			for _, path := range []string{"/orders", "/all/orders"} {
				_, header, body := testkit.Do(t, "GET", s.REST+path, "", ada...)
				if strings.Contains(body, "<script>") &&
					(strings.Join(header["Content-Security-Policy"], ";") != "sandbox" ||
						header.Get("X-Content-Type-Options") != "nosniff") {
					t.Errorf("%d %s as %s: %v", status, path, contentType, header)
				}
				if path == "/all/orders" && !strings.Contains(body, "<script>") {
					t.Errorf("%d %s does not pass: %s", status, contentType, body)
				}
			}
		}
	}
}

// TestConnect_cookiesGoNowhere: browsers send the cookies of the pages to every path
// of the host, and a document may pass cookies on.
func TestConnect_cookiesGoNowhere(t *testing.T) {
	a := newAccount(t)
	s := testkit.Serve(t, strings.Replace(shop(basicAuth), `{path: "/{anything}", operations: [{method: GET, call: shop.list-orders}]}`,
		`{path: "/all/{path}", forward: {targetNamespace: shop, trustedHeaders: [Cookie]}}`, 1), testkit.Options{Upstream: a.URL})
	b := newBrowser(t, ada...)
	_, page, _ := ordersOf(t, s, ada...)
	b.get(page)
	if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	at, _ := url.Parse(s.REST)
	if len(b.client.Jar.Cookies(at)) == 0 {
		t.Fatal("the browser keeps nothing")
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "theme", Value: "dark", Path: "/"}})
	if status, body, _ := b.get(s.REST + "/all/orders"); status != 200 || !strings.Contains(body, "grace") {
		t.Fatalf("%d %s", status, body)
	}
	passed := ""
	for _, r := range a.Requests() {
		passed += r.Header.Get("Cookie")
	}
	if passed != "theme=dark" {
		t.Errorf("the API got the cookies %q", passed)
	}
}
