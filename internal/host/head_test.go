package host_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const heading = `
ikanos: 1.0.0-beta5
info: {display: Head}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "http://127.0.0.1:1", resources: {b: {path: "/{bucket}", operations: {check: {method: HEAD}}}}}
  exposes:
  - {type: rest, namespace: r, port: 0, resources: {b: {path: "/buckets/{bucket}", operations: {check: {method: GET, call: api.check}}}}}
  - {type: mcp, namespace: m, port: 0, tools: {check: {description: Check., call: api.check}, twice: {description: Twice., steps: {a: {type: call, call: api.check, with: {bucket: x}}, b: {type: call, call: api.check, with: {bucket: y}}}}}}
`

// TestHead_behindGET: an operation HEAD has an answer without a body, whatever its length says.
func TestHead_behindGET(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"7"`)
		if r.URL.Path == "/none" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	s := testkit.Serve(t, heading, testkit.Options{Upstream: up.URL})
	if status, header, body := testkit.Do(t, "GET", s.REST+"/buckets/b", ""); status != 200 || body != "" || header.Get("Etag") != `"7"` {
		t.Errorf("%d %v %q", status, header, body)
	}
	if status, _, _ := testkit.Do(t, "GET", s.REST+"/buckets/none", ""); status != 404 {
		t.Errorf("status %d", status)
	}
	for tool, arguments := range map[string]string{"check": `{"bucket":"b"}`, "twice": "{}"} {
		_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`, mcpHeader...)
		if strings.Contains(body, "isError") || !strings.Contains(body, `"content"`) {
			t.Errorf("%s: %s", tool, body)
		}
	}
	_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"check","arguments":{"bucket":"none"}}}`, mcpHeader...)
	if !strings.Contains(body, `"isError":true`) || !strings.Contains(body, "404") {
		t.Error(body)
	}
}
