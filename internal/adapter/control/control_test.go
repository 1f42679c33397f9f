package control_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

const token = "0123456789abcdef"

// fake is a process that says what it is told.
type fake struct {
	state   control.State
	secrets []string
	reloads int
	outcome string
	scripts *script.Pool
}

func (f *fake) process() *control.Process {
	return &control.Process{
		Version: "test", Began: time.Now().Add(-time.Hour),
		State:   func() control.State { return f.state },
		Secrets: func(context.Context) []string { return append([]string{}, f.secrets...) },
		Upstreams: func(context.Context) []control.Upstream {
			return []control.Upstream{{Namespace: "api", URL: "http://api.test", Problem: "refused"}}
		},
		Reload: func(context.Context) control.Reloaded {
			f.reloads++
			return control.Reloaded{Outcome: f.outcome, Generation: 2, Problems: []string{}}
		},
		Validate: func(_ context.Context, text []byte) control.Validated {
			return control.Validated{Valid: len(text) > 0, Findings: []string{}}
		},
		Settings: func() []control.Setting {
			return []control.Setting{{Name: "read-only", Value: "true", From: "default"}}
		},
		Scripts: f.scripts,
	}
}

func newFake(t *testing.T) *fake {
	pool := script.NewPool(script.Config{Command: []string{"false"}})
	t.Cleanup(pool.Close)
	return &fake{outcome: "reloaded", scripts: pool, state: control.State{
		Adapters: []control.Adapter{{Type: "rest", Namespace: "r", Port: 8080, State: "started"},
			{Type: "control", State: "started"}},
		Documents: []control.Document{{Name: "a.yaml", Display: "A", SpecVersion: "ikanos 1.0.0-beta5",
			Findings: []string{"a.yaml:1:1: warning"}}},
		Missing: []string{"KEY is not set"},
	}}
}

func handler(p *control.Process, show *model.Control, guard func(http.Handler) http.Handler) http.Handler {
	s := control.New(control.Config{Process: p, Screen: adapter.Screen{}, Token: secret.New(token)})
	server := &plan.Server{Type: "control", Control: show}
	if guard == nil {
		guard = func(next http.Handler) http.Handler { return next }
	} else {
		server.Auth = &plan.Guard{Kind: "bearer"}
	}
	return s.Prepare(nil, server).Handler(guard)
}

var (
	loopback net.Addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	remote   net.Addr = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9}
	socket   net.Addr = &net.UnixAddr{Name: "s", Net: "unix"}
)

// request sends a request that came in on a local address. Headers are “name: value”.
func request(h http.Handler, local net.Addr, line, body string, headers ...string) (int, string) {
	method, path, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local)))
	return w.Code, w.Body.String()
}

// What shows calls and settings is for this machine or the token; what changes
// something takes the token, the server's own authentication, or a socket.
func TestHandler_letsThoseInWhoMay(t *testing.T) { // semantics 6.9
	f := newFake(t)
	h := handler(f.process(), control.Everything(), nil)
	guarded := handler(f.process(), control.Everything(), func(next http.Handler) http.Handler { return next })
	const bearer = "Authorization: Bearer " + token
	for _, tt := range []struct {
		line    string
		local   net.Addr
		headers []string
		want    int
	}{
		{"GET /health/live", remote, nil, 200},
		{"GET /health/ready", remote, nil, 200},
		{"GET /status", remote, nil, 200},
		{"GET /config", remote, nil, 401},
		{"GET /config", remote, []string{bearer}, 200},
		{"GET /config", remote, []string{"Authorization: Basic YW55Ym9keTowMTIzNDU2Nzg5YWJjZGVm"}, 200},
		{"GET /config", remote, []string{"Authorization: Bearer x"}, 401},
		{"GET /config", remote, []string{"Authorization: Bearer "}, 401},
		{"GET /config", loopback, nil, 200},
		{"GET /config", loopback, []string{"X-Forwarded-For: 10.0.0.9"}, 401},
		{"GET /config", loopback, []string{"Forwarded: for=10.0.0.9"}, 401},
		{"GET /config", loopback, []string{"Host: evil.example"}, 403},
		{"GET /config", socket, []string{"Host: evil.example"}, 200},
		{"POST /config/reload", loopback, nil, 401},
		{"POST /config/reload", loopback, []string{bearer}, 200},
		{"POST /config/reload", remote, []string{bearer}, 200},
		{"POST /config/reload", socket, nil, 200},
		{"POST /config/reload", loopback, []string{bearer, "Origin: https://evil.example"}, 403},
		{"POST /config/reload", socket, []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"PUT /scripting", loopback, nil, 401},
		{"POST /config/validate", loopback, []string{"Origin: https://evil.example"}, 403},
		{"POST /config/validate", loopback, nil, 200},
		{"GET /nowhere", loopback, nil, 404},
		{"DELETE /config/reload", socket, nil, 405},
	} {
		if status, body := request(h, tt.local, tt.line, "", tt.headers...); status != tt.want {
			t.Errorf("%s on %s with %q: %d %s, want %d", tt.line, tt.local, tt.headers, status, body, tt.want)
		}
	}
	if status, _ := request(guarded, remote, "POST /config/reload", ""); status != 200 {
		t.Errorf("who has the server's own credential: %d", status)
	}
	if status, _ := request(guarded, remote, "POST /config/reload", "", "Origin: https://evil.example"); status != 403 {
		t.Errorf("a page, with the credential that a browser keeps: %d", status)
	}
	if f.reloads != 4 {
		t.Errorf("%d reloads", f.reloads)
	}
}

// A token that is empty is nobody's.
func TestHandler_withoutATokenChangesNothing(t *testing.T) {
	s := control.New(control.Config{Process: newFake(t).process()})
	h := s.Prepare(nil, &plan.Server{Control: control.Everything()}).Handler(
		func(next http.Handler) http.Handler { return next })
	for _, header := range []string{"Authorization: Bearer ", "Authorization: Basic Og==", "X: y"} {
		if status, _ := request(h, loopback, "POST /config/reload", "", header); status != 401 {
			t.Errorf("%s: %d", header, status)
		}
	}
}

// A document's control server shows what its management names, and nothing else.
func TestHandler_showsWhatTheDocumentSays(t *testing.T) {
	h := handler(newFake(t).process(), &model.Control{Health: true, Subscribers: 1}, nil)
	for line, want := range map[string]int{"GET /health/live": 200, "GET /status": 404, "GET /config": 404,
		"POST /config/reload": 404, "GET /scripting": 404, "GET /metrics": 404, "GET /traces": 404, "GET /calls": 404} {
		if status, body := request(h, socket, line, ""); status != want {
			t.Errorf("%s: %d %s, want %d", line, status, body, want)
		}
	}
}

func TestReady_saysWhy(t *testing.T) {
	f := newFake(t)
	h := handler(f.process(), control.Everything(), nil)
	ready := func(local net.Addr, query string) (int, control.Readiness) {
		status, body := request(h, local, "GET /health/ready"+query, "")
		var r control.Readiness
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err, body)
		}
		return status, r
	}
	if status, r := ready(loopback, ""); status != 200 || r.Status != "UP" || len(r.Adapters) != 1 {
		t.Errorf("all is well: %d %+v", status, r)
	}
	if status, r := ready(loopback, "?upstreams=true"); status != 503 || r.Upstreams[0].Problem != "refused" {
		t.Errorf("an API is away: %d %+v", status, r)
	}
	if _, r := ready(remote, "?upstreams"); r.Upstreams[0].Problem != "" || r.Upstreams[0].URL != "" {
		t.Errorf("from elsewhere: %+v", r)
	}
	f.secrets = []string{"“r” lets nobody in: secret KEY"}
	if status, r := ready(remote, ""); status != 503 || r.Status != "DEGRADED" || r.Secrets[0] != "“r” lets nobody in" {
		t.Errorf("a secret is missing: %d %+v", status, r)
	}
	f.secrets, f.state.Adapters[0].State = nil, "stopped"
	if status, r := ready(loopback, ""); status != 503 || r.Status != "DEGRADED" {
		t.Errorf("a server is stopped: %d %+v", status, r)
	}
	f.state.Stopping = true
	if status, r := ready(loopback, ""); status != 503 || r.Status != "STOPPING" {
		t.Errorf("the process ends: %d %+v", status, r)
	}
	if status, _ := request(h, loopback, "GET /health/live", ""); status != 200 {
		t.Errorf("it lives: %d", status)
	}
}

func TestStatus_hasTheFormOfTheFormat(t *testing.T) {
	h := handler(newFake(t).process(), control.Everything(), nil)
	_, body := request(h, remote, "GET /status", "")
	for _, want := range []string{`"display": "A"`, `"specVersion": "ikanos 1.0.0-beta5"`, `"uptime": "PT1H0S"`,
		`"version": "test"`, `"state": "started"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if strings.Contains(body, "KEY") || strings.Contains(body, "a.yaml:1:1") {
		t.Errorf("everybody reads what is wrong: %s", body)
	}
	if _, body = request(h, loopback, "GET /status", ""); !strings.Contains(body, "KEY is not set") {
		t.Errorf("nobody reads what is wrong: %s", body)
	}
}

func TestReload_refusedIsAConflict(t *testing.T) {
	f := newFake(t)
	f.outcome = "refused"
	h := handler(f.process(), control.Everything(), nil)
	if status, body := request(h, socket, "POST /config/reload", ""); status != 409 ||
		!strings.Contains(body, `"generation": 2`) {
		t.Errorf("%d %s", status, body)
	}
}

// PUT /scripting makes limits tighter: all that is asked for, or nothing of it.
func TestScripting_onlyTightens(t *testing.T) {
	f := newFake(t)
	h := handler(f.process(), control.Everything(), nil)
	put := func(body string) (int, control.Scripting) {
		status, text := request(h, socket, "PUT /scripting", body)
		var s control.Scripting
		_ = json.Unmarshal([]byte(text), &s)
		return status, s
	}
	if status, s := put(`{"timeout": 5000, "statementLimit": 50, "allowedLanguages": ["javascript"]}`); status != 200 ||
		s.Timeout != 5000 || s.StatementLimit != 50 || len(s.AllowedLanguages) != 1 {
		t.Errorf("%d %+v", status, s)
	}
	for _, body := range []string{`{"timeout": 6000}`, `{"timeout": 0}`, `{"timeout": -9223372036854775808}`,
		`{"timeout": 9223372036854775807}`, `{"statementLimit": 51}`, `{"statementLimit": 0}`,
		`{"allowedLanguages": ["python"]}`, `{"allowedLanguages": ["cobol"]}`, `{"defaultLocation": "file:///"}`,
		`{"timeout": 10, "statementLimit": 51}`, `{"what": 1}`, `[]`, `x`} {
		if status, _ := put(body); status != 400 {
			t.Errorf("%s: %d", body, status)
		}
	}
	if limits := f.scripts.Limits(); limits.Timeout != 5*time.Second || limits.Statements != 50 {
		t.Errorf("what was refused has changed something: %+v", limits)
	}
	if status, s := put(`{"enabled": false}`); status != 200 || s.Enabled {
		t.Errorf("%d %+v", status, s)
	}
	if status, _ := put(`{"enabled": true}`); status != 400 {
		t.Errorf("scripts run again: %d", status)
	}
	_, err := f.scripts.Run(t.Context(), &script.Program{Language: script.JavaScript, Source: "result = 1"},
		value.Map())
	if _, refused := err.(*script.RefusedError); !refused {
		t.Errorf("a script ran: %v", err)
	}
}

// What is kept of calls shows nothing that is a secret, by what Fairlead knows or by
// its name; what it cannot read is not shown.
func TestCapture_showsNoSecret(t *testing.T) {
	c := control.NewCapture(observe.NewMask(func() []secret.String { return []secret.String{secret.New("known-canary")} }))
	if c.On() || (*control.Capture)(nil).On() {
		t.Error("it keeps what nobody asked for")
	}
	c.For(time.Hour)
	if until := time.Until(c.Until()); !c.On() || until > 10*time.Minute {
		t.Errorf("it keeps for %s", until)
	}
	for contentType, body := range map[string]string{
		"application/json":                        `{"refresh": "canary", "a": {"Access-Token": "canary", "list": [{"passwd": {"x": "canary"}}]}, "b": "shown known-canary"}`,
		"application/vnd.api+json; charset=utf-8": `{"clientSecret": ["canary"], "b": "shown"}`,
		"application/x-www-form-urlencoded":       "user_password=canary&b=shown",
		"text/event-stream":                       "event: x\ndata: {\"result\": {\"content\": [{\"text\": \"{\\\"api_key\\\": \\\"canary\\\", \\\"b\\\": \\\"shown\\\"}\"}]}}\n\n",
		"text/plain":                              "shown canary",
		"application/JSON":                        "{canary",
		"":                                        "canary",
	} {
		m := &control.Message{ID: contentType, Line: "POST /x", Status: 200,
			Header:       http.Header{"Content-Type": {contentType}, "X-Mine": {"canary"}, "Cookie": {"canary"}},
			AnswerHeader: http.Header{"Set-Cookie": {"canary"}, "X-Request-Id": {"shown"}}}
		m.Request.Add([]byte(body))
		c.Keep(m)
		kept := c.Find(contentType)
		if strings.Contains(kept.Request+kept.Answer, "canary") {
			t.Errorf("%s shows\n%s\n%s", contentType, kept.Request, kept.Answer)
		}
		if readable := strings.Contains(body, "shown") &&
			contentType != "text/plain"; strings.Contains(kept.Request, "shown") != readable {
			t.Errorf("%s shows\n%s", contentType, kept.Request)
		}
	}
	m := &control.Message{ID: "private", Line: "GET /me", Status: 200, Header: http.Header{"User-Agent": {"canary"}},
		AnswerHeader: http.Header{"Etag": {"canary"}}}
	m.Answer.Add([]byte(`{"key": "canary"}`))
	m.Withhold()
	m.Answer.Add([]byte("canary"))
	c.Keep(m)
	if kept := c.Find("private"); strings.Contains(kept.Request+kept.Answer, "canary") ||
		!strings.Contains(kept.Answer, "23 bytes; neither they") || !strings.HasPrefix(kept.Request, "GET /me") {
		t.Errorf("what is withheld shows\n%s\n%s", kept.Request, kept.Answer)
	}
	long := &control.Message{ID: "long", Header: http.Header{"Content-Type": {"application/json"}}}
	long.Request.Add([]byte(`{"a": "`))
	long.Request.Add([]byte(strings.Repeat("x", 1<<20)))
	c.Keep(long)
	if text := c.Find("long").Request; len(text) > 1000 || !strings.Contains(text, "more than 16384 bytes") {
		t.Errorf("of a long body %d bytes are shown", len(text))
	}
	for i := range 200 {
		c.Keep(&control.Message{ID: strconv.Itoa(i)})
	}
	if c.Find("long") != nil || c.Find("199") == nil {
		t.Error("it keeps more than it may")
	}
	c.For(0)
	if c.On() || c.Find("199") != nil {
		t.Error("it forgets nothing")
	}
}

// The log is shown as far as the document says, and its level is changed by who may.
func TestLogs_areReadAndTheirLevelChanged(t *testing.T) {
	p := newFake(t).process()
	p.View = observe.NewView(nil, observe.NewLevel(slog.LevelWarn))
	log := observe.LogOptions{Level: p.View.Level, Lines: p.View.Lines}.Logger(io.Discard)
	log.Warn("first", "n", 1)
	log.Info("unheard")
	h := handler(p, control.Everything(), nil)
	for _, tt := range []struct {
		line, body string
		status     int
		want       string
	}{
		{"GET /logs", "", 200, `"level": "warn"`},
		{"GET /logs/fairlead", "", 200, `"msg": "first"`},
		{"GET /logs/fairlead?level=error", "", 200, `"level": "warn"`},
		{"GET /logs/fairlead?level=loud", "", 400, "loud"},
		{"GET /logs/x", "", 404, "no such logger"},
		{"PUT /logs/fairlead", `{"level": "debug"}`, 200, `"level": "debug"`},
		{"PUT /logs/fairlead", `{"level": "DEBUG+7"}`, 200, "+"},
		{"PUT /logs/fairlead", `{"level": "error+1"}`, 400, "want"},
		{"PUT /logs/fairlead", `{}`, 400, "want"},
		{"PUT /logs/x", `{"level": "debug"}`, 404, "no such logger"},
	} {
		if status, text := request(h, socket, tt.line, tt.body); status != tt.status ||
			!strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.line, tt.body, status, text, tt.status, tt.want)
		}
	}
	if status, _ := request(h, loopback, "PUT /logs/fairlead", `{"level": "debug"}`); status != 401 {
		t.Errorf("without the token: %d", status)
	}
	quiet := handler(p, &model.Control{Levels: true, Subscribers: 1}, nil)
	if status, text := request(quiet, socket, "GET /logs/fairlead", ""); status != 200 ||
		strings.Contains(text, "first") {
		t.Errorf("with levels only: %d %s", status, text)
	}
	if status, _ := request(quiet, socket, "GET /logs/stream", ""); status != 404 {
		t.Errorf("the stream, which is off: %d", status)
	}
}

func TestStream_endsWithTheServerAndHasItsPlaces(t *testing.T) {
	f := newFake(t)
	p := f.process()
	p.View = observe.NewView(nil, observe.NewLevel(0))
	s := control.New(control.Config{Process: p, Token: secret.New(token)})
	show := control.Everything()
	show.Subscribers = 1
	up := httptest.NewServer(s.Prepare(nil, &plan.Server{Control: show}).Handler(
		func(next http.Handler) http.Handler { return next }))
	defer up.Close()
	first, err := http.Get(up.URL + "/calls/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	text := make([]byte, len("retry: 2000\n\n"))
	if _, err := first.Body.Read(text); err != nil || string(text) != "retry: 2000\n\n" {
		t.Errorf("%q %v", text, err)
	}
	second, err := http.Get(up.URL + "/calls/stream")
	if err != nil {
		t.Fatal(err)
	}
	second.Body.Close()
	if second.StatusCode != 503 || second.Header.Get("Retry-After") == "" {
		t.Errorf("a second reader: %d", second.StatusCode)
	}
	stream := event.To(p.View.Recent.Listener())
	x := &event.Exchange{Transport: "http", Method: "GET", Path: "/a"}
	stream.End(t.Context(), func() *event.Exchange { stream.Begin(t.Context(), x, nil); return x }())
	got := make([]byte, 4096)
	n, err := first.Body.Read(got)
	if err != nil || !strings.HasPrefix(string(got[:n]), "event: call\ndata: {") ||
		!strings.Contains(string(got[:n]), `"request":"GET /a"`) {
		t.Errorf("%q %v", got[:n], err)
	}
	s.Close()
	if n, err := first.Body.Read(got); err == nil {
		t.Errorf("the stream goes on: %q", got[:n])
	}
}
