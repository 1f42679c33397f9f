package guard

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
)

func FuzzParseParams(f *testing.F) {
	for _, text := range []string{"", `a=b`, `a="b\"c", D = e`, `username*=UTF-8''%c3, uri="/a,b"`, `a="`, `a="\`, `=`, `a=b c`, ",,a=b,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseParams(text)
		if err != nil {
			return
		}
		var params []param
		for name, val := range all {
			if !isName(name) || name != strings.ToLower(name) {
				t.Errorf("name %q", name)
			}
			if val != "" && !strings.ContainsFunc(val,
				func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
				params = append(params, param{name, val})
			}
		}
		// What was read can be written and read again.
		again, err := parseParams(strings.TrimPrefix(challenge("X", params...), "X"))
		if err != nil {
			t.Fatalf("%q: %v", challenge("X", params...), err)
		}
		for _, p := range params {
			if again[p.name] != p.text {
				t.Errorf("%s: %q, then %q", p.name, p.text, again[p.name])
			}
		}
	})
}

// FuzzGuard sends any header to every kind; none may let it in, and none may fail.
func FuzzGuard(f *testing.F) {
	for _, line := range []string{"", "Bearer x", "Basic YTpi", "Basic Og==", `Digest username="a", nc=00000001`, "Bearer a.b.c", "bearer\tx", "Bearer eyJhbGciOiJub25lIn0.e30."} {
		f.Add(line, "", "key=")
	}
	s := newAuthServer(f, "")
	values := fields{"token": "s3cret-token", "username": "ada", "password": "s3cret-password", "key": "key",
		"value": "s3cret-key"}
	var guards []*place
	for _, kind := range []string{"bearer", "apikey", "basic", "digest"} {
		guards = append(guards, newPlace(f, Config{Kind: kind, Value: values.value}))
	}
	for _, placement := range []string{"query", "cookie"} {
		guards = append(guards, newPlace(f, Config{Kind: "apikey", Value: values.with("placement", placement).value}))
	}
	guards = append(guards, s.place(s.fields(), true))
	f.Fuzz(func(t *testing.T, authorization, cookie, query string) {
		if strings.Contains(authorization+cookie+query, "s3cret") {
			return
		}
		for _, g := range guards {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.RawQuery = query
			r.Header["Authorization"], r.Header["Cookie"], r.Header["Key"] = []string{authorization},
				[]string{cookie}, []string{cookie}
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, r)
			if w.Code != 401 && w.Code != 400 || g.seen != nil {
				t.Fatalf("%s: %d", g.cfg.Kind, w.Code)
			}
			for _, line := range w.Header()["Www-Authenticate"] {
				if strings.ContainsAny(line, "\r\n") {
					t.Errorf("challenge %q", line)
				}
			}
		}
	})
}

func FuzzScopeList(f *testing.F) {
	for _, text := range []string{"", "a b", `["a","b"]`, `[1]`, `["a b"]`, `[`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg := Config{MCP: true, Value: func(_ context.Context, field string) (secret.String, error) {
			return secret.New(map[string]string{"scope": text, "resource": text,
				"authorizationServerUri": "https://as"}[field]), nil
		}}
		_, _ = cfg.settings(t.Context())
		scopes, err := scopeList(text)
		for _, scope := range scopes {
			if !oauth.IsScope(scope) || err != nil {
				t.Errorf("%q: %v", scope, err)
			}
		}
	})
}
