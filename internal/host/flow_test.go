package host_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const twoSteps = `naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.test
    resources:
    - {path: /a, operations: [{name: a, method: GET}]}
    - {path: /b, operations: [{name: b, method: GET}]}
    - {path: /c, operations: [{name: c, method: GET, inputParameters: [{name: x, in: query}]}]}
  exposes:
  - type: rest
    namespace: rest-api
    port: 8080
    resources:
    - path: /both
      operations:
      - method: GET
        name: both
        steps:
        - {type: call, name: a, call: api.a}
        - {type: call, name: b, call: api.b}
        - {type: call, name: c, call: api.c, with: {x: "{{a.n}}{{b.n}}"}}
        mappings: [{targetName: a, value: $.a.n}, {targetName: b, value: $.b.n}]
`

func TestFlow_runsIndependentStepsSideBySide(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/c" {
			both.Done()
			both.Wait() // until the other one has come, too
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"n":"` + r.URL.Path[1:] + `"}`))
	})
	var log bytes.Buffer
	s := testkit.Serve(t, twoSteps, testkit.Options{Upstream: up.URL, Log: &log})
	if status, _, body := testkit.Do(t, "GET", s.REST+"/both", ""); status != 200 || body != `{"a":"a","b":"b"}` {
		t.Errorf("got %d %s", status, body)
	}
	got := up.Requests()
	if last := got[len(got)-1].URI; last != "/c?x=ab" {
		t.Errorf("the last request is %s", last)
	}
	for _, want := range []string{`step=a`, `step=b`, `step=c`, `took=`, `unit="GET /both"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

func TestFlow_tellsAgentsOfItsSteps(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, `
ikanos: 1.0.0-beta5
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "https://api.example", resources: {r: {path: /r, operations: {get: {method: GET}}}}}
  exposes:
  - type: mcp
    namespace: m
    port: 0
    tools:
      both:
        description: Both
        steps: {one: {type: call, call: api.get}, two: {type: call, call: api.get, with: {after: "{{one.ok}}"}}}
        mappings: [{target: ok, value: $.two.ok}]
`, testkit.Options{Upstream: up.URL})
	_, header, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"both","arguments":{},"_meta":{"progressToken":"p"}}}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version",
		"2025-06-18")
	if header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v %s", header, body)
	}
	for _, want := range []string{`"message":"step one has ended"`, `"message":"step two has ended"`, `"progress":1`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in\n%s", want, body)
		}
	}
}

// TestFlow_ofSeveralAPIsKeepsTheCallersCredential: for whom would it be? It goes
// upstream only where a unit calls one API.
func TestFlow_ofSeveralAPIsKeepsTheCallersCredential(t *testing.T) {
	text := strings.Replace(twoSteps, "  exposes:",
		"  - {type: http, namespace: other, baseUri: https://other.test, resources: [{path: /o, operations: [{name: o, method: GET}]}]}\n  exposes:", 1)
	text = strings.Replace(text, "call: api.b}", "call: other.o}", 1) + `    - {path: /one, operations: [{method: GET, call: api.a}]}
    - path: /same
      operations:
      - {method: GET, name: same, steps: [{type: call, name: a, call: api.a}, {type: call, name: b, call: api.b}]}
`
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"n\":1}"))
	s := testkit.Serve(t, text, testkit.Options{Upstream: up.URL})
	for path, want := range map[string]string{"/both": "", "/one": "Bearer own", "/same": "Bearer own"} {
		if status, _, body := testkit.Do(t, "GET", s.REST+path, "", "Authorization", "Bearer own"); status != 200 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		got := up.Requests()
		if len(got) == 0 {
			t.Errorf("%s: nothing was sent", path)
		}
		for _, r := range got {
			if r.Header.Get("Authorization") != want {
				t.Errorf("%s: sent\n%s", path, r.Text())
			}
		}
	}
}
