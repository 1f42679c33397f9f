package compile

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// folder is the folder of a document in a test.
type folder struct{ fstest.MapFS }

func (f folder) Folder(string) (fs.FS, error) { return nil, fs.ErrNotExist }

func (f folder) Locate(location string) string { return location }

// compileAuth compiles a document whose API has the authentication block, and
// returns the unit that calls it; nil when it is withheld.
func compileAuth(t *testing.T, block string) (*plan.Unit, diag.List) {
	t.Helper()
	root, diags := document.Parse("d.yaml", []byte(`
naftiko: "0.5"
binds:
- {namespace: env, keys: {ID: ID, SECRET: SECRET, HOST: HOST, TOKEN: TOKEN}}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.test
    authentication: `+block+`
    resources:
    - {name: things, path: /things, operations: [{name: list, method: GET}]}
  exposes:
  - type: rest
    port: 8080
    namespace: own
    resources:
    - path: /things
      operations: [{method: GET, name: list, call: api.list}]
`))
	model, more := normalize.Capability("d.yaml", root, nil)
	plan, found := Capability(model, Options{Files: folder{fstest.MapFS{"keys/sign.pem": {Data: []byte("PEM")}}}})
	diags = slices.Concat(diags, more, found)
	if len(plan.Servers) == 0 || len(plan.Servers[0].Routes) == 0 {
		return nil, diags
	}
	return plan.Servers[0].Routes[0].Unit, diags
}

// filled is the frame of a unit in which every secret holds its key, in angle brackets.
func filled(u *plan.Unit) expr.Frame {
	f := make(expr.Frame, u.Slots)
	for _, s := range u.Secrets {
		f[s.Slot] = value.Of("<" + s.Refs[0].Key + ">")
	}
	for _, w := range u.Written {
		f[w.Slot] = value.Of(w.Text.Reveal())
	}
	return f
}

func TestAuth_compilesEveryKind(t *testing.T) {
	for _, c := range []struct{ name, block, want string }{
		{"basic", `{type: basic, username: "{{ID}}", password: "{{env.SECRET}}"}`, "Authorization: Basic PElEPjo8U0VDUkVUPg=="},
		{"basic with a token", `{type: basic, token: "{{TOKEN}}"}`, "Authorization: Basic <TOKEN>"},
		{"bearer", `{type: bearer, token: "{{TOKEN}}"}`, "Authorization: Bearer <TOKEN>"},
		{"bearer with its word", `{type: bearer, token: "Bearer {{TOKEN}}"}`, "Authorization: Bearer <TOKEN>"},
		{"a key", `{type: apikey, key: X-Key, value: "{{TOKEN}}", placement: header}`, "X-Key: <TOKEN>"},
		{"a key, in and name", `{type: apiKey, in: query, name: k, value: "{{TOKEN}}"}`, "?k=%3CTOKEN%3E"},
		{"a key in parameters", `{type: query, parameters: {k: "{{TOKEN}}", l: x}}`, "?k=%3CTOKEN%3E&l=x"},
		{"headers", `{type: apikey, headers: {x-key: "{{TOKEN}}"}}`, "X-Key: <TOKEN>"},
		{"digest", `{type: digest, username: "{{ID}}", password: "{{SECRET}}"}`, "Digest <ID> <SECRET>"},
		{"oauth2 with a token", `{type: oauth2, token: "{{TOKEN}}"}`, "Authorization: Bearer <TOKEN>"},
		{"oauth2 client", `{type: oauth2, grantType: client-credentials, tokenEndpoint: "https://{{HOST}}/token", clientId: "{{ID}}", clientSecret: "{{SECRET}}", scope: "a b"}`,
			"OAuth2 https://<HOST>/token <ID> <SECRET> - [a b] - -"},
		{"oauth2 old names", `{type: oauth2, tokenUrl: "https://x.test/t", client_id: "{{ID}}", client_secret: "{{SECRET}}", scopes: [a, "{{HOST}}"], audience: u, resource: r}`,
			"OAuth2 https://x.test/t <ID> <SECRET> - [a <HOST>] u r"},
		{"oauth2 refresh", `{type: oauth2, grantType: refresh_token, tokenEndpoint: "https://x.test/t", clientId: "{{ID}}", clientSecret: "{{SECRET}}", refreshToken: "{{TOKEN}}"}`,
			"OAuth2 https://x.test/t <ID> <SECRET> <TOKEN> [] - -"},
		{"oauth1 with a key", `{type: oauth1, consumerKey: "{{ID}}", signingKey: "{{SECRET}}"}`, "OAuth1 RSA-SHA256 <ID> - - - <SECRET>"},
		{"oauth1 with a file", `{type: oauth1, consumerKey: "{{ID}}", signingKey: keys/sign.pem}`, "OAuth1 RSA-SHA256 <ID> - - - PEM"},
		{"oauth1 with secrets", `{type: oauth1, consumerKey: "{{ID}}", consumerSecret: "{{SECRET}}", accessToken: "{{TOKEN}}", accessTokenSecret: ts, signatureMethod: hmac-sha256}`,
			"OAuth1 HMAC-SHA256 <ID> <SECRET> <TOKEN> ts -"},
		{"hmac", `{type: hmac, apiId: "{{ID}}", apiKey: "{{SECRET}}"}`, "VERACODE <ID> <SECRET>"},
		{"aws", `{type: aws-sig-v4, accessKeyId: "{{ID}}", secretKey: "{{SECRET}}", region: "{{HOST}}", service: ce}`, "AWS <ID> <SECRET> - <HOST> ce"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, diags := compileAuth(t, c.block)
			if u == nil || diags.Count(diag.Error) > 0 {
				t.Fatalf("withheld: %v", diags)
			}
			if got := described(t, u); !strings.Contains(got, c.want) {
				t.Errorf("no %q in\n%s", c.want, got)
			}
			for _, s := range u.Secrets {
				if !s.ForAuth {
					t.Errorf("the secret %s is not marked as authentication's", s.Refs[0].Key)
				}
			}
		})
	}
}

// described is what a unit's authentication comes to.
func described(t *testing.T, u *plan.Unit) string {
	f := filled(u)
	r := u.Steps[0].Call.Request
	all := func(kind string, es ...expr.Expr) string {
		for _, e := range es {
			v, err := e.Eval(f)
			switch {
			case err != nil:
				t.Fatal(err)
			case v.IsAbsent():
				kind += " -"
			default:
				kind += " " + v.Text()
			}
		}
		return kind
	}
	switch a := r.Auth.(type) {
	case *upstream.Digest:
		return all("Digest", a.Username, a.Password)
	case *upstream.Veracode:
		return all("VERACODE", a.ID, a.Key)
	case *upstream.AWS:
		return all("AWS", a.AccessKeyID, a.SecretAccessKey, a.SessionToken, a.Region, a.Service)
	case *upstream.OAuth1:
		return all("OAuth1 "+a.Method, a.ConsumerKey, a.ConsumerSecret, a.Token, a.TokenSecret, a.SigningKey)
	case *upstream.OAuth2:
		scope, _ := a.Scope.Eval(f)
		return all(all("OAuth2", a.TokenEndpoint, a.ClientID, a.ClientSecret, a.RefreshToken)+" ["+scope.Text()+"]",
			a.Audience, a.Resource)
	}
	req, credential, err := r.Build(f, nil, upstream.Own{})
	if err != nil || credential != nil {
		t.Fatalf("credential %v, error %v", credential, err)
	}
	var b strings.Builder
	b.WriteString("?" + req.URL.RawQuery + "\n")
	_ = req.Header.Write(&b)
	return b.String()
}

func TestAuth_withholdsWhatLacksSomething(t *testing.T) {
	for _, c := range []struct{ name, block, code, message string }{
		{"digest", `{type: digest, username: x}`, "auth-incomplete", "digest authentication lacks “password”"},
		{"oauth2", `{type: oauth2, scopes: [a]}`, "auth-incomplete", "oauth2 authentication lacks “tokenEndpoint”"},
		{"oauth2 secret", `{type: oauth2, tokenEndpoint: "https://x.test", clientId: x}`, "auth-incomplete", "oauth2 authentication lacks “clientSecret”"},
		{"oauth2 refresh", `{type: oauth2, grantType: refresh-token, tokenEndpoint: "https://x.test", clientId: x}`, "auth-incomplete", "oauth2 authentication lacks “refreshToken”"},
		{"oauth2 grant", `{type: oauth2, grantType: password, tokenEndpoint: "https://x.test", clientId: x}`, "auth-unsupported", "the OAuth 2 grant “password” is not supported"},
		{"oauth1", `{type: oauth1, consumerKey: x}`, "auth-incomplete", "oauth1 authentication lacks “consumerSecret”"},
		{"oauth1 key", `{type: oauth1, consumerKey: x, signatureMethod: RSA-SHA1}`, "auth-incomplete", "oauth1 authentication lacks “signingKey”"},
		{"oauth1 file", `{type: oauth1, consumerKey: x, signingKey: ../else.pem}`, "auth-incomplete", "the signing key “../else.pem” cannot be read"},
		{"oauth1 method", `{type: oauth1, consumerKey: x, consumerSecret: y, signatureMethod: PLAINTEXT}`, "auth-unsupported", "the OAuth 1 signature method “PLAINTEXT” is not supported"},
		{"hmac", `{type: hmac, apiId: x}`, "auth-incomplete", "hmac authentication lacks “apiKey”"},
		{"aws", `{type: awsSigV4, region: x, service: y}`, "auth-incomplete", "aws-sigv4 authentication lacks “accessKeyId”"},
		{"another", `{type: certificate, certPath: x}`, "auth-unsupported", "authentication of type “certificate” is not supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, diags := compileAuth(t, c.block)
			if u != nil {
				t.Error("the unit is served")
			}
			if !slices.ContainsFunc(diags, func(d diag.Diagnostic) bool {
				return d.Code == c.code &&
					d.Message == c.message
			}) {
				t.Errorf("no such diagnostic in %v", diags)
			}
		})
	}
}

func TestAuth_warnsOfATokenEndpointWithoutTLS(t *testing.T) {
	for host, want := range map[string]bool{"login.test": true, "127.login.test": true, "127.0.0.1": false,
		"localhost": false, "[::1]": false} {
		u, diags := compileAuth(t, `{type: oauth2, tokenEndpoint: "http://`+host+`/t", clientId: x, clientSecret: y}`)
		if u == nil || want != slices.ContainsFunc(diags,
			func(d diag.Diagnostic) bool { return d.Code == diag.BaseURIPlaintext.ID }) {
			t.Errorf("%s: diagnostics %v", host, diags)
		}
	}
}

// Keys of x-fairlead that say how an API is called reach upstream by the table of elements.
func TestCall_isSentAsTheDocumentSays(t *testing.T) {
	for word, want := range map[string]bool{"true": true, "yes": true, "false": false, "often": false} {
		u, diags := compileAuth(t, "{type: bearer, token: \"{{TOKEN}}\"}\n    x-fairlead: {http2: "+word+"}")
		if u == nil {
			t.Fatal(diags)
		}
		if got := u.Steps[0].Call.Request.Policy.HTTP2; got != want {
			t.Errorf("http2: %s: %t", word, got)
		}
	}
}
