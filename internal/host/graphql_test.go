package host_test

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const graphql = `
ikanos: 1.0.0-beta5
info: {display: GraphQL}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "https://api.example.invalid", resources: [{path: /graphql, operations: [{name: ask, method: POST, body: {type: json, data: {query: "{ me { id } }"}}}]}]}
  exposes:
  - {type: rest, namespace: front, port: 0, resources: [{path: /ask, operations: [{method: POST, call: api.ask}]}]}
  - {type: mcp, namespace: tools, port: 0, tools: [{name: ask, description: x, call: api.ask}, {name: flow, description: x, steps: [{name: one, type: call, call: api.ask}]}]}
`

func TestGraphQL_aFailedRequestIsAnErrorForUnmappedTools(t *testing.T) { // issue 9, C22
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, graphql, testkit.Options{Upstream: up.URL})
	long := strings.Repeat(" ", 300) + strings.Repeat("x", 1000)
	for answer, failed := range map[string]bool{
		`{"data":null,"errors":[{"message":"no such field"}]}`:                                  true,
		"{\n  \"errors\": [{\"message\": \"no such field" + long + "\"}],\n  \"data\": null\n}": true,
		`{"errors":[{"message":"no such field"}]}`:                                              true,
		`{"errors":[{"message":"no such field"}],"data":{"me":{"id":1}}}`:                       false,
		`{"errors":[],"data":null}`:                                                             false,
		`{"data":null}`:                                                                         false,
		`{"data":{"errors":[1]}}`:                                                               false,
	} {
		up.Set(testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n" +
			strings.ReplaceAll(answer, "\n\n", "\n")))
		for _, tool := range []string{"ask", "flow"} {
			got := testkit.CallTool(t, s.MCP, tool, "")
			if strings.Contains(got, `"isError":true`) != failed || failed && !strings.Contains(got, "answered an error with a good status: no such field") {
				t.Errorf("%s: %.60s: %s", tool, answer, got)
			}
		}
		if status, _, body := testkit.Do(t, "POST", s.REST+"/ask", ""); status != 200 || body != answer {
			t.Errorf("REST callers get %d %s", status, body)
		}
	}
}
