package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestLogin_goesWrongOnDemand(t *testing.T) {
	const personal = "; use a personal API token, made in the control panel"
	rows := []struct {
		account, contentType string
		status               int
		want                 string
	}{
		{"unavailable", jsonType, 503, `{"status":503,"code":"api_error","message":"the service is unavailable"}`},
		{"ratelimited", jsonType, 429, `{"status":429,"code":"rate_limit_error","message":"too many requests, wait for the seconds in x-ratelimit-reset"}`},
		{"html", "text/html; charset=utf-8", 200, string(page().body)},
		{"malformed", jsonType, 200, `{"token":{"id":"ey`},
		{"empty", jsonType, 200, ""},
		{"workos", jsonType, 401, `{"status":401,"code":"authentication_error","message":"this account logs in through WorkOS (SSO), not with a password` + personal + `"}`},
		{"mfa", jsonType, 401, `{"status":401,"code":"authentication_error","message":"this account has multi-factor authentication, a password alone cannot log in` + personal + `"}`},
		{"passkey", jsonType, 401, `{"status":401,"code":"authentication_error","message":"this account logs in with a passkey, not with a password` + personal + `"}`},
	}
	r := start(t, Config{})
	for _, row := range rows {
		for _, password := range []string{demoPassword, "wrong"} {
			t.Run(row.account+" with "+password, func(t *testing.T) {
				body := `{"email":"` + row.account + `@fairlead.example","password":"` + password + `"}`
				g := r.call("POST", "/v1/account/login", "", body)
				if g.status != row.status || g.body != row.want || g.header.Get("Content-Type") != row.contentType {
					t.Errorf("got  %d %s %s\nwant %d %s", g.status, g.header.Get("Content-Type"), g.body, row.status,
						row.want)
				}
				if g.header.Get("Retry-After") != "" || g.header.Get("WWW-Authenticate") != "" {
					t.Errorf("headers that Koyeb does not send: %v", g.header)
				}
				if g.status == 429 && (g.header.Get("X-Ratelimit-Remaining") != "0" ||
					g.header.Get("X-Ratelimit-Reset") != "60") {
					t.Errorf("rate limit headers %v", g.header)
				}
			})
		}
	}
}

func TestLogin_dropsTheConnection(t *testing.T) {
	r := start(t, Config{})
	g, err := r.try("POST", "/v1/account/login", "", credentialsOf("dropped"))
	if !errors.Is(err, io.EOF) {
		t.Errorf("got %+v, %v; want the connection to end", g, err)
	}
	r.login("demo") // the server lives on
}

func TestLogin_givesExpiredToken(t *testing.T) {
	r := start(t, Config{})
	token := r.login("expired")
	if token.ExpiresAt != "2026-11-23T19:59:00Z" {
		t.Errorf("expires at %s", token.ExpiresAt)
	}
	r.refused(r.call("PUT", "/v1/account/refresh", bearer(token), ""), 401, "the token has expired")
}

func TestLogin_givesHugeAnswer(t *testing.T) {
	r := start(t, Config{})
	g := r.call("POST", "/v1/account/login", "", credentialsOf("huge"))
	if len(g.body) <= 1<<20 || !json.Valid([]byte(g.body)) {
		t.Errorf("%d bytes, valid JSON: %v", len(g.body), json.Valid([]byte(g.body)))
	}
	r.token(r.call("PUT", "/v1/account/refresh", bearer(r.token(g)), ""))
}

func TestLogin_wantsThePasswordOfAccountsThatLogIn(t *testing.T) {
	r := start(t, Config{Latency: time.Nanosecond})
	for _, name := range []string{"demo", "slow", "expired", "huge"} {
		body := strings.Replace(credentialsOf(name), demoPassword, "wrong", 1)
		r.refused(r.call("POST", "/v1/account/login", "", body), 401, "the e-mail address or the password is wrong")
	}
}

func slowLogin(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, "POST", "/v1/account/login", strings.NewReader(credentialsOf("slow")))
}

func TestLogin_isSlow(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: 3 * time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			begin, w := time.Now(), httptest.NewRecorder()
			New(Config{Latency: configured}).ServeHTTP(w, slowLogin(t.Context()))
			if took := time.Since(begin); took != want || w.Code != 200 {
				t.Errorf("latency %v: %d after %v, want %v", configured, w.Code, took, want)
			}
		})
	}
}

func TestLogin_stopsWaitingWhenTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the request was answered")
			}
			if took := time.Since(begin); took != time.Second {
				t.Errorf("waited %v", took)
			}
		}()
		New(Config{}).ServeHTTP(httptest.NewRecorder(), slowLogin(ctx))
	})
}

func TestLogin_refusesBodyThatBreaksOff(t *testing.T) {
	body := io.MultiReader(strings.NewReader(`{"email":`), iotest.ErrReader(io.ErrUnexpectedEOF))
	w := httptest.NewRecorder()
	New(Config{}).ServeHTTP(w, httptest.NewRequest("POST", "/v1/account/login", body))
	if want := `{"status":400,"code":"invalid_argument","message":"the request is not valid","fields":[{"field":"body","description":"cannot be read"}]}`; w.Body.String() != want {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
