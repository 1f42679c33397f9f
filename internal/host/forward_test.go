package host_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

const forwarding = `
ikanos: 1.0.0-beta5
info: {display: Forward}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "https://api.example.invalid/v1", inputParameters: {X-Version: {in: header, value: "7"}, te: {in: header, value: trailers}}}
  - {type: http, namespace: fixed, baseUri: "https://api.example.invalid/v3", inputParameters: {tenant: {in: query, value: acme}}, authentication: {type: apikey, key: api_key, value: "{{KEY}}", placement: query}}
  - {type: http, namespace: keyed, baseUri: "https://api.example.invalid/v2", authentication: {type: bearer, token: "{{KEY}}"}}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
      one: {path: "/one", forward: {targetNamespace: api}}
      all: {path: "/api/{{path}}", forward: {targetNamespace: api, trustedHeaders: [x-trusted, te, fairlead-hops]}}
      fix: {path: "/fixed/{path}", forward: {targetNamespace: fixed}}
      key: {path: "/keyed/{path}", forward: {targetNamespace: keyed, trustedHeaders: [Authorization]}}
`

func TestForward_passesRequestsOn(t *testing.T) {
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 202 Accepted\nContent-Type: text/csv\nETag: x\nSet-Cookie: a=b\n\na,b"))
	s := testkit.Serve(t, forwarding, testkit.Options{Upstream: up.URL, Env: map[string]string{"KEY": "secret"}})
	// which belongs to the connection
	status, header, body := testkit.Do(t, "PATCH", s.REST+"/api/a%2Fb/c?q=1&q=2", "body", "Content-Type", "text/x",
		"X-Trusted", "yes", "X-Other", "no", "Te", "trailers",
		"Authorization", "Bearer mine")
	if status != 202 || body != "a,b" || header.Get("Content-Type") != "text/csv" || header.Get("Etag") != "x" ||
		header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v %s", status, header, body)
	}
	want := "PATCH /v1/a%2Fb/c?q=1&q=2\nAuthorization: Bearer mine\nContent-Type: text/x\nX-Trusted: yes\nX-Version: 7\n\nbody\n"
	if got := up.Requests(); len(got) != 1 || got[0].Text() != want {
		t.Errorf("got\n%s\nwant\n%s", got[0].Text(), want)
	}
	testkit.Do(t, "GET", s.REST+"/keyed/x", "", "Authorization", "Bearer mine")
	if got := up.Requests()[0]; got.URI != "/v2/x" || got.Header.Get("Authorization") != "Bearer secret" {
		t.Errorf("got\n%s", got.Text())
	}
	testkit.Do(t, "GET", s.REST+"/fixed/x?a=1&tenant=evil&te%6eant=evil&api_key=mine&b=%2F", "")
	if got := up.Requests()[0]; got.URI != "/v3/x?a=1&b=%2F&tenant=acme&api_key=secret" {
		t.Errorf("got\n%s", got.Text())
	}
	testkit.Do(t, "GET", s.REST+"/one", "")
	if got := up.Requests()[0]; got.URI != "/v1" {
		t.Errorf("got\n%s", got.Text())
	}
	for _, path := range []string{"/api/../x", "/api/a/%2e%2e/x", "/api/a/..;x/b", "/api/a/..%5cb",
		"/api/a/%2e%2e;/b"} {
		if status, _, _ := testkit.Do(t, "GET", s.REST+path, ""); status != 400 && status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if got := up.Requests(); len(got) != 0 {
		t.Errorf("dot segments went upstream: %s", got[0].Text())
	}
}

func TestForward_withoutATargetIsWithheld(t *testing.T) { // semantics 1.3
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, strings.Replace(forwarding, "targetNamespace: api, trusted", "targetNamespace: ap, trusted",
		1), testkit.Options{Upstream: up.URL})
	if s.Document.Withheld() != 1 || s.Document.Served() != 3 {
		t.Errorf("%d withheld, %d served: %v", s.Document.Withheld(), s.Document.Served(), s.Document.Diags)
	}
}

const forwardTrusting = `
ikanos: 1.0.0-beta5
info: {display: Forward}
capability:
  consumes:
  - {type: http, namespace: header, baseUri: "https://api.example.invalid/h", inputParameters: {X-Tenant: {in: header, value: ours}}, authentication: {type: apikey, key: x-api-key, value: "{{KEY}}", placement: header}}
  - {type: http, namespace: cookie, baseUri: "https://api.example.invalid/c", authentication: {type: apikey, key: session, value: "{{KEY}}", placement: cookie}}
  - {type: http, namespace: bearer, baseUri: "https://api.example.invalid/b", authentication: {type: bearer, token: "{{KEY}}"}}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
      h: {path: "/h/{path}", forward: {targetNamespace: header, trustedHeaders: [X-Api-Key, X-Tenant, Authorization, Accept, traceparent]}}
      c: {path: "/c/{path}", forward: {targetNamespace: cookie, trustedHeaders: [Cookie, Accept]}}
      b: {path: "/b/{path}", forward: {targetNamespace: bearer, trustedHeaders: [Authorization, Accept]}}
`

// TestForward_callersReplaceNoHeaderOfTheDocument: a header that a route trusts passes
// where the document, its authentication above all, sets none (semantics 4.7).
func TestForward_callersReplaceNoHeaderOfTheDocument(t *testing.T) {
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, forwardTrusting, testkit.Options{Upstream: up.URL, Env: map[string]string{"KEY": "secret"}})
	for path, want := range map[string]string{
		"/h/x": "GET /h/x\nAccept: text/csv\nX-Api-Key: secret\nX-Tenant: ours\n",
		"/c/x": "GET /c/x\nAccept: text/csv\nCookie: session=secret\n",
		"/b/x": "GET /b/x\nAccept: text/csv\nAuthorization: Bearer secret\n",
	} {
		testkit.Do(t, "GET", s.REST+path, "", "X-Api-Key", "theirs", "X-Tenant", "theirs", "Cookie", "session=theirs",
			"Authorization", "Bearer theirs", "Accept", "text/csv")
		if got := up.Requests(); len(got) != 1 || got[0].Text() != want {
			t.Errorf("got\n%s\nwant\n%s", got[0].Text(), want)
		}
	}
}

const virtual = `
ikanos: 1.0.0-beta5
info: {display: Virtual}
capability:
  consumes:
  - {type: http, namespace: fixed, baseUri: "https://api.example.invalid", inputParameters: {host: {in: header, value: tenant.example}}, resources: {x: {path: /x, operations: {get: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
      x: {path: /x, operations: {get: {method: GET, call: fixed.get}}}
      all: {path: "/all/{path}", forward: {targetNamespace: fixed, trustedHeaders: [Host]}}
`

// TestRequest_namesTheHostThatTheDocumentSays: a header parameter “Host” is the host that
// the API is asked for; the caller's own never is.
func TestRequest_namesTheHostThatTheDocumentSays(t *testing.T) {
	hosts := make(chan string, 1)
	up := testkit.NewUpstream(t, func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host })
	s := testkit.Serve(t, virtual, testkit.Options{Upstream: up.URL})
	for _, path := range []string{"/x", "/all/x"} {
		testkit.Do(t, "GET", s.REST+path, "")
		if got := <-hosts; got != "tenant.example" {
			t.Errorf("%s: %q", path, got)
		}
	}
}
