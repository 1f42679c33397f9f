package host_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

// TestGrants_keepSecretsFromOtherVendors: what is granted to one document goes to its
// APIs, and the other one's never see it, whoever calls what.
func TestGrants_keepSecretsFromOtherVendors(t *testing.T) {
	const value = "canary-of-the-shop"
	vendor, evil := testkit.NewUpstream(t, nil), testkit.NewUpstream(t, nil)
	document := func(name, base string) *host.Document {
		text := `ikanos: 1.0.0-beta5
binds:
- {namespace: env, keys: {API_KEY: API_KEY}}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: ` + base + `
    authentication: {type: bearer, token: "{{API_KEY}}"}
    inputParameters: [{name: X-Copy, in: header, value: "{{API_KEY}}"}]
    resources: {r: {path: /r, operations: {get: {method: GET}}}}
  exposes:
  - {type: rest, namespace: ` + name + `, resources: [{path: /` + name + `, operations: [{method: GET, call: api.get}]}, {path: "/` + name + `/all/{{path}}", forward: {targetNamespace: api}}]}
  - {type: mcp, namespace: ` + name + `-tools, tools: {get: {description: Gets., call: api.get}}}
`
		return host.Compile(host.Source{File: host.File{Name: name + ".yaml", Text: []byte(text)}}, compile.Options{})
	}
	for name, tt := range map[string]struct {
		grants []string
		shop   bool // gets it
	}{"nobody has said": {nil, false}, "granted": {[]string{"API_KEY=shop"}, true}} {
		t.Run(name, func(t *testing.T) {
			shop, other := document("shop", vendor.URL), document("other", evil.URL)
			documents := []*host.Document{shop, other}
			grants, err := host.ParseGrants(tt.grants)
			if err != nil {
				t.Fatal(err)
			}
			if unmatched := host.Share(documents, nil, grants); len(unmatched) > 0 {
				t.Fatal(unmatched)
			}
			client := upstream.NewClient(upstream.Limits{})
			t.Cleanup(client.Close)
			secrets := host.NewSecrets(func(string) (string, bool) { return value, true })
			e := engine.New(client, secrets, nil, nil)
			h, problems, err := host.Open(host.Config{Documents: documents, Invoker: e, Forwarder: e,
				Secrets: secrets, AutoPorts: true})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- h.Serve(ctx) }()
			t.Cleanup(func() {
				stop()
				<-done
				http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			})
			for _, a := range h.Adapters() {
				name, _, _ := strings.Cut(a.Namespace, "-")
				allowed := tt.shop && name == "shop"
				var answers []string
				if a.Type == "mcp" {
					answers = append(answers, testkit.CallTool(t, a.URL, "get", ""))
				} else {
					for _, path := range []string{"/" + name, "/" + name + "/all/r"} {
						_, _, body := testkit.Do(t, "GET", a.URL+path, "")
						answers = append(answers, body)
					}
				}
				for _, body := range answers {
					if refused := strings.Contains(body,
						"API_KEY is not granted to this document"); refused == allowed {
						t.Errorf("%s: %s", a.Namespace, body)
					}
				}
			}
			sent := 0
			for _, r := range vendor.Requests() {
				sent += strings.Count(r.Text(), value)
			}
			if got := sent > 0; got != tt.shop {
				t.Errorf("the shop got it %d times", sent)
			}
			if len(evil.Requests()) > 0 {
				t.Errorf("the other vendor was called: %v", evil.Requests())
			}
		})
	}
}
