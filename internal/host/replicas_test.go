package host_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/redis"
)

// replica serves the shop with sessions in a store that others share.
func replica(t *testing.T, api *account, address string) *testkit.Served {
	t.Helper()
	stateKey := bytes.Repeat([]byte{7}, 32)
	vault := session.OpenVault(func(context.Context) (session.Store, *session.Sealer, error) {
		sealer, err := session.NewSealer(stateKey)
		if err != nil {
			return nil, nil, err
		}
		store, err := session.OpenRedis(address)
		return store, sealer, err
	}, slog.New(slog.DiscardHandler))
	if err := vault.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vault.Close() })
	return testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: api.URL, Vault: vault, StateKey: stateKey})
}

// TestReplicas_areOne: behind a load balancer a page that one replica announces opens
// at another, attempts count at all of them, and who signs in at one is signed in at
// all. When their store is away nobody is sent to a page, and nobody is signed out.
func TestReplicas_areOne(t *testing.T) {
	server, api := redis.Start(t), newAccount(t)
	here, there := replica(t, api, "redis://"+server.Addr), replica(t, api, "redis://"+server.Addr)
	at := func(s *testkit.Served, page string) string {
		return strings.TrimSuffix(s.MCP, "/mcp") + page[strings.Index(page, "/connect/"):]
	}
	_, page, said := ordersOf(t, here, ada...)
	if page == "" {
		t.Fatalf("no page: %s", said)
	}
	if _, same, _ := ordersOf(t, there, ada...); same == "" || at(here, same) != page {
		t.Errorf("another page at the other replica: %s, %s", page, same)
	}
	b := newBrowser(t, ada...)
	if status, body, _ := b.get(at(there, page)); status != 200 || !strings.Contains(body, "The Shop") {
		t.Fatalf("the page at the other replica: %d %s", status, body)
	}
	for i := range 3 { // attempts count together
		if status, body := b.post(at([]*testkit.Served{here, there}[i%2], page), "user", "grace", "password",
			"wrong"); status != 422 {
			t.Fatalf("attempt %d: %d %s", i, status, body)
		}
	}
	if status, body := b.post(at(there, page), "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatalf("signing in: %d %s", status, body)
	}
	if status, _, _ := b.get(at(here, page)); status != 404 {
		t.Errorf("the page opens again: %d", status)
	}
	for _, s := range []*testkit.Served{here, there} {
		if of, _, said := ordersOf(t, s, ada...); of != "grace" {
			t.Errorf("signed in at all: %s", said)
		}
	}

	server.Stop()
	if of, page, said := ordersOf(t, here, ada...); of != "" || page != "" ||
		!strings.Contains(said, "sessions cannot be read now") {
		t.Errorf("while the store is away: %s", said)
	}
	if status, body, _ := b.get(at(there, page)); status != 503 || !strings.Contains(body, "cannot be read now") {
		t.Errorf("a page while the store is away: %d %s", status, body)
	}
}

// TestReplicas_guessesCountTogether: five attempts are five, however they are spread
// over replicas and made at once.
func TestReplicas_guessesCountTogether(t *testing.T) {
	server, api := redis.Start(t), newAccount(t)
	all := []*testkit.Served{replica(t, api, "redis://"+server.Addr), replica(t, api, "redis://"+server.Addr)}
	_, page, _ := ordersOf(t, all[0], ada...)
	path := page[strings.Index(page, "/connect/"):]
	var guesses sync.WaitGroup
	for i := range 20 {
		guesses.Go(func() {
			newBrowser(t, ada...).post(strings.TrimSuffix(all[i%2].MCP, "/mcp")+path, "user", "grace", "password",
				"wrong")
		})
	}
	guesses.Wait()
	asked := 0
	for _, r := range api.Requests() {
		if r.Method == "POST" {
			asked++
		}
	}
	if asked != session.MaxAttempts {
		t.Errorf("the API was asked %d times", asked)
	}
}
