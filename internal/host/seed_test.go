package host_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/leak"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// The tests below go through the defects S1 to S23 that a user of the published
// document meets on the reference engine, over real sockets.

// seed serves the embedded document, with its overlay or, bare, as published.
func seed(t *testing.T, up *testkit.Upstream, bare bool, env map[string]string) *testkit.Served {
	t.Helper()
	src, err := host.Read("", host.ReadOptions{NoOverlay: bare})
	if err != nil {
		t.Fatal(err)
	}
	return testkit.ServeSource(t, src, testkit.Options{Upstream: up.URL, Env: env})
}

// seedWithoutSessions serves the embedded document as --no-sessions does.
func seedWithoutSessions(t *testing.T, up *testkit.Upstream, bare bool) *testkit.Served {
	t.Helper()
	src, err := host.Read("", host.ReadOptions{NoOverlay: bare})
	if err != nil {
		t.Fatal(err)
	}
	return testkit.ServeSource(t, src, testkit.Options{Upstream: up.URL, Plan: compile.Options{NoSessions: true}})
}

const (
	loginBody  = `{"email": "a@b.c",  "password":"p\u00e4ss", "n": 12345678901234567890}`
	tokenReply = `{"token":{"id":"jwt","user_id":"u","organization_id":"o","expires_at":"2026-01-01T00:00:00Z"}}`
)

func TestSeed_isServedWithoutFindings(t *testing.T) { // S1
	src, err := host.Read("", host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := host.Compile(src, compile.Options{})
	if len(d.Diags) > 0 || d.Served() != 8 || d.Withheld() != 0 {
		t.Errorf("%d served, %d withheld, %v", d.Served(), d.Withheld(), d.Diags)
	}
	published, err := os.ReadFile("../../../shared/koyeb/koyeb-sessions.yaml")
	if err != nil {
		t.Skip("the published document is not beside the repository: not compared")
	}
	if !bytes.Equal(src.Text, published) {
		t.Error("the embedded document is not the published one, byte for byte")
	}
}

func TestSeed_asPublishedNamesTheUnusedCredential(t *testing.T) { // S7, semantics 4.7
	src, err := host.Read("", host.ReadOptions{NoOverlay: true})
	if err != nil {
		t.Fatal(err)
	}
	d := host.Compile(src, compile.Options{})
	toModels := 0
	d.Diags = slices.DeleteFunc(d.Diags, func(g diag.Diagnostic) bool {
		if g.Code == "secret-to-model" {
			toModels++
		}
		return g.Code == "body-passed" || g.Code == "secret-to-model"
	})
	if toModels != 3 { // all but the logout answer tokens
		t.Errorf("it is said of %d tools that models see tokens", toModels)
	}
	if len(d.Diags) != 1 || d.Diags[0].Code != "bind-unused" || d.Diags[0].Range.Start.Line != 14 ||
		!strings.Contains(d.Diags[0].Hint, "{{KOYEB_API_KEY}}") {
		t.Errorf("got %v", d.Diags)
	}
	if d.Served() != 8 {
		t.Errorf("%d served", d.Served())
	}
}

func TestSeed_startsWithoutTheCredential(t *testing.T) { // S2
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n"+tokenReply))
	s := seed(t, up, false, nil)
	if status, _, body := testkit.Do(t, "POST", s.REST+"/v1/v1/account/login", loginBody, "Content-Type",
		"application/json"); status != 200 || body != tokenReply {
		t.Errorf("login: %d %s", status, body)
	}
	status, header, body := testkit.Do(t, "DELETE", s.REST+"/v1/v1/account/logout", "")
	if status != 503 || header.Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(body, "KOYEB_API_KEY or KOYEB_API_TOKEN or KOYEB_TOKEN") ||
		!strings.Contains(body, "Authorization") {
		t.Errorf("logout without a credential: %d %s", status, body)
	}
	if n := len(up.Requests()); n != 1 {
		t.Errorf("%d requests went upstream, want login only", n)
	}
}

func TestSeed_RESTPassesWhatTheCallerSent(t *testing.T) { // S4, S5, S6
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n"+tokenReply))
	for _, bare := range []bool{false, true} {
		s := seed(t, up, bare, map[string]string{"KOYEB_API_KEY": "key"})
		testkit.Do(t, "POST", s.REST+"/v1/v1/account/login", loginBody, "Content-Type",
			"application/json; charset=utf-8", "seon-fp", "finger", "Cookie", "a=b", "Baggage", "x=y", "X-Other", "z")
		testkit.Do(t, "POST", s.REST+"/v1/v1/account/login", loginBody, "Content-Type", "application/json")
		got := up.Requests()
		if len(got) != 2 {
			t.Fatalf("%d requests", len(got))
		}
		first := got[0]
		if first.Method != "POST" || first.URI != "/v1/account/login" || string(first.Body) != loginBody ||
			first.Header.Get("Content-Type") != "application/json; charset=utf-8" ||
			first.Header.Get("Seon-Fp") != "finger" {
			t.Errorf("sent\n%s", first.Text())
		}
		for _, name := range []string{"Cookie", "Baggage", "X-Other", "Authorization"} { // S20, S23
			if v, there := first.Header[name]; there {
				t.Errorf("%s: %v went upstream", name, v)
			}
		}
		if v, there := got[1].Header["Seon-Fp"]; there {
			t.Errorf("seon-fp %q was invented", v)
		}
	}
}

func TestSeed_authorization(t *testing.T) { // S7
	up := testkit.NewUpstream(t, nil)
	for name, test := range map[string]struct {
		bare         bool
		env          map[string]string
		caller, want string
	}{
		"the caller's own passes where nothing else is declared": {true, nil, "Bearer mine", "Bearer mine"},
		"the caller's own goes before the bound key": {false, map[string]string{"KOYEB_API_KEY": "key"},
			"Bearer mine", "Bearer mine"},
		"the caller's own needs no bound key": {false, nil, "Bearer mine", "Bearer mine"},
		"the bound key serves callers without one": {false, map[string]string{"KOYEB_API_KEY": "key"},
			"", "Bearer key"},
		"the key's other names are known": {false, map[string]string{"KOYEB_TOKEN": "tok"}, "",
			"Bearer tok"},
	} {
		t.Run(name, func(t *testing.T) {
			s := seed(t, up, test.bare, test.env)
			for _, call := range [][2]string{{"DELETE", "logout"}, {"PUT", "refresh"}, {"POST", "session"}} {
				var header []string
				if test.caller != "" {
					header = []string{"Authorization", test.caller}
				}
				status, _, body := testkit.Do(t, call[0], s.REST+"/v1/v1/account/"+call[1], "", header...)
				got := up.Requests()
				if test.caller == "" && call[1] != "session" { // the key is never renewed and never ended
					if status != 503 || len(got) > 0 {
						t.Errorf("%s: %d %s %v", call[1], status, body, got)
					}
					continue
				}
				if status != 200 || len(got) != 1 || got[0].Method != call[0] ||
					got[0].URI != "/v1/account/"+call[1] || got[0].Header.Get("Authorization") != test.want {
					t.Errorf("%s: %d %s %v", call[1], status, body, got)
				}
			}
		})
	}
}

func TestSeed_MCPCallersCredentialStaysHere(t *testing.T) { // semantics 4.7
	up := testkit.NewUpstream(t, nil)
	s := seed(t, up, false, map[string]string{"KOYEB_API_KEY": "key"})
	testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"new-session","arguments":{}}}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "Authorization",
		"Bearer callers")
	if got := up.Requests(); len(got) != 1 || got[0].Header.Get("Authorization") != "Bearer key" {
		t.Errorf("sent %v", got)
	}
}

func TestSeed_MCPCallersMayBringACredentialInItsOwnHeader(t *testing.T) { // semantics 4.7
	up := testkit.NewUpstream(t, nil)
	src, _ := host.Read("", host.ReadOptions{})
	s := testkit.ServeSource(t, src,
		testkit.Options{Upstream: up.URL, Env: map[string]string{"KOYEB_API_KEY": "key"},
			MCP: host.MCPOptions{CredentialHeader: "X-Koyeb-Token"}})
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"new-session","arguments":{}}}`
	for header, want := range map[string]string{"X-Koyeb-Token": "Bearer own", "Authorization": "Bearer key"} {
		testkit.Do(t, "POST", s.MCP, call, "Content-Type", "application/json", "Accept",
			"application/json, text/event-stream", header, "Bearer own")
		if got := up.Requests(); len(got) != 1 || got[0].Header.Get("Authorization") != want ||
			got[0].Header.Get("X-Koyeb-Token") != "" {
			t.Errorf("%s: sent %v", header, got)
		}
	}
}

func TestSeed_RESTAnswers(t *testing.T) { // S8, S9, S10, S11, S14, S18, S21
	html := "<!doctype html><html><body>app</body></html>"
	for name, test := range map[string]struct {
		answer       string
		status       int
		contentType  string
		body         string // "~x" only wants x in it
		header, want string
	}{
		"success passes byte for byte":      {"HTTP/1.1 200 OK\nContent-Type: application/json\nX-Ratelimit-Remaining: 3\nSet-Cookie: a=b\n\n{\"z\":1.10, \"a\":9007199254740993}", 200, "application/json", `{"z":1.10, "a":9007199254740993}`, "X-Ratelimit-Remaining", "3"},
		"created keeps status and location": {"HTTP/1.1 201 Created\nContent-Type: application/json\nLocation: https://elsewhere.example/x/1\n\n{}", 201, "application/json", "{}", "Location", "https://elsewhere.example/x/1"},
		"204 stays 204":                     {"HTTP/1.1 204 No Content\n\n", 204, "", "", "", ""},
		"empty success stays empty":         {"HTTP/1.1 200 OK\n\n", 200, "", "", "", ""},
		"JSON errors pass":                  {"HTTP/1.1 401 Unauthorized\nContent-Type: application/json\nWWW-Authenticate: Bearer\n\n{\"status\":401,\"message\":\"no\"}", 401, "application/json", `{"status":401,"message":"no"}`, "Www-Authenticate", "Bearer"},
		"errors that are no JSON pass":      {"HTTP/1.1 502 Bad Gateway\nContent-Type: text/html\nRetry-After: 7\n\n" + html, 502, "text/html", html, "Retry-After", "7"},
		"rate limits pass":                  {"HTTP/1.1 429 Too Many Requests\nContent-Type: application/json\nX-Ratelimit-Reset: 9\n\n{}", 429, "application/json", "{}", "X-Ratelimit-Reset", "9"},
		"a page instead of JSON is an error": {"HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8\n\n" + html,
			502, "application/problem+json", "~HTML", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			up := testkit.NewUpstream(t, testkit.Answer(test.answer))
			s := seed(t, up, false, map[string]string{"KOYEB_API_KEY": "key"})
			status, header, body := testkit.Do(t, "POST", s.REST+"/v1/v1/account/session", "")
			if status != test.status || header.Get("Content-Type") != test.contentType {
				t.Errorf("got %d %s", status, header)
			}
			if inside, ok := strings.CutPrefix(test.body, "~"); ok && !strings.Contains(body, inside) || !ok &&
				body != test.body {
				t.Errorf("body %s", body)
			}
			if test.header != "" && header.Get(test.header) != test.want {
				t.Errorf("header %s: %q", test.header, header.Get(test.header))
			}
			if header.Get("Set-Cookie") != "" {
				t.Error("Set-Cookie passed")
			}
		})
	}
}

func TestSeed_noAnswerIsAGatewayError(t *testing.T) { // S18
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	release := make(chan struct{})
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/account/refresh" {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	src, _ := host.Read("", host.ReadOptions{})
	s := testkit.ServeSource(t, src,
		testkit.Options{Upstream: up.URL, Env: map[string]string{"KOYEB_API_KEY": "k"},
			Limits: upstream.Limits{Header: 50 * time.Millisecond}})
	dead := testkit.ServeSource(t, src,
		testkit.Options{Upstream: "http://" + refused.Addr().String(), Env: map[string]string{"KOYEB_API_KEY": "k"}})
	for _, test := range []struct {
		url, method string
		status      int
		says        string
	}{
		{s.REST + "/v1/v1/account/logout", "DELETE", 504, "in time"},
		{s.REST + "/v1/v1/account/refresh", "PUT", 502, "closed the connection"},
		{dead.REST + "/v1/v1/account/session", "POST", 502, "refuses connections"},
	} {
		status, header, body := testkit.Do(t, test.method, test.url, "", "Authorization", "Bearer mine")
		if status != test.status || header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(body, test.says) || strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s: %d %s", test.url, status, body)
		}
	}
}

func TestSeed_toolsSayWhatTheyTake(t *testing.T) { // S12, S15
	up := testkit.NewUpstream(t, nil)
	s := seedWithoutSessions(t, up, false)
	_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Content-Type", "application/json", "Accept", "application/json, text/event-stream")
	v, err := value.Parse([]byte(body))
	if err != nil {
		t.Fatal(err, body)
	}
	tools := v.Path("result", "tools")
	var names []string
	for i := range tools.Len() {
		names = append(names, tools.At(i).Get("name").Text())
	}
	if got := strings.Join(names, " "); got != "login-user logout-user refresh-token new-session" {
		t.Fatalf("tools %s", got)
	}
	schema := tools.At(0).Get("inputSchema")
	for path, want := range map[string]string{
		"type": `"object"`, "required": `["body"]`, "properties.body.type": `"object"`, "properties.body.required": `["email","password"]`,
		"properties.body.properties.email.type": `"string"`, "properties.seon-fp.type": `"string"`, "properties.seon-fp.description": `"Seon Fingerprint"`,
	} {
		if got := string(schema.Path(strings.Split(path, ".")...).AppendJSON(nil)); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	for i, want := range []string{"false false false", "false true true", "false false true", "false false false"} {
		a := tools.At(i).Get("annotations")
		if got := a.Get("readOnlyHint").Text() + " " + a.Get("destructiveHint").Text() + " " +
			a.Get("idempotentHint").Text(); got != want {
			t.Errorf("%s: hints %s, want %s", names[i], got, want)
		}
	}
	if got := testkit.CallTool(t, s.MCP, "login-user", `{"seon-fp":"x"}`); !strings.Contains(got, `"isError":true`) || !strings.Contains(got, "body") {
		t.Errorf("a missing body: %s", got)
	}
	if status, _, body := testkit.Do(t, "POST", s.REST+"/v1/v1/account/login", ""); status != 400 ||
		!strings.Contains(body, "body") {
		t.Errorf("a missing body over REST: %d %s", status, body)
	}
	if n := len(up.Requests()); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
}

func TestSeed_toolsPassTheirArguments(t *testing.T) { // S13
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n"+tokenReply))
	for name, arguments := range map[string]string{
		"an object":         `{"body":{"email":"a@b.c","password":"p"},"seon-fp":"f"}`,
		"text that is JSON": `{"body":"{\"email\":\"a@b.c\",\"password\":\"p\"}","seon-fp":"f"}`,
	} {
		for _, bare := range []bool{false, true} {
			s := seedWithoutSessions(t, up, bare)
			got := testkit.CallTool(t, s.MCP, "login-user", arguments)
			v, _ := value.Parse([]byte(got))
			want, id := tokenReply, "jwt"
			if !bare { // the overlay declares it secret
				want, id = strings.Replace(tokenReply, "jwt", secret.Kept, 1), secret.Kept
			}
			if v.Path("result", "structuredContent", "token", "id").Text() != id ||
				v.Path("result", "content").At(0).Get("text").Text() != want {
				t.Errorf("%s: %s", name, got)
			}
			requests := up.Requests()
			if len(requests) != 1 {
				t.Fatalf("%s: %d requests", name, len(requests))
			}
			body, _ := value.Parse(requests[0].Body)
			if body.Text() != `{"email":"a@b.c","password":"p"}` || requests[0].Header.Get("Seon-Fp") != "f" || requests[0].Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: sent\n%s", name, requests[0].Text())
			}
		}
	}
}

func TestSeed_toolErrorsCanBeRead(t *testing.T) { // S14
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"status\":401,\"code\":\"authentication_error\",\"message\":\"the token expired\"}"))
	s := seed(t, up, false, map[string]string{"KOYEB_API_KEY": "k"})
	got := testkit.CallTool(t, s.MCP, "new-session", "")
	for _, want := range []string{`"isError":true`, "401", "the token expired", "authentication_error"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestSeed_listensOnLoopbackOnly(t *testing.T) { // S16
	src, _ := host.Read("", host.ReadOptions{})
	h, _, err := host.Open(host.Config{Documents: []*host.Document{host.Compile(src, compile.Options{})},
		AutoPorts: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, a := range h.Adapters() {
		if !strings.HasPrefix(a.URL, "http://127.0.0.1:") {
			t.Errorf("%s listens on %s", a.Namespace, a.URL)
		}
	}
}

func TestSeed_methodsArePolite(t *testing.T) { // S17
	s := seed(t, testkit.NewUpstream(t, nil), false, nil)
	status, header, _ := testkit.Do(t, "GET", s.REST+"/v1/v1/account/login", "")
	if status != 405 || !strings.Contains(header.Get("Allow"), "POST") {
		t.Errorf("GET: %d, Allow %q", status, header.Get("Allow"))
	}
	if status, header, _ := testkit.Do(t, "OPTIONS", s.REST+"/v1/v1/account/login", ""); status != 204 ||
		!strings.Contains(header.Get("Allow"), "POST") {
		t.Errorf("OPTIONS: %d, Allow %q", status, header.Get("Allow"))
	}
	if status, _, body := testkit.Do(t, "POST", s.REST+"/v1/account/login", "{}"); status != 404 ||
		!strings.Contains(body, "/v1/v1/account/login") {
		t.Errorf("a near path: %d %s", status, body)
	}
}

func TestSeed_cookiesAreKeptForNobody(t *testing.T) { // S20
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\nSet-Cookie: session=secret\n\n{}"))
	s := seed(t, up, true, nil)
	for range 2 {
		testkit.Do(t, "POST", s.REST+"/v1/v1/account/session", "")
	}
	for _, r := range up.Requests() {
		if r.Header.Get("Cookie") != "" {
			t.Errorf("sent %s", r.Text())
		}
	}
}

func TestSeed_everyMCPEraIsServed(t *testing.T) { // S22; semantics 6.4
	s := seed(t, testkit.NewUpstream(t, nil), false, nil)
	for _, version := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		_, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"`+version+`","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`,
			"Content-Type", "application/json", "Accept", "application/json, text/event-stream")
		if !strings.Contains(body, `"protocolVersion":"`+version+`"`) {
			t.Errorf("%s: %s", version, body)
		}
	}
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	status, _, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{`+meta+`}}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version",
		"2026-07-28", "Mcp-Method", "server/discover")
	if status != 200 || !strings.Contains(body, `"resultType":"complete"`) {
		t.Errorf("2026-07-28: %d %s", status, body)
	}
	root := strings.TrimSuffix(s.MCP, "/mcp") + "/"
	if status, _, _ := testkit.Do(t, "POST", root, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Content-Type", "application/json", "Accept", "application/json, text/event-stream"); status != 200 {
		t.Errorf("/ answers %d", status)
	}
}

func TestSeed_secretsReachNoSink(t *testing.T) {
	const key, password, token = "canary-key-51a2", "canary-password-77b1", "canary-token-93c4"
	var mu sync.Mutex
	var log bytes.Buffer
	up := testkit.NewUpstream(t, nil)
	src, _ := host.Read("", host.ReadOptions{})
	s := testkit.ServeSource(t, src,
		testkit.Options{Upstream: up.URL, Env: map[string]string{"KOYEB_API_KEY": key},
			Log: writer(func(p []byte) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				return log.Write(p)
			})})
	var seen strings.Builder
	for _, answer := range []string{
		"HTTP/1.1 200 OK\nContent-Type: application/json\n\n{}",
		"HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"message\":\"no\"}",
		"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<html></html>", "HTTP/1.1 503 Service Unavailable\n\n",
	} {
		up.Set(testkit.Answer(answer))
		for _, call := range [][2]string{{"DELETE", "logout"}, {"PUT", "refresh"}, {"POST", "login"}} {
			_, h, body := testkit.Do(t, call[0], s.REST+"/v1/v1/account/"+call[1], `{"email":"a@b.c","password":"`+password+`"}`, "Content-Type", "application/json")
			fmt.Fprintln(&seen, h, body)
			_, h, body = testkit.Do(t, call[0], s.REST+"/v1/v1/account/"+call[1], `{"email":1`, "Authorization", "Bearer "+token)
			fmt.Fprintln(&seen, h, body)
		}
		fmt.Fprintln(&seen, testkit.CallTool(t, s.MCP, "logout-user", ""), testkit.CallTool(t, s.MCP, "login-user", `{"body":{"email":"a@b.c","password":"`+password+`"}}`),
			testkit.CallTool(t, s.MCP, "login-user", `{"body":{"password":"`+password+`"},"other":1}`))
	}
	up.Close() // and when nobody answers
	_, _, body := testkit.Do(t, "DELETE", s.REST+"/v1/v1/account/logout", "", "Authorization", "Bearer "+token)
	fmt.Fprintln(&seen, body, testkit.CallTool(t, s.MCP, "logout-user", ""))
	mu.Lock()
	defer mu.Unlock()
	for sink, text := range map[string]string{"answers": seen.String(), "the log": log.String()} {
		for _, canary := range []string{key, password, token} {
			if strings.Contains(text, canary) {
				t.Errorf("%s is in %s:\n%s", canary, sink, text)
			}
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

var _ io.Writer = writer(nil)

func TestSeed_isSaidToBeWrongWhereItIs(t *testing.T) { // semantics 1.4: a misspelt call never answers with sample data
	src, _ := host.Read("", host.ReadOptions{NoOverlay: true})
	src.Text = bytes.Replace(src.Text, []byte("call: koyeb-sessions.logout"), []byte("call: koyeb-sessions.logut"), 1)
	d := host.Compile(src, compile.Options{})
	var found *diag.Diagnostic
	for i := range d.Diags {
		if d.Diags[i].Code == "call-unresolved" {
			found = &d.Diags[i]
		}
	}
	if found == nil || found.Hint != "Did you mean “koyeb-sessions.logout”?" || d.Served() != 7 || d.Withheld() != 1 {
		t.Errorf("got %v; %d served, %d withheld", found, d.Served(), d.Withheld())
	}
}

func TestSeed_compressedBodiesPassAsTheyCame(t *testing.T) { // semantics 4.1, 5.2
	up := testkit.NewUpstream(t, nil)
	s := seed(t, up, false, nil)
	testkit.Do(t, "POST", s.REST+"/v1/v1/account/login", "\x1f\x8bnot really", "Content-Type", "application/json",
		"Content-Encoding", "gzip")
	if got := up.Requests(); len(got) != 1 || got[0].Header.Get("Content-Encoding") != "gzip" ||
		string(got[0].Body) != "\x1f\x8bnot really" {
		t.Errorf("sent %v", got)
	}
}
