package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLogin_givesJWT(t *testing.T) {
	r := start(t, Config{})
	demo := r.accounts[0]
	got := r.login("demo")
	if got.UserID != demo.userID || got.OrganizationID != demo.OrganizationID ||
		got.ExpiresAt != "2026-11-23T21:00:00Z" {
		t.Errorf("token %+v", got)
	}

	parts := strings.Split(got.ID, ".")
	if len(parts) != 3 {
		t.Fatalf("token.id has %d parts: %s", len(parts), got.ID)
	}
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if string(header) != `{"alg":"HS256","typ":"JWT"}` {
		t.Errorf("header %s", header)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	now := r.clock.Now().Unix()
	want := claims{demo.userID, demo.OrganizationID, now + 3600, now, c.ID}
	if c != want || c.ID == "" {
		t.Errorf("claims %+v, want %+v", c, want)
	}
	if again := r.login("demo"); again.ID == got.ID {
		t.Error("two logins gave the same token")
	}
}

func TestLogin_takesWhatProtobufJSONTakes(t *testing.T) {
	r := start(t, Config{})
	org := r.Accounts()[0].OrganizationID
	for _, more := range []string{
		``, `,"organization_id":null`, `,"organization_id":""`, `,"organization_id":"` + org + `"`, `,"organizationId":"` + org + `"`,
	} {
		body := `{"email":"DEMO@fairlead.example","password":"` + demoPassword + `"` + more + `}`
		if got := r.token(r.call("POST", "/v1/account/login", "Basic ignored", body)); got.OrganizationID != org {
			t.Errorf("%s: organization %s", more, got.OrganizationID)
		}
	}
}

func TestLogin_ignoresContentType(t *testing.T) {
	r := start(t, Config{})
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "text/plain", ""} {
		res, err := r.http.Post(r.url+"/v1/account/login", contentType, strings.NewReader(credentialsOf("demo")))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("%q: %s", contentType, res.Status)
		}
	}
}

func TestRefresh_revokesTheOldToken(t *testing.T) {
	r := start(t, Config{})
	old := r.login("demo")
	r.clock.pass(30 * time.Minute)
	fresh := r.token(r.call("PUT", "/v1/account/refresh", bearer(old), ""))
	if fresh.ID == old.ID || fresh.UserID != old.UserID || fresh.OrganizationID != old.OrganizationID ||
		fresh.ExpiresAt != "2026-11-23T21:30:00Z" {
		t.Errorf("refreshed %+v", fresh)
	}
	r.refused(r.call("PUT", "/v1/account/refresh", bearer(old), ""), 401, "the token was revoked")
	r.token(r.call("PUT", "/v1/account/refresh", bearer(fresh), ""))
}

func TestRefresh_succeedsOnceForOneToken(t *testing.T) {
	r := start(t, Config{})
	old := r.login("demo")
	var succeeded atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if g, err := r.try("PUT", "/v1/account/refresh", bearer(old), ""); err == nil && g.status == 200 {
				succeeded.Add(1)
			}
		})
	}
	all.Wait()
	if succeeded.Load() != 1 {
		t.Errorf("%d of 8 refreshes of one token succeeded", succeeded.Load())
	}
}

func TestSession_hasNoOrganization(t *testing.T) {
	r := start(t, Config{})
	first := r.login("demo")
	session := r.token(r.call("POST", "/v1/account/session", bearer(first), ""))
	if session.OrganizationID != "" || session.UserID != first.UserID || session.ID == first.ID {
		t.Errorf("session %+v", session)
	}
	if again := r.token(r.call("PUT", "/v1/account/refresh", bearer(session), "")); again.OrganizationID != "" {
		t.Errorf("refresh of a session gave it organization %s", again.OrganizationID)
	}
	r.token(r.call("PUT", "/v1/account/refresh", bearer(first), "")) // session revoked nothing
}

func TestLogout_revokes(t *testing.T) {
	r := start(t, Config{})
	ended, other := r.login("demo"), r.login("demo")
	if g := r.call("DELETE", "/v1/account/logout", bearer(ended), ""); g.status != 200 || g.body != "{}" {
		t.Errorf("got %d %s", g.status, g.body)
	}
	r.refused(r.call("DELETE", "/v1/account/logout", bearer(ended), ""), 401, "the token was revoked")
	r.refused(r.call("POST", "/v1/account/session", bearer(ended), ""), 401, "the token was revoked")
	r.token(r.call("POST", "/v1/account/session", bearer(other), ""))
}

func TestToken_expiresByTheClock(t *testing.T) {
	r := start(t, Config{TokenLifetime: 10 * time.Minute})
	token := r.login("demo")
	r.clock.pass(10*time.Minute - 1)
	r.token(r.call("POST", "/v1/account/session", bearer(token), ""))
	r.clock.pass(1)
	for method, path := range map[string]string{"POST": "/v1/account/session", "PUT": "/v1/account/refresh",
		"DELETE": "/v1/account/logout"} {
		g := r.call(method, path, bearer(token), "")
		r.refused(g, 401, `{"status":401,"code":"authentication_error","message":"the token has expired, log in again"}`)
	}
}

func TestToken_livesNoShorterThanConfigured(t *testing.T) {
	r := start(t, Config{TokenLifetime: 1500 * time.Millisecond})
	if got := r.login("demo").ExpiresAt; got != "2026-11-23T20:00:02Z" {
		t.Errorf("expires at %s", got)
	}
}

func TestToken_isGoodInItsProcessOnly(t *testing.T) {
	here, there := start(t, Config{}), start(t, Config{})
	here.refused(there.call("POST", "/v1/account/session", bearer(here.login("demo")), ""), 401,
		"the token is not valid")
}

func TestAPIToken_outlivesRefreshAndLogout(t *testing.T) {
	r := start(t, Config{})
	credential, demo := "bearer "+r.APIToken(), r.accounts[0]
	for range 2 {
		if got := r.token(r.call("POST", "/v1/account/session", credential, "")); got.UserID != demo.userID ||
			got.OrganizationID != "" {
			t.Errorf("session %+v", got)
		}
		if got := r.token(r.call("PUT", "/v1/account/refresh", credential, "")); got.UserID != demo.userID ||
			got.OrganizationID != demo.OrganizationID {
			t.Errorf("refresh %+v", got)
		}
		if g := r.call("DELETE", "/v1/account/logout", credential, ""); g.body != "{}" {
			t.Errorf("logout %d %s", g.status, g.body)
		}
		r.clock.pass(1000 * time.Hour)
	}
}

func TestTokens_areBounded(t *testing.T) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	s := New(Config{Clock: c.Now})
	first, second := s.issue("u", "", s.expiry()), s.issue("u", "", s.expiry())
	for range maxTokens - 1 {
		s.issue("u", "", s.expiry())
	}
	if len(s.tokens.slots) != maxTokens {
		t.Errorf("%d tokens", len(s.tokens.slots))
	}
	if _, err := s.verify(first.ID); err != errRevoked {
		t.Errorf("the oldest token: %v", err)
	}
	if _, err := s.verify(second.ID); err != nil {
		t.Errorf("the second oldest: %v", err)
	}
	c.pass(time.Hour)
	s.issue("u", "", s.expiry())
	if len(s.tokens.slots) != 1 {
		t.Errorf("%d tokens, the expired ones should be gone", len(s.tokens.slots))
	}
}

func FuzzParseCredentials(f *testing.F) {
	for _, seed := range []string{credentialsOf("demo"), `{}`, `{"email":null,"x":[{}]}`, `{"organizationId":"a","organization_id":1}`, `"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, wrong := parseCredentials(body)
		if len(wrong) == 0 && (c.email == "" || c.password == "") {
			t.Errorf("accepted %q as %+v", body, c)
		}
		if len(wrong) == 0 && !json.Valid(body) {
			t.Errorf("accepted %q, which is not JSON", body)
		}
	})
}

func FuzzVerify(f *testing.F) {
	s := New(Config{})
	token := s.issue("user", "organization", s.expiry()).ID
	dot := strings.LastIndexByte(token, '.')
	for _, seed := range []string{token, token + "\n", token + "=", token[:dot], token[:dot+1], token[1:], "..", "",
		token[:len(token)-1] + "_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.verify(text); (err == nil) != (text == token) {
			t.Errorf("verify %q: %v", text, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s := New(Config{})
	token := s.issue("user", "organization", s.expiry()).ID
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleSandbox_Accounts() {
	for _, a := range New(Config{}).Accounts() {
		fmt.Printf("%-30s %s\n", a.Email, a.Note)
	}
	// Output:
	// demo@fairlead.example          logs in
	// slow@fairlead.example          logs in after 3s
	// expired@fairlead.example       logs in, but the token has already expired
	// huge@fairlead.example          logs in with an answer of more than 1 MiB
	// workos@fairlead.example        401: the account logs in through WorkOS (SSO)
	// mfa@fairlead.example           401: the account has multi-factor authentication
	// passkey@fairlead.example       401: the account logs in with a passkey
	// ratelimited@fairlead.example   429: rate limit exceeded
	// unavailable@fairlead.example   503: service unavailable
	// dropped@fairlead.example       no answer: the connection closes
	// html@fairlead.example          200 with an HTML page
	// malformed@fairlead.example     200 with JSON that breaks off
	// empty@fairlead.example         200 without a body
}
