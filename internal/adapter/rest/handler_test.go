package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

func koyeb(inv *invoker) *Handler {
	return handlerOf(inv,
		operationOf("POST", "/v1/v1/account/login"),
		operationOf("DELETE", "/v1/v1/account/logout"),
		operationOf("GET", "/v1/apps/{id}", input("id", plan.InPath, "string", required)),
		operationOf("PUT", "/v1/apps/{app}", input("app", plan.InPath, "string", required)),
		operationOf("GET", "/v1/apps"),
	)
}

func TestHandler_answersWrongMethodsWithAllow(t *testing.T) { // semantics 6.1
	tests := map[string]struct {
		method, path string
		status       int
		allow        string
	}{
		"another method":   {"POST", "/v1/apps/7", 405, "GET, HEAD, OPTIONS, PUT"},
		"no GET, no HEAD":  {"HEAD", "/v1/v1/account/login", 405, "OPTIONS, POST"},
		"unknown method":   {"BREW", "/v1/apps", 405, "GET, HEAD, OPTIONS"},
		"options":          {"OPTIONS", "/v1/apps/7/", 204, "GET, HEAD, OPTIONS, PUT"},
		"options, no path": {"OPTIONS", "/nowhere", 404, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := do(koyeb(&invoker{}), tt.method, tt.path, "")
			if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
				t.Errorf("got %d with Allow %q", w.Code, w.Header().Get("Allow"))
			}
			if tt.status == 204 && w.Body.Len() > 0 {
				t.Errorf("OPTIONS has the body %q", w.Body)
			}
			if tt.status == 405 && tt.method != "HEAD" {
				if p := problemOf(t, w); p.Get("type").Text() != "https://fairlead.dev/problems/method-not-allowed" ||
					!strings.Contains(p.Get("detail").Text(), tt.allow) {
					t.Error(p.Indent())
				}
			}
		})
	}
}

func TestHandler_servesOptionsOfTheDocument(t *testing.T) {
	inv := &invoker{}
	if w := do(handlerOf(inv, operationOf("OPTIONS", "/x")), "OPTIONS", "/x", ""); w.Code != 200 || inv.unit == nil {
		t.Errorf("got %d", w.Code)
	}
}

func TestHandler_answersHeadFromGetWithoutBody(t *testing.T) { // semantics 6.1
	results := map[string]*engine.Result{
		"value": {Value: value.Of("abc")},
		"raw":   raw(200, "text/plain", "abcde"),
	}
	for name, result := range results {
		t.Run(name, func(t *testing.T) {
			w := do(koyeb(answering(result, nil)), "HEAD", "/v1/apps", "")
			if w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "5" {
				t.Errorf("got %d, %q, %v", w.Code, w.Body, w.Header())
			}
		})
	}
}

func TestHandler_suggestsNearPaths(t *testing.T) {
	tests := map[string]struct{ method, path, suggests string }{
		"prefix left out":             {"POST", "/v1/account/login", "Did you mean POST /v1/v1/account/login?"},
		"more of the prefix left out": {"DELETE", "/account/logout", "Did you mean DELETE /v1/v1/account/logout?"},
		"prefix too much":             {"GET", "/api/v1/apps", "Did you mean GET /v1/apps?"},
		"prefix too much, value":      {"PUT", "/api/v1/apps/7", "Did you mean PUT /v1/apps/{app}?"},
		"misspelt":                    {"POST", "/v1/v1/acount/login", "Did you mean POST /v1/v1/account/login?"},
		"misspelt before a value":     {"GET", "/v1/app/7", "Did you mean GET /v1/apps/{id}?"},
		"case":                        {"POST", "/V1/V1/Account/Login", "Did you mean POST /v1/v1/account/login?"},
		"another method":              {"GET", "/v1/account/login", "Did you mean POST /v1/v1/account/login?"},
		"nothing near":                {"GET", "/somewhere/else", ""},
		"root":                        {"GET", "/", ""},
		"very long":                   {"GET", "/" + strings.Repeat("v", 2000), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := do(koyeb(&invoker{}), tt.method, tt.path, "")
			detail := problemOf(t, w).Get("detail").Text()
			if w.Code != 404 || tt.suggests == "" && strings.Contains(detail, "mean") ||
				!strings.HasSuffix(detail, tt.suggests) {
				t.Errorf("got %d %q", w.Code, detail)
			}
			if len(detail) > 300 {
				t.Errorf("repeats %d bytes", len(detail))
			}
		})
	}
}

func TestHandler_problemTypesBeginAsConfigured(t *testing.T) {
	h := New(Config{Server: &plan.Server{}, Invoker: &invoker{}, ProblemBase: "urn:x:"})
	if got := problemOf(t, do(h, "GET", "/", "")).Get("type").Text(); got != "urn:x:not-found" {
		t.Error(got)
	}
}

// reading is a route whose unit changes nothing.
func reading(method, path string) *plan.Route {
	r := operationOf(method, path)
	yes := true
	r.Unit.Hints.ReadOnly = &yes
	return r
}

// ofSession is a route that only reads by its method and hints, and yet changes a session.
func ofSession(role plan.Role) *plan.Route {
	r := reading("GET", "/"+role.String())
	r.Unit.Role = role
	return r
}

func TestHandler_keepsPagesOfOtherSitesAwayFromSessions(t *testing.T) {
	for _, role := range []plan.Role{plan.LoginRole, plan.RefreshRole, plan.ReplaceRole, plan.LogoutRole} {
		h := New(Config{Invoker: &invoker{}, Screen: &adapter.Screen{},
			Server: &plan.Server{Routes: []*plan.Route{ofSession(role)}}})
		address := "http://127.0.0.1:8080/" + role.String()
		if w := do(h, "GET", address, "", "Sec-Fetch-Site: cross-site"); w.Code != 403 {
			t.Errorf("%s for a page of another site: %d %s", role, w.Code, w.Body)
		}
		if w := do(h, "GET", address, "", "Sec-Fetch-Site: none"); w.Code != 200 {
			t.Errorf("%s for its user: %d %s", role, w.Code, w.Body)
		}
	}
}

func TestHandler_keepsPagesOfOtherSitesAway(t *testing.T) {
	h := New(Config{Invoker: &invoker{}, Screen: &adapter.Screen{Origins: []string{"https://app.example"}},
		Server: &plan.Server{Routes: []*plan.Route{reading("GET", "/a"), operationOf("POST", "/a"),
			operationOf("GET", "/deletes")}}})
	for name, tt := range map[string]struct {
		request string
		headers []string
		status  int
		says    string
	}{
		"a program": {"POST http://127.0.0.1:8080/a", nil, 200, ""},
		"an own page": {"POST http://127.0.0.1:8080/a", []string{"Origin: http://127.0.0.1:8080"},
			200, ""},
		"an allowed page": {"POST http://127.0.0.1:8080/a", []string{"Origin: https://app.example"},
			200, ""},
		"another page": {"POST http://127.0.0.1:8080/a", []string{"Origin: http://evil.example"},
			403, "--allow-origin"},
		"another page reading": {"GET http://127.0.0.1:8080/a", []string{"Origin: http://evil.example"},
			200, ""},
		"another page, without one": {"POST http://127.0.0.1:8080/a", []string{"Sec-Fetch-Site: cross-site"},
			403, "--allow-origin"},
		"a rebound name":                 {"GET http://evil.example:8080/a", nil, 403, "--allow-host evil.example."},
		"a program on a GET that writes": {"GET http://127.0.0.1:8080/deletes", nil, 200, ""},
		"another page on it": {"GET http://127.0.0.1:8080/deletes",
			[]string{"Origin: http://evil.example"}, 403, "--allow-origin"},
		"a link of another page to it": {"GET http://127.0.0.1:8080/deletes",
			[]string{"Sec-Fetch-Site: cross-site"}, 403, "--allow-origin"},
		"a page of another port": {"GET http://127.0.0.1:8080/deletes",
			[]string{"Sec-Fetch-Site: same-site"}, 403, "--allow-origin"},
		"a user who typed it": {"GET http://127.0.0.1:8080/deletes", []string{"Sec-Fetch-Site: none"},
			200, ""},
		"a link of an own page": {"GET http://127.0.0.1:8080/deletes",
			[]string{"Sec-Fetch-Site: same-origin"}, 200, ""},
		"a link over plain HTTP": {"GET http://192.0.2.7:8080/deletes",
			[]string{"Referer: http://evil.example/x"}, 403, "--allow-origin"},
		"an own link over plain HTTP": {"GET http://192.0.2.7:8080/deletes",
			[]string{"Referer: http://192.0.2.7:8080/"}, 200, ""},
		"an allowed page's link": {"GET http://192.0.2.7:8080/deletes",
			[]string{"Referer: https://app.example/x"}, 200, ""},
		"another page's link for reading": {"GET http://192.0.2.7:8080/a", []string{"Referer: http://evil.example/x"},
			200, ""},
		"a link of another page, by HEAD": {"HEAD http://127.0.0.1:8080/deletes",
			[]string{"Sec-Fetch-Site: cross-site"}, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(tt.request, " ")
			w := do(h, method, target, "", tt.headers...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			} else if w.Code == 403 && method != "HEAD" {
				problemOf(t, w)
			}
		})
	}
}

func TestHandler_tellsBrowsersWhichPagesMayRead(t *testing.T) { // CORS, Fetch section 3.2
	locked := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	}
	h := New(Config{Invoker: &invoker{}, Screen: &adapter.Screen{Origins: []string{"https://app.example"}}})
	g := h.Prepare(nil, &plan.Server{Routes: []*plan.Route{reading("GET", "/a/{id}"),
		operationOf("PUT", "/a/{id}")}}).Handler(locked)
	ask := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, content-type"}
	for name, tt := range map[string]struct {
		method, origin string
		headers        []string
		status         int
		want           string // Allow-Origin, Allow-Methods, Allow-Headers
	}{
		"a question of an allowed page": {"OPTIONS", "https://app.example", ask, 204,
			"https://app.example GET, HEAD, PUT authorization, content-type"},
		"an answer for an allowed page":  {"PUT", "https://app.example", nil, 401, "https://app.example  "},
		"a question of another page":     {"OPTIONS", "https://evil.example", ask, 401, "  "},
		"a question that is no question": {"OPTIONS", "https://app.example", nil, 401, "https://app.example  "},
	} {
		t.Run(name, func(t *testing.T) {
			w := do(g, tt.method, "http://127.0.0.1/a/1", "", append(tt.headers, "Origin: "+tt.origin)...)
			got := w.Header().Get("Access-Control-Allow-Origin") + " " +
				w.Header().Get("Access-Control-Allow-Methods") + " " + w.Header().Get("Access-Control-Allow-Headers")
			if w.Code != tt.status || got != tt.want {
				t.Errorf("%d %q", w.Code, got)
			}
		})
	}
}

func TestHandler_doesNotServeWhatThePlannerShouldHaveWithheld(t *testing.T) {
	var log bytes.Buffer
	h := New(Config{Invoker: &invoker{}, Logger: logTo(&log), Server: &plan.Server{Routes: []*plan.Route{
		operationOf("GET", "/a/{x}"), operationOf("GET", "/a/{y}"), operationOf("GET", "/b/{"),
		{Path: "/c/{path}", Forward: &plan.Forward{Request: &upstream.Request{}}},
	}}})
	if got := h.served.Load().Units(); !slices.Equal(got, []string{"GET /a/{x}"}) {
		t.Errorf("serves %v", got)
	}
	if strings.Count(log.String(), "route is not served") != 3 {
		t.Error(log.String())
	}
}

func TestHandler_Prepare_finishesWhatRunsOnTheOldPlan(t *testing.T) {
	running, finish := make(chan bool), make(chan bool)
	inv := &invoker{run: func(_ context.Context, u *plan.Unit, _ engine.Args) (*engine.Result, *engine.Error) {
		if u.ID == "GET /old" {
			running <- true
			<-finish
		}
		return &engine.Result{Value: value.Of(u.ID)}, nil
	}}
	h := New(Config{Server: &plan.Server{Routes: []*plan.Route{operationOf("GET", "/old")}}, Invoker: inv})
	answered := make(chan string)
	go func() { answered <- do(h, "GET", "/old", "").Body.String() }()
	<-running
	h.Prepare(nil, &plan.Server{Routes: []*plan.Route{operationOf("GET", "/new")}}).Begin()
	if w := do(h, "GET", "/old", ""); w.Code != 404 {
		t.Errorf("the old path gives %d", w.Code)
	}
	if got := do(h, "GET", "/new", "").Body.String(); got != `"GET /new"` {
		t.Errorf("the new path gives %s", got)
	}
	finish <- true
	if got := <-answered; got != `"GET /old"` {
		t.Errorf("the running request got %s", got)
	}
}

func TestHandler_answersPanicsWithoutInternals(t *testing.T) {
	var log bytes.Buffer
	inv := &invoker{run: func(context.Context, *plan.Unit, engine.Args) (*engine.Result, *engine.Error) {
		panic("index of inner things")
	}}
	h := New(Config{Server: &plan.Server{Routes: []*plan.Route{operationOf("GET", "/x")}}, Invoker: inv,
		Logger: logTo(&log)})
	w := do(h, "GET", "/x", "")
	if p := problemOf(t, w); w.Code != 500 || strings.Contains(w.Body.String(), "inner") ||
		p.Get("type").Text() != "https://fairlead.dev/problems/internal" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "inner things") || !strings.Contains(log.String(), "path=/x") {
		t.Error(log.String())
	}
	inv.run = nil
	if w := do(h, "GET", "/x", ""); w.Code != 200 {
		t.Errorf("afterwards %d", w.Code)
	}
}

// forwarder keeps what it was given.
type forwarder struct {
	rest, query, body, method string
	err                       error
}

func (f *forwarder) Forward(_ context.Context, _ *plan.Forward, r *http.Request, rest string) (*engine.Result,
	*engine.Error) {
	text, err := io.ReadAll(r.Body)
	f.rest, f.query, f.method, f.body, f.err = rest, r.URL.RawQuery, r.Method, string(text), err
	if err != nil {
		return nil, &engine.Error{Kind: engine.Unreachable, Title: "cannot send"}
	}
	return raw(203, "text/plain", "passed"), nil
}

func TestHandler_forwardsWhatNoOperationTakes(t *testing.T) {
	tests := map[string]struct {
		method, target, body string
		status               int
		rest                 string
	}{
		"deep path":              {"POST", "/notion/v1/pages?a=b", "text", 203, "v1/pages"},
		"as it came":             {"PATCH", "/notion/a%2Fb/%20/?a=b", "x", 203, "a%2Fb/%20/"},
		"head":                   {"HEAD", "/notion/v1?a=b", "", 203, "v1"},
		"no rest":                {"GET", "/all?a=b", "", 203, ""},
		"operation first":        {"GET", "/notion/me?a=b", "", 200, ""},
		"forward of its methods": {"PUT", "/notion/me?a=b", "", 203, "me"},
		"dot segments":           {"GET", "/notion/../admin", "", 400, ""},
		"encoded dot segments":   {"GET", "/notion/a/%2e%2e%2Fadmin", "", 400, ""},
		"method of no API":       {"TRACE", "/notion/x", "", 405, ""},
		"body too large":         {"POST", "/notion/x", "more than ten bytes", 413, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &forwarder{}
			h := New(Config{Invoker: &invoker{}, Forwarder: f, MaxRequest: 10,
				Server: &plan.Server{Routes: []*plan.Route{
					operationOf("GET", "/notion/me"),
					{Path: "/notion/{path}", Forward: &plan.Forward{Request: &upstream.Request{}, Rest: 0}},
					{Path: "/all", Forward: &plan.Forward{Request: &upstream.Request{}, Rest: -1}},
				}}})
			w := do(h, tt.method, tt.target, tt.body)
			if w.Code != tt.status || f.rest != tt.rest {
				t.Fatalf("got %d with rest %q: %s", w.Code, f.rest, w.Body)
			}
			if tt.status == 203 && (f.query != "a=b" || f.body != tt.body || f.method != tt.method) {
				t.Errorf("passed on %+v", f)
			}
		})
	}
}

func TestHandler_limitsForwardedBodiesOfUnknownLength(t *testing.T) {
	f := &forwarder{}
	h := New(Config{Invoker: &invoker{}, Forwarder: f, MaxRequest: 10, Server: &plan.Server{Routes: []*plan.Route{
		{Path: "/{path}", Forward: &plan.Forward{Request: &upstream.Request{}}},
	}}})
	for body, status := range map[string]int{"ten  bytes": 203, "eleven bytes": 413} {
		r := httptest.NewRequest("POST", "/x", io.MultiReader(strings.NewReader(body)))
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: got %d", body, w.Code)
		}
	}
}
