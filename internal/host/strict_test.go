package host_test

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const strictDocument = `
ikanos: 1.0.0-beta5
info: {display: Strict, description: Strict.}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.test
    resources:
      things: {path: /things, operations: {list: {method: GET, inputParameters: {limit: {in: query, type: integer}}}, create: {method: POST, inputParameters: {name: {in: body}, size: {in: body}}}, all: {method: PUT, inputParameters: {body: {in: body}}}}}
  exposes:
  - type: rest
    namespace: r
    port: 8080
    authentication: {type: apikey, key: key, value: k, placement: query}
    resources:
      things: {path: /things, operations: {list: {method: GET, call: api.list}, create: {method: POST, call: api.create}, all: {method: PUT, call: api.all}}}
`

func TestStrictInputs_refuseWhatNobodyDeclared(t *testing.T) { // issue 9, B26
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, query, kind, body string
		refused                   string // name that a strict server refuses
	}{
		{method: "GET", query: "&limit=5"},
		{method: "GET", query: "&limt=5", refused: "limt"},
		{method: "GET", query: "&limit=5&limit=6", refused: "limit"},
		{method: "POST", kind: "application/json", body: `{"name":"a"}`},
		{method: "POST", kind: "application/json", body: `{"name":"a","sise":1}`, refused: "sise"},
		{method: "POST", query: "&x=1", kind: "application/json", body: `{"name":"a"}`, refused: "x"},
		{method: "POST", kind: form, body: "name=a&sise=1", refused: "sise"},
		{method: "PUT", kind: "application/json", body: `{"anything":1}`},
	} {
		for _, strict := range []bool{false, true} {
			up := testkit.NewUpstream(t, nil)
			s := testkit.Serve(t, strictDocument, testkit.Options{Upstream: up.URL, Strict: strict})
			status, _, body := testkit.Do(t, c.method, s.REST+"/things?key=k"+c.query, c.body, "Content-Type", c.kind)
			want := 200
			if strict && c.refused != "" {
				want = 400
			}
			if status != want || want == 400 && !strings.Contains(body, `"name":"`+c.refused+`"`) || want == 200 && len(up.Requests()) != 1 {
				t.Errorf("%s %s %s, strict %v: %d %s", c.method, c.query, c.body, strict, status, body)
			}
		}
	}
}
