package host_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit"
)

// TestCapture_keepsNoSession: an API may repeat what somebody is signed in with, under
// any name. Units of the same REST server that act in no session are kept.
func TestCapture_keepsNoSession(t *testing.T) {
	a := newAccount(t)
	capture := control.NewCapture(observe.NewMask(func() []secret.String { return nil }))
	capture.For(time.Minute)
	text := shop(basicAuth)
	text = strings.Replace(text, "  exposes:\n", `  - {type: http, namespace: open, baseUri: https://shop.example, resources: {sessions: {path: /sessions, operations: {ask: {method: POST}}}}}
  exposes:
`, 1)
	text = strings.Replace(text, "    - {path: \"/{anything}\"",
		"    - {path: /open, operations: [{method: GET, call: open.ask}]}\n    - {path: \"/{anything}\"", 1)
	heard := event.To(event.Listener{Kinds: event.Exchanges, Hear: func(context.Context, event.Event) {}})
	s := testkit.Serve(t, text, testkit.Options{Upstream: a.URL, Events: heard,
		Config: func(c *host.Config) { c.Process.Capture = capture }})
	_, page, _ := ordersOf(t, s, ada...)
	if status, body := newBrowser(t, ada...).post(page, "user", "grace", "password", "ecarg"); status != 200 {
		t.Fatal(status, body)
	}
	_, header, body := testkit.Do(t, "GET", s.REST+"/orders", "", ada...)
	kept := capture.Find(header.Get("X-Request-Id"))
	if !strings.Contains(body, "orders_of") || kept == nil || strings.Contains(kept.Answer, "orders_of") ||
		!strings.Contains(kept.Answer, "act in sessions") {
		t.Errorf("of %s is kept %+v", body, kept)
	}
	_, header, body = testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list-orders"}}`,
		append(mcpHeader[:4:4], ada...)...)
	kept = capture.Find(header.Get("X-Request-Id"))
	if !strings.Contains(body, "orders_of") || kept == nil || strings.Contains(kept.Answer, "orders_of") {
		t.Errorf("of %s is kept %+v", body, kept)
	}
	_, header, body = testkit.Do(t, "GET", s.REST+"/open", "", ada...)
	if kept = capture.Find(header.Get("X-Request-Id")); kept == nil || !strings.Contains(kept.Answer, "wrong") {
		t.Errorf("of %s is kept %+v", body, kept)
	}
}

func TestAdapters_sayWhichOtherMachinesReach(t *testing.T) {
	for listen, network := range map[string]bool{"": false, "127.0.0.1": false, "0.0.0.0": true} {
		s := testkit.Serve(t, shop(basicAuth), testkit.Options{Config: func(c *host.Config) { c.Listen = listen }})
		for _, a := range s.Host.Adapters() {
			if a.Network != network {
				t.Errorf("on %q, %s: %t", listen, a.Namespace, a.Network)
			}
		}
	}
}
