package oauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
	"github.com/fairlead/fairlead/internal/upstream"
)

const redirect = "https://fairlead.example/connect/callback"

// world is an authorization server and a client of it.
type world struct {
	*testing.T
	as      *authserver.Server
	http    *http.Client
	client  *oauth.Client
	started oauth.Transaction // of the last sign-in
}

func open(t *testing.T, change ...func(*authserver.Server)) *world {
	t.Helper()
	w := &world{T: t, as: authserver.New(t, "/tenant", time.Now), http: upstream.NewPlainClient(nil)}
	t.Cleanup(w.http.CloseIdleConnections)
	w.as.Clients["crm"] = &authserver.Client{Secret: "s3cret&=", Redirects: []string{redirect},
		Audience: "https://crm.example"}
	for _, c := range change {
		c(w.as)
	}
	w.client = &oauth.Client{Server: oauth.NewServer(w.http, w.as.Issuer), ID: "crm", Secret: secret.New("s3cret&="),
		Scopes: []string{"read", "openid"}}
	return w
}

// send lets somebody's browser follow the address of Begin, and returns what it
// brings back.
func (w *world) send(person string) url.Values {
	w.Helper()
	to, started, err := w.client.Begin(w.Context(), redirect)
	if err != nil {
		w.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(w.Context(), "GET", to, nil)
	req.AddCookie(authserver.SignedIn(person))
	resp, err := w.http.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		text, _ := io.ReadAll(resp.Body)
		w.Fatalf("%v: %s", resp.Status, text)
	}
	if !strings.HasPrefix(back.String(), redirect+"?") {
		w.Fatalf("sent to %s", back)
	}
	w.started = started
	return back.Query()
}

// finish signs Alice in.
func (w *world) finish() (*oauth.Tokens, error) {
	w.Helper()
	answer := w.send("alice")
	return w.client.Finish(w.Context(), w.started, answer)
}

func (w *world) signIn() *session.Session {
	w.Helper()
	tokens, err := w.finish()
	if err != nil {
		w.Fatal(err)
	}
	return tokens.Session(time.Now())
}

func (w *world) person(s *session.Session) string {
	person, _ := w.as.Person(s.Token.Reveal())
	return person
}

func TestClient_getsTokensForSomebody(t *testing.T) {
	w := open(t)
	answer := w.send("alice")
	tokens, err := w.client.Finish(t.Context(), w.started, answer)
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(tokens.Expires); life < 59*time.Minute || life > time.Hour || tokens.Refresh.IsEmpty() {
		t.Errorf("got a life of %v and a refresh token: %v", life, !tokens.Refresh.IsEmpty())
	}
	s := tokens.Session(time.Now())
	if w.person(s) != "alice" || s.Shown[0].Text != "read openid" {
		t.Errorf("a session of %q, shown %v", w.person(s), s.Shown)
	}
	claims, err := w.client.VerifyID(t.Context(), w.started, tokens.ID)
	if err != nil || oauth.Text(claims.Get("sub")) != "alice" {
		t.Errorf("ID token of %v: %v", claims.Get("sub"), err)
	}
	// the code works once, and the tokens that it gave end with its second use
	if _, err := w.client.Finish(t.Context(), w.started, answer); err == nil {
		t.Error("a code works twice")
	}
	if w.person(s) != "" {
		t.Error("the server of the tests does not end tokens whose code was used twice")
	}
}

func TestBegin_asksAsTheRFCsSay(t *testing.T) {
	w := open(t)
	w.client.Resource, w.client.Scopes = "https://crm.example/api", []string{"read", "write"}
	w.client.Extra = url.Values{"access_type": {"offline"}, "state": {"fixed"},
		"redirect_uri": {"https://evil.example"}}
	seen := map[string]bool{}
	for range 2 {
		to, started, err := w.client.Begin(t.Context(), redirect)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		q := u.Query()
		for name, want := range map[string]string{"response_type": "code", "client_id": "crm", "redirect_uri": redirect,
			"scope": "read write", "state": started.State, "code_challenge_method": "S256", "access_type": "offline",
			"resource": "https://crm.example/api", "nonce": ""} {
			if len(q[name]) > 1 || q.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, q[name], want)
			}
		}
		if strings.Contains(to, started.Verifier) || len(started.Verifier) < 43 || q.Get("code_challenge") == "" {
			t.Errorf("the address holds the verifier, or it is short: %s", to)
		}
		for _, once := range []string{started.State, started.Verifier} {
			if seen[once] {
				t.Errorf("%s is used twice", once)
			}
			seen[once] = true
		}
	}
}

func TestBegin_refusesServersThatAreNotSafe(t *testing.T) {
	for name, c := range map[string]struct {
		breakIt func(*authserver.Server)
		want    string
	}{
		"another issuer":  {func(s *authserver.Server) { s.Metadata["issuer"] = s.URL }, "another issuer"},
		"PKCE plain only": {func(s *authserver.Server) { s.Metadata["code_challenge_methods_supported"] = []string{"plain"} }, "S256"},
		"without TLS": {func(s *authserver.Server) { s.Metadata["authorization_endpoint"] = "http://as.example/authorize" },
			"without TLS"},
		"a script": {func(s *authserver.Server) { s.Metadata["authorization_endpoint"] = "javascript:alert(1)" },
			"not an absolute http or https URL"},
		"no token endpoint": {func(s *authserver.Server) { delete(s.Metadata, "token_endpoint") }, "no token_endpoint"},
		"no metadata":       {func(s *authserver.Server) { s.Metadata = nil }, "status 404"},
	} {
		w := open(t, c.breakIt)
		if to, _, err := w.client.Begin(t.Context(), redirect); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %s, %v, want %q", name, to, err, c.want)
		}
	}
	w := open(t)
	w.client.Server = oauth.NewServer(w.http, "http://as.example")
	if _, _, err := w.client.Begin(t.Context(), redirect); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("an issuer without TLS: %v", err)
	}
}

// Vector 12 of RFC 9207, mix-up, and what else an answer may not be. A text of the
// answer never stands in the error, unless the server that was asked has written it.
func TestCheck_believesOnlyTheServerThatWasAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world, answer url.Values)
		want   error
	}{
		"as it is": {func(*world, url.Values) {}, nil},
		"another issuer": {func(_ *world, a url.Values) { a.Set("iss", "https://evil.example") },
			oauth.ErrIssuer},
		"an issuer spelt otherwise": {func(w *world, a url.Values) { a.Set("iss", w.as.Issuer+"/") }, oauth.ErrIssuer},
		"an empty issuer":           {func(_ *world, a url.Values) { a.Set("iss", "") }, oauth.ErrIssuer},
		"no issuer":                 {func(_ *world, a url.Values) { a.Del("iss") }, oauth.ErrIssuer},
		"two issuers":               {func(w *world, a url.Values) { a.Add("iss", w.as.Issuer) }, oauth.ErrAnswer},
		"two codes":                 {func(_ *world, a url.Values) { a.Add("code", "x") }, oauth.ErrAnswer},
		"no code":                   {func(_ *world, a url.Values) { a.Del("code") }, oauth.ErrAnswer},
		"another state":             {func(_ *world, a url.Values) { a.Set("state", "another") }, oauth.ErrState},
		"no state":                  {func(_ *world, a url.Values) { a.Del("state") }, oauth.ErrState},
		"an error of another": {func(_ *world, a url.Values) {
			a.Set("iss", "https://evil.example")
			a.Set("error", "canary")
			a.Set("error_description", "call canary")
		}, oauth.ErrIssuer},
		"an error of nobody": {func(_ *world, a url.Values) { a.Del("iss"); a.Set("error", "canary") },
			oauth.ErrIssuer},
		"an error without state": {func(_ *world, a url.Values) { a.Del("state"); a.Set("error", "canary") },
			oauth.ErrState},
	} {
		w := open(t)
		answer := w.send("alice")
		c.change(w, answer)
		tokens, err := w.client.Finish(t.Context(), w.started, answer)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || (tokens != nil) != (c.want == nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the text of another stands in %v", name, err)
		}
		if asked := w.as.Asked("/token"); c.want != nil && asked != 0 {
			t.Errorf("%s: the code was sent", name)
		}
	}
	w := open(t)
	answer := w.send("alice")
	answer.Del("code")
	answer.Set("error", "access_denied")
	answer.Set("error_description", "No\x00 way\n"+strings.Repeat("x", 1000))
	_, err := w.client.Finish(t.Context(), w.started, answer)
	denied, ok := errors.AsType[*oauth.Denied](err)
	if !ok || denied.Code != "access_denied" || !strings.HasPrefix(denied.Message, "No  way x") ||
		len(denied.Message) > 200 {
		t.Errorf("got %#v", err)
	}
}

// The honest server's code, brought to the transaction that the attacker's server
// began, is not sent to the attacker (RFC 9700 section 4.4).
func TestCheck_isNotMixedUp(t *testing.T) {
	honest, attacker := open(t), open(t)
	_, started, err := attacker.client.Begin(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	answer := honest.send("alice")
	answer.Set("state", started.State)
	if _, err := attacker.client.Finish(t.Context(), started, answer); !errors.Is(err, oauth.ErrIssuer) {
		t.Errorf("got %v", err)
	}
	if attacker.as.Asked("/token") != 0 {
		t.Error("the attacker got the code")
	}
	// nor where the definition was changed between leaving and coming back
	answer = honest.send("alice")
	if _, err := attacker.client.Finish(t.Context(), honest.started, answer); !errors.Is(err, oauth.ErrIssuer) {
		t.Errorf("got %v", err)
	}
	answer.Set("state", started.State)
	// the same where the honest server does not say who it is, but the attacker must
	answer.Del("iss")
	if _, err := attacker.client.Finish(t.Context(), started, answer); !errors.Is(err, oauth.ErrIssuer) {
		t.Errorf("got %v", err)
	}
}

func TestStaticServer_needsNoMetadata(t *testing.T) {
	w := open(t, func(s *authserver.Server) {
		s.Metadata["authorization_response_iss_parameter_supported"] = false
	})
	w.client.Server = oauth.NewStaticServer(w.http, oauth.Metadata{Authorization: w.as.URL + "/authorize?tenant=1",
		Token: w.as.URL + "/token"})
	w.client.Scopes = []string{"read"}
	if s := w.signIn(); w.person(s) != "alice" {
		t.Errorf("a session of %q", w.person(s))
	}
	if w.as.Asked(w.as.At) != 0 {
		t.Error("metadata was asked for")
	}
	answer := w.send("alice")
	answer.Set("iss", w.as.Issuer)
	if _, err := w.client.Finish(t.Context(), w.started, answer); !errors.Is(err, oauth.ErrIssuer) {
		t.Errorf("an issuer that nobody knows: %v", err)
	}
	if err := w.client.Revoke(t.Context(), &session.Session{Token: secret.New("x")}); err != nil {
		t.Errorf("revoke where there is no endpoint: %v", err)
	}
}

// How a client proves itself, as the server says, as the document says, or by trial.
func TestClient_provesItself(t *testing.T) {
	for name, c := range map[string]struct {
		says   any
		set    string
		secret string
		accept string // what the server really takes
		asked  int
	}{
		"basic as it says": {[]string{"client_secret_basic"}, "", "s3cret&=", "basic", 1},
		"post as it says":  {[]string{"client_secret_post", "none"}, "", "s3cret&=", "post", 1},
		"post as set":      {[]string{"client_secret_basic"}, "post", "s3cret&=", "post", 1},
		"by trial":         {nil, "", "s3cret&=", "post", 2},
		"no secret":        {nil, "", "", "none", 1},
	} {
		w := open(t, func(s *authserver.Server) {
			s.Metadata["token_endpoint_auth_methods_supported"] = c.says
			s.Clients["crm"].Secret = c.secret
		})
		w.client.Secret, w.client.Auth = secret.New(c.secret), c.set
		real := w.as.ServeHTTP
		w.as.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _, basic := r.BasicAuth()
			if r.URL.Path == "/token" && basic != (c.accept == "basic") {
				w.as.Set(func() { w.as.Requests = append(w.as.Requests, "/token") })
				rw.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(rw, `{"error":"invalid_client"}`)
				return
			}
			real(rw, r)
		})
		tokens, err := w.finish()
		if err != nil || tokens.Access.IsEmpty() || w.as.Asked("/token") != c.asked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenew_keepsTheTokenInForce(t *testing.T) {
	w := open(t)
	first := w.signIn()
	second, err := w.client.Renew(t.Context(), first)
	if err != nil || second.Token == first.Token || second.Refresh == first.Refresh || w.person(second) != "alice" {
		t.Fatalf("got %v", err)
	}
	if second.Shown[0] != first.Shown[0] {
		t.Errorf("shown %v", second.Shown)
	}
	// the old one is over, and with it the whole family: sign in again
	if _, err := w.client.Renew(t.Context(), first); !errors.Is(err, session.ErrRefused) {
		t.Errorf("a refresh token that was used: %v", err)
	}
	if _, err := w.client.Renew(t.Context(), &session.Session{Token: secret.New("x")}); !errors.Is(err,
		session.ErrRefused) {
		t.Errorf("no refresh token: %v", err)
	}
	// what may pass is no refusal
	third := w.signIn()
	w.as.Set(func() { w.as.Down = 503 })
	if _, err := w.client.Renew(t.Context(), third); err == nil || errors.Is(err, session.ErrRefused) {
		t.Errorf("a server that is down: %v", err)
	}
	w.as.Set(func() { w.as.Down = 0; w.as.Clients["crm"].Secret = "another" })
	if _, err := w.client.Renew(t.Context(), third); err == nil || errors.Is(err, session.ErrRefused) {
		t.Errorf("a secret that was changed: %v", err)
	}
	w.as.Set(func() { w.as.Clients["crm"].Secret = "s3cret&=" })
	// a server that does not rotate leaves the old one in force
	w.as.Set(func() {
		w.as.TokenAt = func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, `{"access_token":"new","token_type":"bearer","expires_in":"59.5"}`)
		}
	})
	next, err := w.client.Renew(t.Context(), third)
	if err != nil || next.Refresh != third.Refresh || next.Token.Reveal() != "new" ||
		time.Until(next.Expires) > time.Minute {
		t.Errorf("got %v", err)
	}
}

func TestRevoke_endsTheSession(t *testing.T) {
	w := open(t)
	s := w.signIn()
	if err := w.client.Revoke(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if w.person(s) != "" {
		t.Error("the token lives on")
	}
	if _, err := w.client.Renew(t.Context(), s); !errors.Is(err, session.ErrRefused) {
		t.Errorf("got %v", err)
	}
	s = w.signIn()
	s.Refresh = secret.String{}
	if err := w.client.Revoke(t.Context(), s); err != nil || w.person(s) != "" {
		t.Errorf("by its access token: %v", err)
	}
}

// What a token endpoint may answer that is no token. No secret that was sent stands
// in an error.
func TestToken_endpointsThatDoNotAnswer(t *testing.T) {
	body := func(status int, text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, text)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"garbage":        {body(200, "<html>"), "no token"},
		"empty":          {body(200, ""), "no token"},
		"a list":         {body(200, `["access_token"]`), "no token"},
		"no token":       {body(200, `{"token_type":"bearer"}`), "no token"},
		"a number":       {body(200, `{"access_token":17}`), "no token"},
		"two lines":      {body(200, `{"access_token":"a\r\nX: y"}`), "cannot be sent"},
		"another type":   {body(200, `{"access_token":"a","token_type":"DPoP"}`), "no bearer token"},
		"huge":           {body(200, `{"access_token":"`+strings.Repeat("x", oauth.MaxAnswer)+`"}`), "larger than"},
		"refused by 200": {body(200, `{"error":"bad_verification_code"}`), "bad_verification_code"},
		"a page":         {body(403, "<h1>no</h1>"), "403"},
		"down":           {body(502, "x"), "status 502"},
		"repeats": {func(rw http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			_, secret, _ := r.BasicAuth()
			body(400, `{"error":"`+r.PostForm.Get("code")+`","error_description":"`+strings.Repeat("x", 190)+
				r.PostForm.Get("code_verifier")+secret+`"}`)(rw, r)
		}, "refused"},
		"redirects": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/authorize", http.StatusTemporaryRedirect)
		}, "redirects"},
		"slow": {func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm() // until the body is read nobody notices that the client has left
			<-r.Context().Done()
		}, "context canceled"},
	} {
		w := open(t)
		answer := w.send("alice")
		w.as.Set(func() { w.as.TokenAt = c.answer })
		ctx, cancel := context.WithCancel(t.Context())
		if name == "slow" {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		tokens, err := w.client.Finish(ctx, w.started, answer)
		cancel()
		if tokens != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
			continue
		}
		for _, hidden := range []string{answer.Get("code"), w.started.Verifier[:8], "s3cret"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: a secret stands in %v", name, err)
			}
		}
		if name == "redirects" && w.as.Asked("/authorize") != 1 {
			t.Error("the redirect was followed")
		}
	}
}

func TestVerifyID_believesOnlyWhatIsForUs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(claims map[string]any)
		ok     bool
	}{
		"as it is":            {func(map[string]any) {}, true},
		"two audiences":       {func(c map[string]any) { c["aud"], c["azp"] = []string{"crm", "x"}, "crm" }, true},
		"another issuer":      {func(c map[string]any) { c["iss"] = "https://evil.example" }, false},
		"another audience":    {func(c map[string]any) { c["aud"] = "other" }, false},
		"no audience":         {func(c map[string]any) { delete(c, "aud") }, false},
		"not named":           {func(c map[string]any) { c["aud"] = []string{"crm", "x"} }, false},
		"another party":       {func(c map[string]any) { c["azp"] = "other" }, false},
		"another nonce":       {func(c map[string]any) { c["nonce"] = "x" }, false},
		"no nonce":            {func(c map[string]any) { delete(c, "nonce") }, false},
		"over":                {func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }, false},
		"no end":              {func(c map[string]any) { delete(c, "exp") }, false},
		"of tomorrow":         {func(c map[string]any) { c["iat"] = time.Now().Add(24 * time.Hour).Unix() }, false},
		"within the leeway":   {func(c map[string]any) { c["exp"] = time.Now().Add(-30 * time.Second).Unix() }, true},
		"an end that is none": {func(c map[string]any) { c["exp"] = "tomorrow" }, false},
	} {
		w := open(t, func(s *authserver.Server) { s.Claims = c.change })
		tokens, err := w.finish()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.VerifyID(t.Context(), w.started, tokens.ID); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := open(t)
	tokens, _ := w.finish()
	for name, token := range map[string]string{"an access token": tokens.Access.Reveal(), "none": "",
		"unsigned": "eyJhbGciOiJub25lIn0.e30.", "changed": tokens.ID[:len(tokens.ID)-8] + "AAAAAAAA"} {
		if _, err := w.client.VerifyID(t.Context(), w.started, token); err == nil {
			t.Errorf("%s is believed", name)
		}
	}
	if _, err := w.client.VerifyID(t.Context(), oauth.Transaction{}, tokens.ID); err == nil {
		t.Error("believed without a nonce")
	}
	// keys that are new are fetched
	w.as.Rotate("p256")
	if _, err := w.client.VerifyID(t.Context(), w.started, tokens.ID); err != nil {
		t.Errorf("keys that are kept: %v", err)
	}
}

// Whatever a browser brings, a code is believed only with the state, and of the
// server, of the transaction, and each parameter once.
func FuzzCheck(f *testing.F) {
	const issuer, state = "https://as.example", "STATE"
	client := &oauth.Client{ID: "crm",
		Server: oauth.NewStaticServer(nil, oauth.Metadata{Issuer: issuer, NamesIssuer: true,
			Authorization: issuer + "/a", Token: issuer + "/t"})}
	t := oauth.Transaction{State: state, Verifier: "v", Issuer: issuer, Redirect: redirect}
	for _, query := range []string{"code=c&state=STATE&iss=https://as.example", "code=c&state=STATE",
		"state=STATE&error=x",
		"code=c&code=d&state=STATE&iss=https://as.example", "code=c&state=STATE&iss=https://as.example/", "%gg",
		"state=&code="} {
		f.Add(query)
	}
	f.Fuzz(func(tt *testing.T, query string) {
		answer, _ := url.ParseQuery(query)
		code, err := client.Check(tt.Context(), t, answer)
		one := func(name, want string) bool { return len(answer[name]) == 1 && answer[name][0] == want }
		good := one("state", state) && one("iss", issuer) && len(answer["code"]) == 1 && answer.Get("code") != "" &&
			answer.Get("error") == ""
		if (err == nil) != (code != "") || err == nil && !good {
			tt.Errorf("%q gives %q, %v", query, code, err)
		}
		if denied, ok := errors.AsType[*oauth.Denied](err); ok && (!one("state", state) || !one("iss", issuer) ||
			strings.ContainsFunc(denied.Error(), func(r rune) bool { return r < ' ' || r > '~' })) {
			tt.Errorf("%q: the text of another, or not printable: %v", query, denied)
		}
	})
}
