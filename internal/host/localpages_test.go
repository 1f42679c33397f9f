package host_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
)

// TestLocalPages: the pages of a process on standard input and output, which
// everybody on the machine reaches, are for whoever knows a handle.
func TestLocalPages(t *testing.T) {
	a := newAccount(t)
	var sessions *host.Sessions
	s := testkit.Serve(t, shop(basicAuth),
		testkit.Options{Upstream: a.URL, Config: func(c *host.Config) { sessions = c.Sessions }})
	p := host.NewLocalPages(sessions, nil, s.Document)
	t.Cleanup(p.Close)
	of := s.Document.Plan.Sessions[0]
	key, failure := s.Engine.SessionKey(t.Context(), of, session.Local())
	if failure != nil {
		t.Fatal(failure)
	}
	want := &engine.SignIn{Session: of, Key: key, Host: "shop.example"}
	page, handle, err := p.Page(t.Context(), want, session.Asked{Capability: of.Capability, Unit: "list-orders"})
	if err != nil || !strings.HasSuffix(page, "/connect/"+handle) {
		t.Fatal(page, err)
	}
	base, _, _ := strings.Cut(page, "/connect/")
	b := newBrowser(t)
	for path, header := range map[string][]string{
		"/connect": nil, "/connect/AAAAAAAAAAAAAAAAAAAAAAAAAA": nil,
		"/connect/" + handle: {"Host", "evil.example"}, "/connect/" + handle +
			"?": {"Host", "localhost", "X-Forwarded-For", "192.0.2.1"},
	} {
		if status, body, _ := newBrowser(t, header...).get(base + path); status != 403 ||
			strings.Contains(body, "The Shop") {
			t.Errorf("%s %s: %d %s", path, header, status, body)
		}
	}
	if status, _, _ := b.get(base + "/"); status != 404 {
		t.Errorf("another path: %d", status)
	}
	if status, body, _ := b.get(page); status != 200 || !strings.Contains(body, "The Shop") {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != 200 ||
		!strings.Contains(body, "grace") {
		t.Fatalf("%d %s", status, body)
	}
	if kept, err := s.Vault.Get(t.Context(), key); err != nil || kept.Token.Reveal() != "token-0-of-grace" {
		t.Errorf("kept %v, %v", kept, err)
	}
	if status, body, _ := b.get(base + "/connect"); status != 200 || !strings.Contains(body, "grace") {
		t.Errorf("the list: %d %s", status, body)
	}
	p.Update()
	if status, body, _ := b.get(base + "/connect"); status != 200 || strings.Contains(body, "grace") {
		t.Errorf("the list without documents: %d %s", status, body)
	}
	p.Close()
	if resp, err := http.Get(base + "/connect"); err == nil {
		resp.Body.Close()
		t.Error("it listens after its end")
	}
	if _, _, err := p.Page(t.Context(), want, session.Asked{}); err == nil {
		t.Error("it opens after its end")
	}
}
