package guard

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// fields are the texts of an authentication block; unset are those of which a
// variable has no value.
type fields map[string]string

const unset = "\x00unset"

func (f fields) value(_ context.Context, field string) (secret.String, error) {
	if f[field] == unset {
		return secret.String{}, &secret.MissingError{Name: "VAR_" + field, Source: "the environment variable VAR_" +
			field}
	}
	return secret.New(f[field]), nil
}

// with returns a copy with pairs of names and values set.
func (f fields) with(pairs ...string) fields {
	f = maps.Clone(f)
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = pairs[i+1]
	}
	return f
}

// clock is a time that passes when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// place is a guarded handler, with what it and the log saw.
type place struct {
	*Guard
	handler http.Handler
	mu      sync.Mutex
	log     bytes.Buffer
	seen    *http.Request
}

func newPlace(t testing.TB, cfg Config) *place {
	t.Helper()
	p := &place{}
	cfg.Logger = slog.New(slog.NewTextHandler(p, nil))
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.Guard = g
	p.handler = g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen = r
	}))
	return p
}

// Write takes what is logged.
func (p *place) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(line)
}

func (p *place) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// get sends a GET with pairs of header names and values.
func (p *place) get(target string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}

func (p *place) token(token string) *httptest.ResponseRecorder {
	return p.get("/", "Authorization", "Bearer "+token)
}

func TestNew_refusesWhatItCannotCheck(t *testing.T) {
	for name, cfg := range map[string]Config{
		`unknown kind "kerberos"`:     {Kind: "kerberos"},
		"oauth2 needs an HTTP client": {Kind: "oauth2"},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestGuard_ofNoKindLetsNobodyIn(t *testing.T) {
	p := newPlace(t, Config{})
	for range 3 {
		if w := p.get("/", "Authorization", "Bearer "); w.Code != 503 || p.seen != nil {
			t.Errorf("status %d", w.Code)
		}
	}
	if n := strings.Count(p.logged(), "nobody is let in"); n != 1 {
		t.Errorf("%d lines:\n%s", n, p.logged())
	}
}

func TestGuard_ofAnyKindLetsNobodyInWithoutItsSecrets(t *testing.T) {
	complete := map[string]fields{
		"bearer": {"token": "s3cret"},
		"apikey": {"key": "X-Key", "value": "s3cret"},
		"basic":  {"username": "ada", "password": "s3cret"},
		"digest": {"username": "ada", "password": "s3cret"},
	}
	credentials := [][]string{
		{}, {"Authorization", ""}, {"Authorization", "Bearer"}, {"Authorization", "Bearer "},
		{"Authorization", "Bearer {{TOKEN}}"},
		{"X-Key", ""}, {"X-Key", " "}, {"X-Key", "{{KEY}}"},
		{"Authorization", "Basic Og=="}, {"Authorization", "Basic YWRhOg=="}, {"Authorization", "Basic OnMzY3JldA=="},
		{"Authorization", "Basic"},
	}
	for kind, all := range complete {
		for field := range all {
			for name, text := range map[string]string{"unset": unset, "empty": ""} {
				p := newPlace(t, Config{Kind: kind, Value: all.with(field, text).value})
				for _, c := range append(credentials,
					[]string{"Authorization", answerDigest(t, p, all["username"], strings.Trim(text, unset))}) {
					if w := p.get("/", c...); w.Code != 401 && w.Code != 400 || w.Code == 401 &&
						w.Header().Get("WWW-Authenticate") == "" {
						t.Errorf("%s, %s %s, %q: status %d", kind, field, name, c, w.Code)
					}
				}
				if p.seen != nil {
					t.Errorf("%s, %s %s: let in", kind, field, name)
				}
				if kind == "bearer" {
					p.token("guess")
				}
				if kind == "apikey" {
					p.get("/", "X-Key", "guess")
				}
				want := "the field " + field + " of the " + kind + " authentication is empty"
				if text == unset {
					want = "VAR_" + field
				}
				if kind != "digest" && (!strings.Contains(p.logged(), want) ||
					!strings.Contains(p.logged(), "level=ERROR")) {
					t.Errorf("%s, %s %s: logged %q", kind, field, name, p.logged())
				}
			}
		}
	}
}

func TestGuard_saysThatItCannotCheckWhenASecretCannotBeRead(t *testing.T) {
	for _, kind := range []string{"bearer", "apikey", "basic", "oauth2"} {
		p := newPlace(t, Config{Kind: kind, Client: http.DefaultClient,
			Value: func(context.Context, string) (secret.String, error) {
				return secret.String{}, errors.New("vault is sealed")
			}})
		w := p.get("/", "Authorization", map[bool]string{true: "Basic YTpi", false: "Bearer x"}[kind == "basic"])
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: status %d, %v", kind, w.Code, w.Header())
		}
		if !strings.Contains(p.logged(), "vault is sealed") || strings.Contains(w.Body.String(), "vault") {
			t.Errorf("%s: logged %q, answered %s", kind, p.logged(), w.Body)
		}
	}
}

func TestGuard_answersInTheProtocolOfTheServer(t *testing.T) {
	problem := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "t"}.value}).get("/")
	rpc := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "t"}.value, MCP: true}).get("/")
	if got := problem.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %s", got)
	}
	if got, want := problem.Body.String(), `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Send the token in the header Authorization: Bearer <token>."}`; got != want {
		t.Errorf("got %s", got)
	}
	if got := rpc.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %s", got)
	}
	if got, want := rpc.Body.String(), `{"jsonrpc":"2.0","id":null,"error":{"code":-31401,"message":"Send the token in the header Authorization: Bearer <token>."}}`; got != want {
		t.Errorf("got %s", got)
	}
	v, err := value.Parse(rpc.Body.Bytes())
	if code, _ := v.Path("error", "code").Int64(); err != nil || code >= -32768 && code <= -32000 {
		t.Errorf("code %d, %v", code, err)
	}
}

func TestGuard_masksNothingThatTheHandlerDoes(t *testing.T) {
	g, err := New(Config{Kind: "bearer", Value: fields{"token": "t"}.value})
	if err != nil {
		t.Fatal(err)
	}
	request := func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer t")
		return r
	}
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("mine"))
	})).ServeHTTP(w, request())
	if w.Code != 500 || w.Body.String() != "mine" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the panic was masked")
		}
	}()
	g.Wrap(http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		panic(http.ErrAbortHandler)
	})).ServeHTTP(httptest.NewRecorder(), request())
}

func TestGuard_handsOnNoCredential(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		fields fields
		target string
		header []string
		want   http.Header
		url    string
	}{
		"bearer": {"bearer", fields{"token": "t"}, "/a?b=c", []string{"Authorization", "bearer t", "Accept", "x"},
			http.Header{"Accept": {"x"}}, "/a?b=c"},
		"basic": {"basic", fields{"username": "a", "password": "b"}, "/",
			[]string{"Authorization", "Basic YTpi"}, http.Header{}, "/"},
		"header": {"apikey", fields{"key": "x-key", "value": "k"}, "/",
			[]string{"X-KEY", "k", "Authorization", "Bearer theirs"}, http.Header{"Authorization": {"Bearer theirs"}},
			"/"},
		"query": {"apikey", fields{"key": "api key", "value": "k&", "placement": "QUERY"},
			"/p?a=%2F&api+key=k%26&b", nil, http.Header{}, "/p?a=%2F&b"},
		"cookie": {"apikey", fields{"key": "sid", "value": "k", "placement": "cookie"}, "/",
			[]string{"Cookie", "a=1; sid=k;b=2", "Cookie", "c=3"}, http.Header{"Cookie": {"a=1; b=2; c=3"}}, "/"},
		"one cookie": {"apikey", fields{"key": "sid", "value": "k", "placement": "cookie"}, "/",
			[]string{"Cookie", "sid=k"}, http.Header{}, "/"},
	} {
		p := newPlace(t, Config{Kind: c.kind, Value: c.fields.value})
		if w := p.get(c.target, c.header...); w.Code != 200 || p.seen == nil {
			t.Errorf("%s: status %d %s", name, w.Code, w.Body)
			continue
		}
		if !maps.EqualFunc(p.seen.Header, c.want, slices.Equal) || p.seen.URL.String() != c.url ||
			p.seen.RequestURI != c.url {
			t.Errorf("%s: %v %s %s", name, p.seen.Header, p.seen.URL, p.seen.RequestURI)
		}
		if id, ok := From(p.seen.Context()); !ok || id.Kind != c.kind {
			t.Errorf("%s: identity %v", name, id)
		}
	}
}

func TestGuard_leavesTheRequestItWasGivenAlone(t *testing.T) {
	p := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "t"}.value})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer t")
	p.handler.ServeHTTP(httptest.NewRecorder(), r)
	if r.Header.Get("Authorization") == "" {
		t.Error("its header was changed")
	}
	if _, ok := From(r.Context()); ok {
		t.Error("an identity without a guard")
	}
}

// TestGuard_takesASecretThatHoldsItsScheme: operators write “Bearer abc” into the secret of a bearer server.
func TestGuard_takesASecretThatHoldsItsScheme(t *testing.T) {
	p := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "Bearer abc"}.value})
	if w := p.token("abc"); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	none := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "Bearer "}.value})
	for _, token := range []string{"", "Bearer", "x"} {
		if w := none.token(token); w.Code == http.StatusOK {
			t.Errorf("%q is let in", token)
		}
	}
}
