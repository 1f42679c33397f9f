package host_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
)

// leaky calls one API in each way in which a credential can get there.
const leaky = `
ikanos: 1.0.0-beta5
info: {display: Leaky}
binds: [{namespace: env, keys: {KEY: KEY, USER: USER}}]
capability:
  consumes:
  - {type: http, namespace: bound, baseUri: "https://api.example.invalid", authentication: {type: bearer, token: "{{KEY}}"}, resources: RESOURCES}
  - {type: http, namespace: basic, baseUri: "https://api.example.invalid", authentication: {type: basic, username: me, password: "{{KEY}}"}, resources: RESOURCES}
  - {type: http, namespace: key, baseUri: "https://api.example.invalid", authentication: {type: apikey, key: k, value: "{{KEY}}", placement: query}, resources: RESOURCES}
  - {type: http, namespace: member, baseUri: "https://api.example.invalid", authentication: {type: apikey, key: k, value: "{{KEY}}", placement: body}, resources: POSTED}
  - {type: http, namespace: written, baseUri: "https://api.example.invalid", authentication: {type: bearer, token: "CANARY"}, resources: RESOURCES}
  - {type: http, namespace: parameter, baseUri: "https://api.example.invalid", inputParameters: [{name: X-Word, in: header, value: "CANARY", x-fairlead: {secret: true}}], resources: RESOURCES}
  - {type: http, namespace: fetched, baseUri: "https://api.example.invalid", authentication: {type: oauth2, tokenEndpoint: "TOKENS", clientId: me, clientSecret: "{{USER}}"}, resources: RESOURCES}
  - {type: http, namespace: mine, baseUri: "https://api.example.invalid", resources: RESOURCES}
  - {type: http, namespace: word, baseUri: "https://api.example.invalid", inputParameters: [{name: X-Word, in: header, required: true, x-fairlead: {secret: true}}], resources: RESOURCES}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources: [ROUTES]
  - type: mcp
    namespace: tools
    port: 0
    tools: [TOOLS]
`

const (
	canary = `c4n/ry+"k&y"=<5>`
	token  = "fetched/token+5"
)

// leakyAPIs are the consumed APIs of leaky, with what reaches each that must not
// come back.
var leakyAPIs = map[string]string{
	"bound": canary, "basic": canary, "key": canary, "written": canary, "parameter": canary, "fetched": token,
	"member": canary, "mine": canary, "word": canary,
}

func leakyDocument(tokens string) string {
	resources := `[{path: /, operations: [{name: get, method: GET}, {name: xml, method: GET, path: /xml, outputRawFormat: xml}, {name: yaml, method: GET, path: /yaml, outputRawFormat: yaml}]}]`
	var routes, tools []string
	for api := range leakyAPIs {
		for _, op := range []string{"get", "xml", "yaml"} {
			routes = append(routes, fmt.Sprintf(`{path: /%s/%s, operations: [{method: GET, call: %s.%s}]}`, api, op, api, op))
			routes = append(routes, fmt.Sprintf(`{path: /%s/%s-shaped, operations: [{method: GET, call: %s.%s, outputParameters: [{name: a, type: string, mapping: $.a}]}]}`, api, op, api, op))
			if api != "mine" {
				tools = append(tools, fmt.Sprintf(`{name: %s-%s, description: x, call: %s.%s, outputParameters: [{name: a, type: string, mapping: $.a}]}`, api, op, api, op))
			}
		}
		routes = append(routes, fmt.Sprintf(`{path: "/%s/forward/{path}", forward: {targetNamespace: %s, trustedHeaders: [X-Api-Token]}}`, api, api))
	}
	return strings.NewReplacer("RESOURCES", resources, "POSTED", strings.ReplaceAll(resources, "GET", "POST"),
		"ROUTES", strings.Join(routes, ", "), "TOOLS",
		strings.Join(tools, ", "), "TOKENS", tokens,
		"CANARY", strings.ReplaceAll(canary, `"`, `\"`)).Replace(leaky)
}

// spelled are some of the spellings in which an API may repeat a credential;
// package secret tests them all.
var spelled = map[string]func(string) string{
	"plain":   func(s string) string { return s },
	"JSON":    func(s string) string { return strings.NewReplacer(`"`, `\"`, "/", `\/`, "=", `\u003d`).Replace(s) },
	"XML":     html.EscapeString,
	"percent": func(s string) string { return strings.ToLower(url.QueryEscape(url.QueryEscape(s))) },
	"base64":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x:" + s)) },
	"hex":     func(s string) string { return hex.EncodeToString([]byte(s)) },
}

// sinks are the answers that repeat a text. On a success the body is the
// caller's, so that only its headers count.
var sinks = map[string]func(w http.ResponseWriter, text string){
	"error, JSON": func(w http.ResponseWriter, text string) { say(w, 403, "application/json", `{"message":"`+text+`"}`) },
	"error, text": func(w http.ResponseWriter, text string) { say(w, 500, "text/plain", "no "+text) },
	"error, XML": func(w http.ResponseWriter, text string) {
		say(w, 404, "application/xml", "<e><message>"+text+"</message></e>")
	},
	"error, type": func(w http.ResponseWriter, text string) { say(w, 404, "text/plain; x="+text, "no") },
	"redirection": func(w http.ResponseWriter, text string) {
		say(w, 302, "text/html", `<a href="/?k=`+text+`">there</a>`, "Location", "https://other.example/?k="+text)
	},
	"not modified": func(w http.ResponseWriter, text string) { say(w, 304, "", "", "Etag", text) },
	"multiple":     func(w http.ResponseWriter, text string) { say(w, 300, "application/json", `{"a":"`+text+`"}`) },
	"refused": func(w http.ResponseWriter, text string) {
		say(w, 200, "application/json", `{"errors":[{"message":"no `+text+`"}],"data":null}`)
	},
	"success":  func(w http.ResponseWriter, text string) { say(w, 200, "application/json", `{"a":"`+text+`","n":1}`) },
	"not XML":  func(w http.ResponseWriter, text string) { say(w, 200, "application/xml", "<"+text) },
	"not YAML": func(w http.ResponseWriter, text string) { say(w, 200, "application/yaml", "a: *"+text) },
	"wrong encoding": func(w http.ResponseWriter, text string) {
		say(w, 200, "application/json", `{"a":1}`, "Content-Encoding", text)
	},
}

func init() {
	for _, name := range []string{"Retry-After", "X-RateLimit-Limit", "RateLimit", "Allow", "Location", "Link",
		"WWW-Authenticate", "Content-Disposition", "ETag",
		"Last-Modified", "Cache-Control", "Expires", "Content-Language", "Deprecation", "Sunset", "X-Total-Count"} {
		sinks[name+" of an error"] = func(w http.ResponseWriter,
			text string) {
			say(w, 429, "text/plain", "slow", name, "a; b="+text)
		}
		sinks[name+" of a success"] = func(w http.ResponseWriter, text string) {
			say(w, 201, "application/json", `{"a":"x"}`, name, "a; b="+text)
		}
	}
	sinks["Content-Type of a success"] = func(w http.ResponseWriter,
		text string) {
		say(w, 200, "text/plain; a="+text, "x")
	}
}

func say(w http.ResponseWriter, status int, contentType, body string, header ...string) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	if status != http.StatusNotModified {
		_, _ = w.Write([]byte(body))
	}
}

func TestCanary_noCredentialComesBack(t *testing.T) { // issue 9, A5; semantics 5.9
	var mu sync.Mutex
	var fetched int
	tokens := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fetched++
		say(w, 200, "application/json", fmt.Sprintf(`{"access_token":"%s%d","token_type":"Bearer"}`, token, fetched))
	})
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, leakyDocument(tokens.URL),
		testkit.Options{Upstream: up.URL, Env: map[string]string{"KEY": canary, "USER": "client secret"}})
	for sink, answer := range sinks {
		for spelling, spell := range spelled {
			apis := leakyAPIs
			if spelling != "JSON" { // one is enough: the way out is the same
				apis = map[string]string{"bound": canary}
			}
			reject := true // the first token
			up.Set(func(w http.ResponseWriter, r *http.Request) {
				secret := canary
				if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+token); ok {
					if reject = !reject; !reject {
						say(w, 401, "text/plain", "expired")
						return
					}
					secret = token + bearer
				}
				answer(w, spell(secret))
			})
			check := func(from, text string) {
				for api, secret := range apis {
					if name := spelledIn(text, secret); name != "" {
						t.Errorf("%s, %s: %s lets out the credential of %s in %s: %s", sink, spelling, from, api,
							name, text)
						return
					}
				}
			}
			var paths []string
			for api := range apis {
				for _, op := range []string{"get", "get-shaped", "xml-shaped", "yaml-shaped", "forward/x"} {
					paths = append(paths, "/"+api+"/"+op)
				}
			}
			for _, path := range paths {
				req, _ := http.NewRequestWithContext(t.Context(), "GET", s.REST+path, nil)
				if strings.HasPrefix(path, "/mine/") {
					req.Header.Set("Authorization", "Bearer "+canary)
				}
				req.Header.Set("X-Word", canary)
				req.Header.Set("X-Api-Token", canary)
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				var body bytes.Buffer
				_, _ = body.ReadFrom(resp.Body)
				resp.Body.Close()
				text := fmt.Sprint(resp.Header)
				if resp.StatusCode >= 300 || strings.Contains(sink, "encoding") {
					text += body.String()
				}
				check("GET "+path, text)
			}
			for api := range apis {
				for _, op := range []string{"get", "xml", "yaml"} {
					if api == "mine" {
						continue
					}
					arguments := ""
					if api == "word" {
						arguments = `{"X-Word":` + fmt.Sprintf("%q", canary) + `}`
					}
					check("tool "+api+"-"+op, testkit.CallTool(t, s.MCP, api+"-"+op, arguments))
				}
			}
		}
	}
}

// declaring is a document that declares parts of answers secret.
const declaring = `
ikanos: 1.0.0-beta5
info: {display: Declaring}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "https://api.example.invalid"
    resources:
    - path: /
      operations:
      - {name: json, method: POST, x-fairlead: {body: none, secrets: [$.token.id]}}
      - {name: yaml, method: POST, path: /yaml, outputRawFormat: yaml, x-fairlead: {body: none, secrets: [$.token.id]}}
      - {name: text, method: POST, path: /text, outputRawFormat: text, x-fairlead: {body: none, secrets: [$]}}
      - {name: use, method: GET, path: /use, inputParameters: [{name: X-Word, in: header, required: true}]}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /json, operations: [{method: POST, call: api.json}]}
    - {path: /flow, operations: [{method: POST, steps: FLOW}]}
  - type: mcp
    namespace: tools
    port: 0
    tools:
    - {name: json, description: x, call: api.json}
    - {name: shaped, description: x, call: api.json, outputParameters: [{name: a, type: string, mapping: $.a}, {name: t, type: string, mapping: $.token.id}]}
    - {name: yaml, description: x, call: api.yaml}
    - {name: text, description: x, call: api.text}
    - {name: flow, description: x, steps: FLOW, mappings: [{target: t, value: $.login.token.id}, {target: u, value: $.use}]}
    - {name: last, description: x, steps: FLOW}
    resources:
    - {name: kept, uri: "kept://one", description: x, mimeType: application/json, call: api.json}
    - {name: any, uri: "kept://{id}", description: x, call: api.json}
`

func TestCanary_declaredSecretsStayFromModels(t *testing.T) { // issue 11.6; semantics 5.9
	const flow = `[{name: login, type: call, call: api.json}, {name: use, type: call, call: api.use, with: {X-Word: "{{login.token.id}}"}}]`
	up := testkit.NewUpstream(t, nil)
	var log bytes.Buffer
	var heard strings.Builder
	var mu sync.Mutex
	listener := &event.Listener{Kinds: ^event.Kind(0), Hear: func(_ context.Context, e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&heard, "%+v\n", e)
	}}
	s := testkit.Serve(t, strings.ReplaceAll(declaring, "FLOW", flow),
		testkit.Options{Upstream: up.URL, Log: &log, Listen: listener})
	quoted, _ := json.Marshal(canary)
	for spelling, spell := range spelled {
		for sink, use := range sinks {
			said := spell(canary)
			up.Set(func(w http.ResponseWriter, r *http.Request) {
				repeated, _ := json.Marshal(said)
				switch r.URL.Path {
				case "/use":
					use(w, said)
				case "/text":
					say(w, 200, "text/plain", canary, "Etag", said)
				case "/yaml":
					say(w, 200, "application/yaml", "token: {id: "+string(quoted)+"}\na: "+string(repeated)+"\n")
				default:
					say(w, 201, "application/json", `{"token":{"id":`+string(quoted)+`,"n":1},"a":`+string(repeated)+`}`,
						"Location", "https://other.example/?k="+said, "ETag", said, "Link",
						"<https://a.example/"+said+">")
				}
			})
			var answers []string
			for _, tool := range []string{"json", "shaped", "yaml", "text", "flow", "last"} {
				answers = append(answers, testkit.CallTool(t, s.MCP, tool, ""))
			}
			for _, uri := range []string{"kept://one", "kept://two"} {
				_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"`+uri+`"}}`,
					"Content-Type", "application/json", "Accept", "application/json, text/event-stream",
					"MCP-Protocol-Version", "2025-06-18")
				answers = append(answers, body)
			}
			status, header, body := testkit.Do(t, "POST", s.REST+"/flow", "")
			if status >= 400 { // of a success it is what the caller asked for
				answers = append(answers, fmt.Sprint(header, body))
			}
			mu.Lock()
			events := heard.String()
			heard.Reset()
			mu.Unlock()
			for _, text := range append(answers, log.String(), events) {
				if found := spelledIn(text, canary); found != "" {
					t.Fatalf("%s, %s: lets out what is declared secret, in %s: %s", sink, spelling, found, text)
				}
			}
			if !strings.Contains(answers[0], secret.Kept) || !strings.Contains(answers[0], `\"n\":1`) {
				t.Fatalf("%s: the rest of the answer is not there: %s", sink, answers[0])
			}
			log.Reset()
		}
	}
	status, header, body := testkit.Do(t, "POST", s.REST+"/json", "")
	if status != 201 || !strings.Contains(body, string(quoted)) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("a REST caller gets %d %v %s", status, header, body)
	}
}

// spelledIn is the name of a spelling of the secret that stands in a text.
func spelledIn(text, secret string) string {
	for name, spell := range spelled {
		spelled := spell(secret)
		if name == "base64" { // what does not depend on its neighbours
			spelled = spelled[3:15]
		}
		if strings.Contains(text, spelled) {
			return name
		}
	}
	return ""
}

func TestCanary_whatMayBeToldOfASessionIsNotItsToken(t *testing.T) { // issue 11.6
	quoted, _ := json.Marshal(canary)
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n"+
		`{"token":`+string(quoted)+`,"renews":"r`+token+`","user":"me"}`))
	s := testkit.Serve(t, `
ikanos: 1.0.0-beta5
info: {display: Told}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "https://api.example.invalid"
    x-fairlead: {session: {login: api.log-in, ask: {user: User}, token: $.token, renews: $.renews,
      show: {user: $.user, key: $.token, again: $.renews}}}
    resources:
    - path: /login
      operations: [{name: log-in, method: POST, inputParameters: [{name: user, in: body}, {name: kind, in: body}]}]
  exposes:
  - {type: mcp, namespace: tools, port: 0, tools: [{name: log-in, description: x, call: api.log-in}]}
`, testkit.Options{Upstream: up.URL})
	one := s.Document.Plan.Sessions[0]
	made, failure := s.Engine.SignIn(t.Context(), one, map[string]string{"user": "me"}, "")
	if failure != nil {
		t.Fatal(failure)
	}
	key, _ := s.Engine.SessionKey(t.Context(), one, session.Local())
	if err := s.Vault.Put(t.Context(), key, made); err != nil {
		t.Fatal(err)
	}
	result, failure := s.Engine.Invoke(t.Context(), s.Document.Plan.Servers[0].Tools[0],
		engine.Args{Principal: session.Local()})
	if failure != nil {
		t.Fatal(failure)
	}
	defer result.Close()
	body, _ := result.Bytes(1 << 20)
	text := string(result.Masked(body))
	if spelledIn(text, canary) != "" || strings.Contains(text, token) || !strings.Contains(text, `"user":"me"`) {
		t.Errorf("the tool tells %s", text)
	}
}
