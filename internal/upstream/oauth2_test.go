package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/internal/expr"
)

const clientSecret, refreshSecret = "s3cr3t+canary/", "refresh-canary"

// issuer is a token endpoint and the API that takes its tokens.
type issuer struct {
	style    string // how clients authenticate: "header" or "body"
	lifetime int    // of a token, in seconds; 0 is not said
	rotate   bool   // refresh tokens are good for once
	refuse   int    // status of the token endpoint instead of a token
	never    bool   // the API takes no token

	mu      sync.Mutex
	asked   []url.Values
	valid   string // the token that the API takes
	refresh string
	served  []string // bodies that the API got
	hold    chan struct{}
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if req.Body == nil {
		req.Body = http.NoBody
	}
	i.ServeHTTP(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		i.token(w, r)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if i.never || i.valid == "" || r.Header.Get("Authorization") != "Bearer "+i.valid {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	i.served = append(i.served, string(body))
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if i.hold != nil {
		<-i.hold
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	user, password, inHeader := r.BasicAuth()
	password, _ = url.QueryUnescape(password)
	if !inHeader {
		user, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i.style == "header" && !inHeader, i.style == "body" && inHeader, user != "me", password != clientSecret,
		i.refresh != "" && r.PostForm.Get("refresh_token") != i.refresh:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"no such client, you said %s and %s"}`, password, url.QueryEscape(password))
		return
	case i.refuse != 0:
		w.WriteHeader(i.refuse)
		return
	}
	i.asked = append(i.asked, r.PostForm)
	i.valid = fmt.Sprintf("token-%d", len(i.asked))
	answer := map[string]any{"access_token": i.valid, "token_type": "bearer"}
	if i.lifetime > 0 {
		answer["expires_in"] = i.lifetime
	}
	if i.rotate {
		i.refresh = fmt.Sprintf("refresh-%d", len(i.asked))
		answer["refresh_token"] = i.refresh
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// revoke makes the API take no token that was issued so far.
func (i *issuer) revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.valid = "revoked"
}

func clientAt(base string) *OAuth2 {
	return &OAuth2{TokenEndpoint: lit(base + "/token"), ClientID: lit("me"), ClientSecret: lit(clientSecret)}
}

func (i *issuer) start(t *testing.T) (base string, c *Client) {
	return serve(t, i.ServeHTTP).URL, newClient(t)
}

func TestOAuth2_sharesOneTokenAcrossOperations(t *testing.T) {
	for _, style := range []string{"header", "body"} {
		i := &issuer{style: style, lifetime: 3600}
		base, c := i.start(t)
		mustSend(t, c, to(t, base, "GET", "/a", clientAt(base)), nil)
		mustSend(t, c, to(t, base, "POST", "/b", clientAt(base)), nil)
		if len(i.asked) != 1 {
			t.Errorf("%s: %d tokens", style, len(i.asked))
		}
	}
}

func TestOAuth2_asksOnceHoweverManyCallsWait(t *testing.T) {
	i := &issuer{style: "header", hold: make(chan struct{})}
	base, c := i.start(t)
	var calls sync.WaitGroup
	for range 30 {
		calls.Go(func() {
			if status, _, err := send(t, c, to(t, base, "GET", "/", clientAt(base)), nil); status != 200 {
				t.Errorf("status %d, error %v", status, err)
			}
		})
	}
	close(i.hold)
	calls.Wait()
	if len(i.asked) != 1 {
		t.Errorf("%d tokens for 30 calls", len(i.asked))
	}
}

func TestOAuth2_sendsScopeAudienceAndResource(t *testing.T) {
	i := &issuer{style: "header"}
	base, c := i.start(t)
	plain, other := clientAt(base), clientAt(base)
	other.Scope, other.Audience, other.Resource = lit("read write"), lit("https://api"), lit("urn:r")
	mustSend(t, c, to(t, base, "GET", "/", plain), nil)
	mustSend(t, c, to(t, base, "GET", "/", other), nil)
	if len(i.asked) != 2 {
		t.Fatalf("%d tokens, want one for each scope", len(i.asked))
	}
	for name, want := range map[string]string{"grant_type": "client_credentials", "scope": "read write",
		"audience": "https://api", "resource": "urn:r"} {
		if got := i.asked[1].Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if i.asked[0].Has("scope") || i.asked[0].Has("audience") {
		t.Errorf("sent what nobody configured: %v", i.asked[0])
	}
}

func TestOAuth2_givesNobodyTheTokenOfAnotherSecret(t *testing.T) {
	i := &issuer{style: "header"}
	base, c := i.start(t)
	mustSend(t, c, to(t, base, "GET", "/", clientAt(base)), nil)
	guess := clientAt(base)
	guess.ClientSecret = lit("guess")
	if status, _, err := send(t, c, to(t, base, "GET", "/", guess), nil); err == nil {
		t.Errorf("status %d with a wrong secret", status)
	}
}

func TestOAuth2_usesTheRefreshTokenThatReplacedTheFirst(t *testing.T) {
	i := &issuer{style: "header", rotate: true, refresh: refreshSecret}
	base, c := i.start(t)
	auth := clientAt(base)
	auth.RefreshToken = lit(refreshSecret)
	for range 3 {
		mustSend(t, c, to(t, base, "GET", "/", auth), nil)
		i.revoke()
	}
	var sent []string
	for _, form := range i.asked {
		sent = append(sent, form.Get("grant_type")+" "+form.Get("refresh_token"))
	}
	if want := []string{"refresh_token refresh-canary", "refresh_token refresh-1",
		"refresh_token refresh-2"}; !slices.Equal(sent, want) {
		t.Errorf("sent %q, want %q", sent, want)
	}
}

func TestOAuth2_replacesATokenThatTheAPIRefuses(t *testing.T) {
	i := &issuer{style: "header"}
	base, c := i.start(t)
	r := to(t, base, "POST", "/", clientAt(base))
	r.Body = &Body{Kind: WholeBody, Whole: lit("[1]")}
	mustSend(t, c, r, nil)
	i.revoke()
	mustSend(t, c, r, nil)
	if len(i.asked) != 2 || !slices.Equal(i.served, []string{"[1]", "[1]"}) {
		t.Errorf("%d tokens, bodies %q", len(i.asked), i.served)
	}
}

func TestOAuth2_replacesTheTokenForTheNextCallWhenABodyCannotBeSentAgain(t *testing.T) {
	i := &issuer{style: "header"}
	base, c := i.start(t)
	r := to(t, base, "POST", "/", clientAt(base))
	r.Body = &Body{Kind: WholeBody}
	once := func() *Entity { return &Entity{Body: io.MultiReader(strings.NewReader("x")), Length: -1} }
	mustSend(t, c, r, once())
	i.revoke()
	if status, _, err := send(t, c, r, once()); status != 401 || err != nil {
		t.Errorf("status %d, error %v", status, err)
	}
	mustSend(t, c, r, once())
}

func TestOAuth2_stopsAskingWhenAFreshTokenIsRefusedToo(t *testing.T) {
	i := &issuer{style: "header", never: true}
	base, c := i.start(t)
	for range 10 {
		if status, _, err := send(t, c, to(t, base, "GET", "/", clientAt(base)), nil); status != 401 || err != nil {
			t.Errorf("status %d, error %v", status, err)
		}
	}
	if len(i.asked) != 2 {
		t.Errorf("%d tokens for an API that refuses all, want 2", len(i.asked))
	}
}

// simulated is a client within a synctest bubble: its upstream is a function call.
func (i *issuer) simulated(t *testing.T) (call func()) {
	c := NewClient(Limits{})
	c.transport = i
	r := to(t, "http://api.test", "GET", "/", clientAt("http://api.test"))
	return func() { t.Helper(); mustSend(t, c, r, nil); synctest.Wait() }
}

func TestOAuth2_renewsATokenBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{style: "header", lifetime: 3600}
		call := i.simulated(t)
		call()
		time.Sleep(58 * time.Minute)
		call()
		if len(i.asked) != 1 {
			t.Fatalf("%d tokens in the first 58 minutes", len(i.asked))
		}
		time.Sleep(90 * time.Second)
		i.hold = make(chan struct{})
		go func() { time.Sleep(time.Second); close(i.hold) }()
		before := time.Now()
		call()
		if time.Since(before) > 0 {
			t.Errorf("the call waited for the renewal")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(i.asked) != 2 {
			t.Errorf("%d tokens after 59:30, want 2", len(i.asked))
		}
		call()
	})
}

func TestOAuth2_waitsForANewTokenWhenTheOldHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{style: "header", lifetime: 60}
		call := i.simulated(t)
		for range 3 {
			call()
			time.Sleep(time.Hour)
		}
		if len(i.asked) != 3 {
			t.Errorf("%d tokens, want 3", len(i.asked))
		}
	})
}

func TestOAuth2_keepsServingWhileRenewalsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{style: "header", lifetime: 3600}
		call := i.simulated(t)
		call()
		time.Sleep(59*time.Minute + time.Second)
		i.refuse = 503
		for range 20 {
			call()
			time.Sleep(time.Second)
		}
		i.refuse = 0
		time.Sleep(20 * time.Second)
		call()
		if len(i.asked) != 2 {
			t.Errorf("%d tokens, want 2", len(i.asked))
		}
	})
}

func TestOAuth2_letsACallerGoWhoseTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{style: "header", hold: make(chan struct{})}
		c := NewClient(Limits{})
		c.transport = i
		out, err := to(t, "http://api.test", "GET", "/", clientAt("http://api.test")).Outbound(nil, nil, Own{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Send(ctx, out); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		close(i.hold)
		synctest.Wait()
	})
}

func TestOAuth2_saysWhyThereIsNoTokenWithoutSecrets(t *testing.T) {
	stealing := make(chan string, 1)
	thief := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stealing <- r.Header.Get("Authorization") + string(body)
	})
	answer := func(status int, text string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	for _, c := range []struct {
		name   string
		at     http.HandlerFunc
		reason string
		retry  bool
	}{
		{"a refusal", (&issuer{style: "header"}).ServeHTTP, "the token endpoint answered 401 (invalid_client)", false},
		{"a refusal that quotes the secret as code", answer(400, `{"error":"bad `+clientSecret+`"}`), "the token endpoint answered 400 (bad ***)", false},
		{"a failure", answer(503, clientSecret), "the token endpoint answered 503", true},
		{"too many requests", answer(429, ""), "the token endpoint answered 429", true},
		{"a redirect", answer(307, "", "Location", thief.URL),
			"the token endpoint answered 307: it redirects, which is not followed", false},
		{"no token", answer(200, `{"expires_in":3600}`), "the token endpoint answered no token", false},
		{"a page", answer(200, `<html>`), "the token endpoint answered no token", false},
		{"an error with status 200", answer(200, `{"error":"slow_down"}`), "the token endpoint answered 200 (slow_down)", false},
		{"a token with a line end", answer(200, `{"access_token":"a\r\nX-Injected: 1"}`), "the token endpoint answered a token that cannot be sent", false},
		{"a type with a line end", answer(200, `{"access_token":"a","token_type":"Bearer\r\nX-Injected: 1\r\n"}`), "the token endpoint answered a token that cannot be sent", false},
		{"a hangup", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"the token endpoint cannot be reached", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.at)
			auth := clientAt(s.URL)
			auth.ClientSecret, auth.RefreshToken = lit(clientSecret), lit(refreshSecret)
			if c.name == "a refusal" {
				auth.ClientID = lit("somebody")
			}
			_, _, err := send(t, newClient(t), to(t, s.URL, "GET", "/", auth), nil)
			e, ok := err.(*CredentialError)
			if !ok || e.Reason != c.reason || e.Retry != c.retry || e.Target != "api.op" {
				t.Fatalf("error %#v, want reason %q", err, c.reason)
			}
			for _, hidden := range []string{clientSecret, url.QueryEscape(clientSecret), refreshSecret, "127.0.0.1",
				"X-Injected"} {
				if hidden != "127.0.0.1" && strings.Contains(err.Error(), hidden) ||
					strings.Contains(e.Reason, hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
		})
	}
	select {
	case got := <-stealing:
		t.Errorf("a redirect target got %q", got)
	default:
	}
}

func TestOAuth2_refusesEndpointsThatAreNone(t *testing.T) {
	for endpoint, reason := range map[string]string{
		"":                              "tokenEndpoint has no value",
		"ftp://x/":                      "tokenEndpoint is not an absolute http or https URL",
		"https://user:pass@login.test/": "tokenEndpoint is no plain host",
		"http://169.254.169.254/token":  "tokenEndpoint is a link-local address",
		"http://[fe80::1]/token":        "tokenEndpoint is a link-local address",
	} {
		auth := clientAt("")
		auth.TokenEndpoint = lit(endpoint)
		_, _, err := send(t, newClient(t), to(t, "http://127.0.0.1:1", "GET", "/", auth), nil)
		if e, ok := err.(*CredentialError); !ok || e.Reason != reason {
			t.Errorf("%q: error %v, want %s", endpoint, err, reason)
		}
	}
}

func TestOAuth2_sendsTheTokenToNoRedirectTarget(t *testing.T) {
	var leaked []string
	thief := serve(t, func(_ http.ResponseWriter,
		r *http.Request) {
		leaked = append(leaked, r.Header.Get("Authorization"))
	})
	i := &issuer{style: "header"}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, thief.URL, http.StatusFound)
			return
		}
		i.ServeHTTP(w, r)
	})
	status, _, err := send(t, newClient(t), to(t, s.URL, "GET", "/away", clientAt(s.URL)), nil)
	if err != nil || status != http.StatusFound || len(leaked) > 0 {
		t.Errorf("status %d, error %v, leaked %q", status, err, leaked)
	}
}

func BenchmarkSendOAuth2(b *testing.B) {
	c := newClient(b)
	c.transport = &issuer{style: "header", lifetime: 3600}
	benchmarkSend(b, c, to(b, "http://api.test", "GET", "/", clientAt("http://api.test")), expr.Frame{})
}

// TestOAuth2_readsLivesThatAreNoIntegers: some endpoints answer seconds with a fraction, or as text.
func TestOAuth2_readsLivesThatAreNoIntegers(t *testing.T) {
	for _, life := range []string{"3599.5", `"3599.5"`, "3.6e3", `"3600"`, "3600"} {
		asked := 0
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" {
				return
			}
			if asked++; r.Header.Get("User-Agent") != "Fairlead" {
				t.Errorf("User-Agent %q", r.Header["User-Agent"])
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token":"a","token_type":"Bearer","expires_in":%s}`, life)
		}).URL
		c := newClient(t)
		for range 2 {
			mustSend(t, c, to(t, base, "GET", "/", clientAt(base)), nil)
		}
		if asked != 1 {
			t.Errorf("%s: asked %d times", life, asked)
		}
	}
}
