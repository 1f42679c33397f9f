package host_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

const unbounded = `
ikanos: 1.0.0-beta5
info: {display: Unbounded}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "http://127.0.0.1:1", resources: {x: {path: /x, operations: {get: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
      x: {path: /x, operations: {get: {method: GET, call: api.get}}}
      shaped: {path: /shaped, operations: {get: {method: GET, call: api.get, outputParameters: {n: {type: string, mapping: $.a}}}}}
      all: {path: "/all/{path}", forward: {targetNamespace: api}}
  - {type: mcp, namespace: m, port: 0, tools: {get: {description: Get., call: api.get}}}
`

// TestLimit_holdsForAnswersOfUnknownLength: a chunked answer never looks whole when
// it is longer than the limit.
func TestLimit_holdsForAnswersOfUnknownLength(t *testing.T) {
	const limit = 10_000
	for size, whole := range map[int]bool{limit - 100: true, 10 * limit: false} {
		up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":"`)
			_ = http.NewResponseController(w).Flush() // so that its length is not known
			_, _ = io.WriteString(w, strings.Repeat("x", size)+`"}`)
		})
		s := testkit.Serve(t, unbounded, testkit.Options{Upstream: up.URL, Limits: upstream.Limits{Response: limit}})
		for _, path := range []string{"/x", "/shaped", "/all/x"} {
			resp, err := http.Get(s.REST + path)
			if err != nil {
				if whole {
					t.Errorf("%s, %d bytes: %v", path, size, err)
				}
				continue // broken off before its header
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if got := err == nil && resp.StatusCode == http.StatusOK; got != whole {
				t.Errorf("%s, %d bytes: %d, %d bytes, %v", path, size, resp.StatusCode, len(body), err)
			}
			if len(body) > limit+1000 {
				t.Errorf("%s: %d bytes passed a limit of %d", path, len(body), limit)
			}
		}
		_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":{}}}`, mcpHeader...)
		if strings.Contains(body, "is larger than 10000 bytes") == whole {
			t.Errorf("MCP, %d bytes: %.300s", size, body)
		}
	}
}
