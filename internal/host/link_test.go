package host_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const linked = `
ikanos: 1.0.0-beta5
info: {display: Linked}
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.example.invalid/v1
    authentication: {type: apikey, key: api_key, value: "{{KEY}}", placement: query}
    resources:
    - {path: /orders, operations: [{name: list, method: GET, inputParameters: [{name: page, in: query}, {name: tenant, in: query, value: acme}]}, {name: create, method: POST}]}
    - {path: "/orders/{{id}}", operations: [{name: get, method: GET, inputParameters: [{name: id, in: path}]}]}
    - {path: "/orders/{{id}}/lines/{{line}}.json", operations: [{name: line, method: GET, inputParameters: [{name: id, in: path}, {name: line, in: path}]}]}
    - {path: /secret, operations: [{name: secret, method: GET}]}
  - type: http
    namespace: mapped
    baseUri: https://mapped.example.invalid
    authentication: {type: apikey, parameters: {app_key: "{{KEY}}", app_id: "{{KEY}}"}}
    resources: [{path: "/things/{{id}}", operations: [{name: thing, method: GET, inputParameters: [{name: id, in: path}]}]}]
  - {type: http, namespace: files, baseUri: "https://files.example.invalid/store"}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /my/orders, operations: [{method: GET, call: api.list, with: {page: front.p}, inputParameters: [{name: p, in: query}]}, {method: POST, call: api.create}]}
    - {path: "/my/order/{number}", operations: [{method: GET, call: api.get, with: {id: front.number}}]}
    - {path: "/my/{line}/of/{order}", operations: [{method: GET, call: api.line, with: {id: front.order, line: front.line}}]}
    - {path: "/my/thing/{id}", operations: [{method: GET, call: mapped.thing}]}
    - {path: "/files/{path}", forward: {targetNamespace: files}}
`

// TestLinks_leadToTheExposedPath is semantics 5.6.
func TestLinks_leadToTheExposedPath(t *testing.T) { // issue 9, C23
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, linked, testkit.Options{Upstream: up.URL, Env: map[string]string{"KEY": "canary-key"}})
	for target, want := range map[string]string{
		"/v1/orders/7": "/my/order/7",
		"orders/7":     "/my/order/7",
		up.URL + "/v1/orders/a%2Fb%20c?api_key=canary-key#x":                           "/my/order/a%2Fb%20c#x",
		"https://api.example.invalid/v1/orders/7/":                                     "/my/order/7",
		"http://API.example.invalid:443/v1/orders/7":                                   "/my/order/7",
		"/v1/orders/7/lines/3.json":                                                    "/my/3/of/7",
		"/v1/orders?page=2&tenant=acme&api_key=canary-key":                             "/my/orders?p=2",
		"https://mapped.example.invalid/things/7?app_key=canary-key&app_id=canary-key": "/my/thing/7",
		"https://mapped.example.invalid/things/7?app_secret=1":                         "",
		"/v1/orders?page=2&limit=5":                                                    "",
		"/v1/secret":                                                                   "",
		"/v2/orders/7":                                                                 "",
		"https://files.example.invalid/store/a/b%2Fc?x=1&y=2":                          "/files/a/b%2Fc?x=1&y=2",
		"https://files.example.invalid/other":                                          "",
		"https://other.example/orders/7":                                               "https://other.example/orders/7",
		"https://[":                                                                    "",
	} {
		up.Set(func(w http.ResponseWriter, _ *http.Request) {
			say(w, 201, "application/json", "{}", "Location", target, "Link", `<`+target+`>; rel="next"; title="a, b", <https://other.example/>;rel=help`)
		})
		_, header, _ := testkit.Do(t, "POST", s.REST+"/my/orders", "", "Host", "evil.example")
		link := `<https://other.example/>;rel=help`
		if want != "" {
			link = `<` + want + `>; rel="next"; title="a, b", ` + link
		}
		if got := header.Get("Location"); got != want || header.Get("Link") != link && !strings.Contains(target, "[") {
			t.Errorf("%s: Location %q, want %q, Link %q", target, got, want, header.Get("Link"))
		}
	}
}

func TestLinks_ofErrorsAndForwardedAnswersLeadThere(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		say(w, 409, "application/json", "{}", "Location", "/v1/orders/7")
	})
	s := testkit.Serve(t, linked, testkit.Options{Upstream: up.URL, Env: map[string]string{"KEY": "canary-key"}})
	if _, header, _ := testkit.Do(t, "POST", s.REST+"/my/orders", ""); header.Get("Location") != "/my/order/7" {
		t.Errorf("an error: %v", header)
	}
	up.Set(func(w http.ResponseWriter, _ *http.Request) { say(w, 201, "", "", "Location", "new/one?x=1") })
	if _, header, _ := testkit.Do(t, "POST", s.REST+"/files/dir/a",
		""); header.Get("Location") != "/files/dir/new/one?x=1" {
		t.Errorf("forwarded: %v", header)
	}
}
