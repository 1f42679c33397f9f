package host_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const calling = `
ikanos: 1.0.0-beta5
info: {display: Loop}
capability:
  consumes:
  - type: http
    namespace: a
    baseUri: http://127.0.0.1:1
    resources:
      x: {path: /x, operations: {g: {method: GET}}}
      f: {path: /all/x, operations: {f: {method: GET}}}
      m:
        path: /mcp
        inputParameters: {Content-Type: {in: header, value: application/json}}
        operations: {m: {method: POST, body: {type: json, data: {jsonrpc: "2.0", id: 1, method: tools/call, params: {name: round, arguments: {}}}}}}
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
      x: {path: /x, operations: {x: {method: GET, call: a.g}, y: {method: POST, call: a.m}}}
      all: {path: "/all/{path}", forward: {targetNamespace: a}}
  - {type: mcp, namespace: m, port: 0, tools: {once: {description: Once., call: a.g}, round: {description: Round., call: a.m}}}
`

// relay passes requests on to whatever it is pointed at later, and counts them.
func relay(t *testing.T) (base string, to func(string), count *atomic.Int32) {
	t.Helper()
	var target atomic.Pointer[url.URL]
	count = new(atomic.Int32)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.Load()) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func(text string) {
		u,
			_ := url.Parse(text)
		target.Store(&url.URL{Scheme: u.Scheme, Host: u.Host})
	}, count
}

// doorOf is scheme and host of a server of s.
func doorOf(s *testkit.Served, mcp bool) string {
	if mcp {
		return strings.TrimSuffix(s.MCP, "/mcp")
	}
	return s.REST
}

// TestServe_endsLoops: calls that lead to Fairlead again end after a few, through
// every door, in one process and across two.
func TestServe_endsLoops(t *testing.T) {
	const few = 6
	for name, c := range map[string]struct {
		method, path, body string
		mcp                bool // the API is the MCP server
		status             int
	}{
		"REST":    {method: "GET", path: "/x", status: 508},
		"forward": {method: "GET", path: "/all/all/all/all/all/all/all/x", status: 508},
		"MCP":     {method: "POST", path: "/mcp", body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"round","arguments":{}}}`, mcp: true, status: 200},
	} {
		for _, processes := range []int{1, 2} {
			t.Run(fmt.Sprint(name, processes), func(t *testing.T) {
				base, aim, count := relay(t)
				first := doorOf(testkit.Serve(t, calling, testkit.Options{Upstream: base}), c.mcp)
				if processes == 1 {
					aim(first)
				} else { // the first calls the second, which calls the first
					back, aimBack, _ := relay(t)
					aim(doorOf(testkit.Serve(t, calling, testkit.Options{Upstream: back}), c.mcp))
					aimBack(first)
				}
				status, _, body := testkit.Do(t, c.method, first+c.path, c.body, mcpHeader...)
				if status != c.status || !strings.Contains(body, "run in a circle") {
					t.Errorf("%d %s", status, body)
				}
				if n := count.Load(); n == 0 || n > few {
					t.Errorf("%d calls", n)
				}
			})
		}
	}
}

// TestServe_takesHopsThatCannotBeReadForTheMost: nobody gets around the limit by a
// count that is no number.
func TestServe_takesHopsThatCannotBeReadForTheMost(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, calling, testkit.Options{Upstream: up.URL})
	for given, want := range map[string]int{"": 508, "1": 200, "3": 200, "4": 508, "5": 508, "-1": 508, "x": 508,
		"1, 1": 508, "99999999999999999999": 508} {
		if status, _, body := testkit.Do(t, "GET", s.REST+"/x", "", "Fairlead-Hops", given); status != want {
			t.Errorf("%q: %d %s", given, status, body)
		}
		if sent := len(up.Requests()) > 0; sent != (want == 200) {
			t.Errorf("%q: sent %v", given, sent)
		}
	}
}
