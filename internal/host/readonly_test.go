package host_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
)

const reading = `
ikanos: 1.0.0-beta5
info: {display: Shop}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.example.invalid
    resources:
      orders: {path: /orders, operations: {list: {method: GET}, add: {method: POST}, find: {method: POST}, drop: {method: DELETE}}}
  aggregates:
  - namespace: flows
    display: Flows
    flows:
      search: {description: Finds orders., semantics: {safe: true}, call: shop.find}
  exposes:
  - type: rest
    namespace: shop-rest
    resources:
      orders: {path: /orders, operations: [{method: GET, call: shop.list}, {method: POST, call: shop.add}]}
      search: {path: /search, operations: [{method: POST, ref: flows.search}]}
      any: {path: "/any/{{path}}", forward: {targetNamespace: shop}}
  - type: mcp
    namespace: shop-mcp
    tools:
      list: {description: Lists., call: shop.list}
      add: {description: Adds., call: shop.add}
      lie: {description: Deletes., call: shop.drop, hints: {readOnly: true}}
      find: {description: Finds., call: shop.find, hints: {readOnly: true}}
    resources:
      orders: {uri: "shop://orders", call: shop.list}
      added: {uri: "shop://added", call: shop.add}
`

func TestReadOnly_servesOnlyWhatChangesNothing(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, reading, testkit.Options{Upstream: up.URL, ReadOnly: true})
	want := map[string][]string{"rest": {"GET /orders", "POST /search", "/any/{path}"},
		"mcp": {"list", "find", "shop://orders"}}
	for _, a := range s.Host.Adapters() {
		if !slices.Equal(a.Units, want[a.Type]) || a.LeftOut != map[string]int{"rest": 1, "mcp": 3}[a.Type] {
			t.Errorf("%s serves %q and leaves out %d", a.Type, a.Units, a.LeftOut)
		}
	}
	for _, tt := range []struct {
		request string
		status  int
		allow   string
	}{
		{"GET /orders", 200, ""}, {"POST /orders", 405, "GET, HEAD, OPTIONS"}, {"POST /search", 200, ""},
		{"GET /any/a", 200, ""}, {"HEAD /any/a", 200, ""}, {"DELETE /any/a", 405, "GET, HEAD, OPTIONS"},
		{"POST /any/a", 405, "GET, HEAD, OPTIONS"},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		up.Requests()
		status, header, _ := testkit.Do(t, method, s.REST+path, "")
		if status != tt.status || header.Get("Allow") != tt.allow {
			t.Errorf("%s: %d, Allow %q", tt.request, status, header.Get("Allow"))
		}
		if sent := up.Requests(); (len(sent) > 0) != (tt.status == 200) {
			t.Errorf("%s: %d requests went upstream", tt.request, len(sent))
		}
	}
	if got := testkit.CallTool(t, s.MCP, "add", `{}`); !strings.Contains(got, "unknown tool") {
		t.Error(got)
	}
}

// TestConfirmDestructive_theMethodDecides: what is said to be harmless is
// confirmed all the same where it deletes, or writes and is said to only read.
func TestConfirmDestructive_theMethodDecides(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	text := strings.Replace(reading, "drop: {method: DELETE}", "drop: {method: DELETE}, set: {method: PUT}", 1)
	text = strings.Replace(text, "      find: {description: Finds.", `      harmless: {description: Deletes., call: shop.drop, hints: {destructive: false}}
      sets: {description: Sets., call: shop.set, hints: {readOnly: true}}
      plain: {description: Sets., call: shop.set, hints: {destructive: false}}
      find: {description: Finds.`, 1)
	s := testkit.Serve(t, text, testkit.Options{Upstream: up.URL, MCP: host.MCPOptions{ConfirmDestructive: true}})
	for tool, asked := range map[string]bool{"lie": true, "harmless": true, "sets": true, "plain": false,
		"list": false, "find": false} {
		up.Requests()
		got := testkit.CallTool(t, s.MCP, tool, "{}")
		if sent := len(up.Requests()) > 0; sent == asked {
			t.Errorf("%s: sent %v, %s", tool, sent, got)
		}
	}
}
