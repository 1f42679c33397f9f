package host_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

// open serves the seed in front of up; the returned function stops it and gives
// what Serve returned.
func open(t *testing.T, up string) (*host.Host, func() error) {
	t.Helper()
	src, err := host.Read("", host.ReadOptions{NoOverlay: true})
	if err != nil {
		t.Fatal(err)
	}
	to, _ := url.Parse(up)
	client := upstream.NewClient(upstream.Limits{})
	t.Cleanup(client.Close)
	e := engine.New(client, secret.NewStore(secret.Config{}), nil, nil)
	h, _, err := host.Open(host.Config{Documents: []*host.Document{host.Compile(src,
		compile.Options{Upstream: map[string]*url.URL{"": to}})}, Invoker: e, AutoPorts: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	return h, func() error { stop(); return <-done }
}

func TestServe_finishesWhatRuns(t *testing.T) { // semantics 6.5
	arrived, release := make(chan struct{}), make(chan struct{})
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, `{"late":true}`)
	})
	h, stop := open(t, up.URL)
	type answer struct {
		status int
		body   string
	}
	answers := make(chan answer, 2)
	for _, a := range h.Adapters() {
		go func() {
			url, body, contentType := a.URL+"/v1/v1/account/session", "", ""
			if a.Type == "mcp" {
				url, contentType = a.URL, "application/json"
				body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"new-session","arguments":{}}}`
			}
			status, _, text := testkit.Do(t, "POST", url, body, "Content-Type", contentType, "Accept",
				"application/json, text/event-stream")
			answers <- answer{status, text}
		}()
	}
	<-arrived
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // until it accepts nothing any more
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(h.Adapters()[0].URL)
		if err != nil {
			break
		}
		resp.Body.Close()
	}
	close(release)
	for range 2 {
		if a := <-answers; a.status != 200 || !strings.Contains(a.body, "late") {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestOpen_saysWhichAddressIsTaken(t *testing.T) {
	h, stop := open(t, "http://127.0.0.1:1")
	taken := strings.TrimPrefix(h.Adapters()[0].URL, "http://")
	src, _ := host.Read("", host.ReadOptions{NoOverlay: true})
	d := host.Compile(src, compile.Options{})
	port := 0
	for _, c := range taken[strings.LastIndexByte(taken, ':')+1:] {
		port = port*10 + int(c-'0')
	}
	d.Plan.Servers[0].Model.Port, d.Plan.Servers[1].Model.Port = 0, port
	other, problems, err := host.Open(host.Config{Documents: []*host.Document{d}})
	if err != nil || len(problems) != 1 ||
		!strings.Contains(problems[0].Error(), taken+" is in use by another process") {
		t.Fatal(err, problems)
	}
	if got := other.Adapters(); len(got) != 1 || got[0].Type != "rest" {
		t.Errorf("beside it %v is served", got)
	}
	other.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

const second = `
ikanos: 1.0.0-beta5
info: {display: Second}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "http://127.0.0.1:1", resources: {r: {path: /r, operations: {get: {method: GET}, put: {method: PUT}}}}}
  exposes:
  - {type: rest, namespace: second-rest, port: 0, resources: {s: {path: /v1/v1/account/login, operations: {a: {method: POST, call: api.get}, b: {method: PUT, call: api.put}}}}}
  - {type: mcp, namespace: second-mcp, port: 0, tools: {only: {description: Only, call: api.get}}}
`

func TestOpen_sharesListeners(t *testing.T) { // semantics 6.2
	src, _ := host.Read("", host.ReadOptions{NoOverlay: true})
	one := host.Compile(src, compile.Options{})
	two := host.Compile(host.Source{File: host.File{Name: "second.yaml", Text: []byte(second)}}, compile.Options{})
	port := freePort(t)
	for _, d := range []*host.Document{one, two} {
		for _, s := range d.Plan.Servers {
			s.Model.Port = port
		}
	}
	h, problems, err := host.Open(host.Config{Documents: []*host.Document{one, two},
		Invoker: engine.New(upstream.NewClient(upstream.Limits{}), secret.NewStore(secret.Config{}), nil, nil)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	defer func() { stop(); <-done }()
	if len(problems) != 2 || !strings.Contains(problems[0].Error(), "POST /v1/v1/account/login") {
		t.Errorf("problems %v", problems)
	}
	base := h.Adapters()[0].URL
	ask := `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	for path, want := range map[string]string{"/mcp": "/second-mcp/mcp", "/": "/koyeb-sessions-mcp/mcp", "/koyeb-sessions-mcp/mcp": "login-user", "/second-mcp/mcp": `"only"`} {
		if _, _, body := testkit.Do(t, "POST", base+path, ask, "Content-Type", "application/json", "Accept",
			"application/json, text/event-stream"); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	// only the second serves PUT, neither POST
	for request, want := range map[string]int{"PUT /v1/v1/account/login": 502, "POST /v1/v1/account/login": 405} {
		method, path, _ := strings.Cut(request, " ")
		if status, _, _ := testkit.Do(t, method, base+path, "{}"); status != want {
			t.Errorf("%s: %d", request, status)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	up := testkit.NewUpstream(t, nil)
	u, _ := url.Parse(up.URL)
	up.Close()
	port := 0
	for _, c := range u.Port() {
		port = port*10 + int(c-'0')
	}
	return port
}
