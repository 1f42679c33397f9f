package host_test

import (
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
	"time"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/value"
)

// operatorsKey is good at the bank for ever.
const operatorsKey = "key-of-the-operator"

// bank is an API with sessions: tokens are counted, one that is renewed, replaced or
// ended is good no more.
type bank struct {
	*testkit.Upstream
	mu     sync.Mutex
	count  int
	live   map[string]bool
	where  string // of the token in the answer: "", header or cookie
	life   int    // seconds; 0 is not said
	broken bool   // renewal fails for a while
}

func newBank(t *testing.T) *bank {
	b := &bank{live: map[string]bool{operatorsKey: true}}
	b.Upstream = testkit.NewUpstream(t, b.answer)
	return b
}

func (b *bank) token(r *http.Request) string {
	if c, err := r.Cookie("session"); err == nil {
		return c.Value
	}
	for _, text := range []string{r.URL.Query().Get("token"), r.Header.Get("X-Token"), r.Header.Get("Authorization")} {
		if text != "" {
			return strings.TrimPrefix(strings.TrimPrefix(text, "Bearer "), "Token ")
		}
	}
	return ""
}

func (b *bank) answer(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	token := b.token(r)
	if r.URL.Path != "/login" && !b.live[token] {
		http.Error(w, `{"message":"who are you?"}`, http.StatusUnauthorized)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /login":
		if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), `"password":"right"`) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message":"the password is wrong"}`)
			return
		}
		b.give(w)
	case "PUT /session":
		if b.broken {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		delete(b.live, token)
		b.give(w)
	case "POST /session":
		if token != operatorsKey {
			delete(b.live, token)
		}
		b.give(w)
	case "DELETE /session":
		delete(b.live, token)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"seen":%q}`, token)
	}
}

func (b *bank) give(w http.ResponseWriter) {
	b.count++
	token := fmt.Sprintf("token-%d-secret", b.count)
	b.live[token] = true
	switch b.where {
	case "header":
		w.Header().Set("X-Auth-Token", token)
	case "cookie":
		http.SetCookie(w, &http.Cookie{Name: "session", Value: token})
	}
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]string{"": fmt.Sprintf(`"token":%q,`, token)}[b.where] + `"user":"ada"`
	if b.life > 0 {
		answer += fmt.Sprintf(`,"expires_in":%d`, b.life)
	}
	fmt.Fprint(w, "{"+answer+"}")
}

// bankDocument is a document of the bank with what stands in the session.
func bankDocument(session string) string {
	return `
ikanos: 1.0.0-beta5
info: {display: Bank, description: A bank.}
binds:
  - {namespace: env, keys: {BANK_KEY: BANK_KEY, BANK_USER: BANK_USER, BANK_PASSWORD: BANK_PASSWORD}}
capability:
  consumes:
    - type: http
      namespace: bank
      baseUri: https://bank.example
      authentication: {type: bearer, token: "{{BANK_KEY}}"}
      x-fairlead:
        authorization: caller-first
        session:
          login: bank.login
          ask: {user: User, password: Password}
          ` + strings.ReplaceAll(strings.TrimSpace(session), "\n", "\n          ") + `
          show: {user: $.user}
      resources:
        login: {path: /login, operations: {login: {method: POST, x-fairlead: {authentication: none}, inputParameters: {user: {in: body}, password: {in: body}, device: {in: header}}}}}
        session: {path: /session, operations: {renew: {method: PUT}, swap: {method: POST}, leave: {method: DELETE}}}
        account: {path: /account, operations: {see: {method: GET, inputParameters: {after: {in: query}}}}}
  exposes:
    - type: rest
      namespace: rest
      port: 8080
      resources:
        - {path: /login, operations: [{method: POST, name: login, call: bank.login, with: {user: rest.user, password: rest.password}}]}
        - {path: /session, operations: [{method: PUT, call: bank.renew}, {method: POST, call: bank.swap}, {method: DELETE, call: bank.leave}]}
        - {path: /account, operations: [{method: GET, call: bank.see}]}
    - type: mcp
      namespace: mcp
      port: 9090
      tools:
        - {name: login, description: x, call: bank.login, with: {user: tools.user, password: tools.password, device: tools.device}}
        - {name: renew, description: x, call: bank.renew}
        - {name: swap, description: x, call: bank.swap}
        - {name: leave, description: x, call: bank.leave}
        - {name: see, description: x, call: bank.see}
        - {name: leave-by-step, description: x, steps: [{name: a, type: call, call: bank.leave}]}
        - {name: renew-and-see, description: x, steps: [{name: a, type: call, call: bank.renew}, {name: b, type: call, call: bank.see, with: {after: "{{a.user}}"}}], mappings: [{targetName: seen, value: $.b.seen}]}
`
}

const bankSession = `
token: $.token
expires: {in: $.expires_in}
refresh: bank.renew
replace: bank.swap
logout: bank.leave`

// teller runs units of the bank's document for ada.
type teller struct {
	t       *testing.T
	bank    *bank
	engine  *engine.Engine
	vault   *session.Vault
	plan    *plan.Plan
	session *plan.Session
	who     session.Principal
}

func openBank(t *testing.T, b *bank, declared string, env map[string]string) *teller {
	t.Helper()
	s := testkit.Serve(t, bankDocument(declared), testkit.Options{Upstream: b.URL, Env: env})
	for _, d := range s.Document.Diags {
		if d.Severity == diag.Error {
			t.Fatal(d)
		}
	}
	v := session.NewMemoryVault(nil)
	s.Engine.KeepSessions(v)
	return &teller{t, b, s.Engine, v, s.Document.Plan, s.Document.Plan.Sessions[0],
		session.Principal{Issuer: "test", Subject: "ada"}}
}

// run runs a unit and returns the answer's text, or the failure.
func (o *teller) run(name string, values ...value.Value) (string, *engine.Error) {
	o.t.Helper()
	for _, u := range o.plan.Units() {
		if u.Name == name || u.ID == name {
			result, failure := o.engine.Invoke(o.t.Context(), u,
				engine.Args{Principal: o.who, Nobody: "Nobody knows you.",
					Values: values})
			if failure != nil {
				return "", failure
			}
			defer result.Close()
			if result.Raw == nil {
				text, failure := result.Bytes(1 << 20)
				return string(text), failure
			}
			text, failure := result.AppendRaw(nil, 1<<20)
			return string(result.Masked(text)), failure
		}
	}
	o.t.Fatalf("there is no %s", name)
	return "", nil
}

func (o *teller) key() session.Key {
	key, failure := o.engine.SessionKey(o.t.Context(), o.session, o.who)
	if failure != nil {
		o.t.Fatal(failure)
	}
	return key
}

// signIn signs ada in. age is how old the session is.
func (o *teller) signIn(age time.Duration) *session.Session {
	o.t.Helper()
	s, failure := o.engine.SignIn(o.t.Context(), o.session, map[string]string{"user": "ada", "password": "right"}, "")
	if failure != nil {
		o.t.Fatal(failure)
	}
	s.Made = s.Made.Add(-age)
	if err := o.vault.Put(o.t.Context(), o.key(), s); err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *teller) want(name, text string) {
	o.t.Helper()
	if got, failure := o.run(name); failure != nil || got != text {
		o.t.Errorf("%s answers %q, %v; want %q", name, got, failure, text)
	}
}

func (o *teller) wantFailure(name string, kind engine.Kind, part string) *engine.Error {
	o.t.Helper()
	got, failure := o.run(name)
	if failure == nil || failure.Kind != kind || !strings.Contains(failure.Error()+" "+failure.Detail, part) {
		o.t.Errorf("%s answers %q, %v; want %v with %q", name, got, failure, kind, part)
	}
	return failure
}

func TestSession_isHeldByWhoSignedIn(t *testing.T) { // semantics 4.12
	o := openBank(t, newBank(t), bankSession, nil)
	failure := o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in at 127.0.0.1")
	if failure.SignIn == nil || failure.SignIn.Session != o.session || failure.SignIn.Key != o.key() {
		t.Errorf("the sign-in is %+v", failure.SignIn)
	}
	o.wantFailure("mcp.login", engine.SignInNeeded, "nobody is signed in")
	o.wantFailure("mcp.renew", engine.Denied, "nothing to renew")
	o.wantFailure("mcp.swap", engine.Denied, "nothing to replace")
	o.wantFailure("mcp.leave", engine.Denied, "nothing to end")
	o.wantFailure("GET /account", engine.SignInNeeded, "nobody is signed in")
	if n := len(o.bank.Requests()); n > 0 {
		t.Errorf("%d requests were sent without a session", n)
	}

	o.signIn(time.Hour)
	o.want("mcp.see", `{"seen":"***"}`)
	o.want("GET /account", `{"seen":"token-1-secret"}`)
	o.want("mcp.login", `{"signed_in":true,"user":"ada"}`)
	o.want("mcp.renew", `{"signed_in":true,"user":"ada"}`)
	o.want("GET /account", `{"seen":"token-2-secret"}`)
	o.want("mcp.swap", `{"signed_in":true,"user":"ada"}`)
	o.want("GET /account", `{"seen":"token-3-secret"}`)

	o.who.Subject = "bob"
	o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in")
	o.who = session.Principal{}
	o.wantFailure("mcp.see", engine.Unavailable, "Nobody knows you.")
	o.wantFailure("mcp.leave", engine.Unavailable, "Nobody knows you.")
	o.who = session.Principal{Issuer: "test", Subject: "ada"}

	o.want("mcp.leave", `{"signed_in":false}`)
	o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in")
	if len(o.bank.live) != 1 {
		t.Errorf("the bank knows %v", o.bank.live)
	}
}

func TestSession_ofRESTCallersFollowsWhatTheyDo(t *testing.T) { // semantics 4.12
	o := openBank(t, newBank(t), bankSession, nil)
	o.signIn(time.Hour)
	o.want("PUT /session", `{"token":"token-2-secret","user":"ada"}`)
	o.want("GET /account", `{"seen":"token-2-secret"}`)
	o.want("POST /session", `{"token":"token-3-secret","user":"ada"}`)
	o.want("GET /account", `{"seen":"token-3-secret"}`)
	o.want("DELETE /session", "")
	o.wantFailure("DELETE /session", engine.SignInNeeded, "nobody is signed in")
}

func TestSession_isNotTheOperatorsKey(t *testing.T) { // semantics 4.12
	o := openBank(t, newBank(t), bankSession, map[string]string{"BANK_KEY": operatorsKey})
	o.want("mcp.see", `{"seen":"***"}`)
	o.want("GET /account", `{"seen":"`+operatorsKey+`"}`)
	for _, unit := range []string{"mcp.renew", "mcp.leave", "PUT /session", "DELETE /session"} {
		if _, failure := o.run(unit); failure == nil {
			t.Errorf("%s works without a session", unit)
		}
	}
	if got, failure := o.run("mcp.swap"); failure != nil || strings.Contains(got, operatorsKey) {
		t.Errorf("swap answers %q, %v", got, failure)
	}
	o.want("GET /account", `{"seen":"`+operatorsKey+`"}`)
	o.signIn(0)
	o.want("GET /account", `{"seen":"token-2-secret"}`)
	for _, r := range o.bank.Requests() {
		if strings.Contains(r.Header.Get("Authorization"), operatorsKey) &&
			(r.Method == "PUT" || r.Method == "DELETE") {
			t.Errorf("%s %s was sent with the operator's key", r.Method, r.URI)
		}
	}
}

func TestSession_isRenewedAfterARefusal(t *testing.T) {
	b := newBank(t)
	o := openBank(t, b, bankSession, nil)
	o.signIn(time.Hour)
	b.live = map[string]bool{} // the bank has forgotten it, and renews nothing
	o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in")
	o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in")

	s := o.signIn(time.Hour)
	other := o.signIn(time.Hour) // somebody else has renewed it meanwhile
	delete(b.live, s.Token.Reveal())
	o.want("GET /account", `{"seen":"`+other.Token.Reveal()+`"}`)

	o = openBank(t, b, bankSession, nil)
	fresh := o.signIn(0)
	delete(b.live, fresh.Token.Reveal())
	o.wantFailure("mcp.see", engine.SignInNeeded, "nobody is signed in") // which the API does not renew

	o = openBank(t, b, "token: $.token", nil)
	fresh = o.signIn(0)
	delete(b.live, fresh.Token.Reveal())
	o.wantFailure("mcp.see", engine.Answered, "401") // a fresh one that cannot be renewed is not to blame
}

func TestSession_partsOfFlowsAreNotTheOperatorsKey(t *testing.T) { // semantics 4.12
	b := newBank(t)
	o := openBank(t, b, bankSession, map[string]string{"BANK_KEY": operatorsKey})
	for _, tool := range []string{"mcp.leave-by-step", "mcp.renew-and-see"} {
		if got, failure := o.run(tool); failure == nil || failure.Kind != engine.SignInNeeded {
			t.Errorf("%s answers %q, %v", tool, got, failure)
		}
	}
	for _, r := range b.Requests() {
		if r.Method != "GET" && strings.Contains(r.Header.Get("Authorization"), operatorsKey) {
			t.Errorf("%s %s was sent with the operator's key", r.Method, r.URI)
		}
	}
	o.signIn(time.Hour)
	if _, failure := o.run("mcp.renew-and-see"); failure != nil {
		t.Error(failure)
	}
	o.want("GET /account", `{"seen":"token-2-secret"}`) // the session is what the flow has made of it
	if _, failure := o.run("mcp.leave-by-step"); failure != nil {
		t.Error(failure)
	}
	if _, err := o.vault.Get(t.Context(), o.key()); !errors.Is(err, session.ErrSignIn) {
		t.Errorf("after a flow that ends the session: %v", err)
	}
}

func TestSession_ofSeveralAPIsStaysAtThem(t *testing.T) {
	document := func(exit string) string {
		text := bankDocument(strings.ReplaceAll(bankSession, "bank.leave", "door.leave"))
		return strings.Replace(text, "  exposes:\n", "    - type: http\n      namespace: door\n      baseUri: "+exit+
			"\n      resources: {session: {path: /session, operations: {leave: {method: DELETE}}}}\n  exposes:\n", 1) + `
    - type: rest
      namespace: doors
      port: 8081
      resources: [{path: /doors, operations: [{method: DELETE, call: door.leave}]}]
`
	}
	b := newBank(t)
	s := testkit.Serve(t, document("https://bank.example"), testkit.Options{Upstream: b.URL})
	v := session.NewMemoryVault(nil)
	s.Engine.KeepSessions(v)
	o := &teller{t, b, s.Engine, v, s.Document.Plan, s.Document.Plan.Sessions[0],
		session.Principal{Issuer: "test", Subject: "ada"}}
	token := o.signIn(time.Hour).Token.Reveal()
	b.Requests()
	o.want("DELETE /doors", "")
	if got := b.Requests(); len(got) != 1 || got[0].Header.Get("Authorization") != "Bearer "+token {
		t.Errorf("sent %v", got)
	}
	elsewhere := newBank(t)
	u, _ := url.Parse(elsewhere.URL)
	here, _ := url.Parse(b.URL)
	moved := testkit.Serve(t, document("https://bank.example"),
		testkit.Options{Plan: compile.Options{Upstream: map[string]*url.URL{"": here, "door": u}}})
	key, _ := moved.Engine.SessionKey(t.Context(), moved.Document.Plan.Sessions[0], o.who)
	if key == o.key() {
		t.Error("a session follows its log-out to another host")
	}
}

func TestForward_partsAreNotTheOperatorsKey(t *testing.T) {
	f := &plan.Forward{Parts: []plan.ForwardPart{plan.NewForwardPart("DELETE", "/account/{id}/session",
		plan.LogoutRole)}}
	for path, want := range map[string]plan.Role{"account/7/session": plan.LogoutRole,
		"account//7/SESSION/":    plan.LogoutRole,
		"account/7/x/../session": plan.LogoutRole, "account/7%2Fsession": plan.LogoutRole,
		"account/7/session;v=1": plan.LogoutRole,
		"account/7":             plan.NoRole, "account/7/session/x": plan.NoRole} {
		if got := f.RoleOf("DELETE", path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestTools_ofSessionsTakeNothingOfThem(t *testing.T) {
	o := openBank(t, newBank(t), bankSession+`
renews: $.user`, nil)
	o.signIn(0)
	if got, failure := o.run("mcp.see", value.Of("ada")); failure != nil || strings.Contains(got, "token-1") {
		t.Errorf("%q, %v", got, failure)
	}
	for _, u := range o.plan.Units() {
		if u.ID == "mcp.renew" && len(u.Inputs) > 0 {
			t.Errorf("renew takes %v", u.Inputs)
		}
	}
}

func TestSession_isRenewedBeforeItsEndOnceForAll(t *testing.T) {
	b := newBank(t)
	b.life = 3600
	o := openBank(t, b, bankSession, nil)
	s := o.signIn(0)
	s.Made, s.Expires = s.Made.Add(-time.Hour), time.Now().Add(time.Second)
	if err := o.vault.Put(t.Context(), o.key(), s); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			if got, failure := o.run("GET /account"); failure != nil || got != `{"seen":"token-2-secret"}` {
				t.Errorf("got %q, %v", got, failure)
			}
		})
	}
	calls.Wait()
	if b.count != 2 {
		t.Errorf("the bank gave %d tokens", b.count)
	}

	b.broken = true // it still serves
	s, _ = o.vault.Get(t.Context(), o.key())
	s.Made, s.Expires = s.Made.Add(-time.Hour), time.Now().Add(20*time.Second)
	if err := o.vault.Put(t.Context(), o.key(), s); err != nil {
		t.Fatal(err)
	}
	o.want("GET /account", `{"seen":"token-2-secret"}`)
}

func TestSession_ofAServiceAccount(t *testing.T) { // semantics 4.12
	const service = bankSession + `
service: {user: "{{BANK_USER}}", password: "{{BANK_PASSWORD}}"}`
	env := map[string]string{"BANK_USER": "robot", "BANK_PASSWORD": "wrong"}
	b := newBank(t)
	o := openBank(t, b, service, env)
	o.who = session.Principal{}
	o.wantFailure("mcp.see", engine.Unavailable, "the service account of “bank” cannot sign in")
	o.wantFailure("mcp.see", engine.Unavailable, "the service account of “bank” cannot sign in")
	if n := len(b.Requests()); n != 1 {
		t.Errorf("a wrong password was tried %d times", n)
	}

	o = openBank(t, newBank(t), service, map[string]string{"BANK_USER": "robot"})
	o.who = session.Principal{}
	o.wantFailure("mcp.see", engine.Unavailable, "BANK_PASSWORD is not set")
	if n := len(o.bank.Requests()); n > 0 {
		t.Errorf("%d requests were sent with half of an account", n)
	}

	env["BANK_PASSWORD"] = "right"
	o = openBank(t, newBank(t), service, env)
	o.who = session.Principal{}
	o.want("GET /account", `{"seen":"token-1-secret"}`)
	o.want("GET /account", `{"seen":"token-1-secret"}`)
	for _, r := range o.bank.Requests()[:1] {
		if !strings.Contains(string(r.Body), `"user":"robot"`) {
			t.Errorf("the service account signs in with %s", r.Body)
		}
	}
	o.who = session.Principal{Issuer: "test", Subject: "ada"} // a person goes before it
	o.signIn(0)
	o.want("GET /account", `{"seen":"token-2-secret"}`)
	o.want("mcp.leave", `{"signed_in":false}`)
	o.want("GET /account", `{"seen":"token-1-secret"}`)
	o.wantFailure("mcp.leave", engine.Denied, "nothing to end") // and nobody ends the service account's
}

func TestSession_tokensStandAndTravelWhereTheDocumentSays(t *testing.T) {
	for name, tt := range map[string]struct{ where, session, sent string }{
		"bearer": {"", "token: $.token", "Authorization: Bearer token-1-secret"},
		"header": {"header", "token: {header: X-Auth-Token}\nsend: {header: x-token, prefix: 'Token '}",
			"X-Token: Token token-1-secret"},
		"cookie": {"cookie", "token: {cookie: session}\nsend: {cookie: session}",
			"Cookie: session=token-1-secret"},
		"query": {"", "token: [$.access_token, $.token]\nsend: {query: token}", "token=token-1-secret"},
		"several places": {"header", "token: [$.token, {cookie: x}, {header: x-auth-token}]",
			"Authorization: Bearer token-1-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t)
			b.where = tt.where
			o := openBank(t, b, tt.session, nil)
			o.signIn(0)
			o.want("GET /account", `{"seen":"token-1-secret"}`)
			if last := b.Requests()[1].Text(); !strings.Contains(last, tt.sent) {
				t.Errorf("the call was sent as\n%s", last)
			}
		})
	}
}

func TestSession_endsWhenTheDocumentSays(t *testing.T) {
	b := newBank(t)
	b.life = 90
	for expires, want := range map[string]time.Duration{
		"{in: $.expires_in}": 90 * time.Second, "12h": 12 * time.Hour,
		"[$.nothing, {in: $.nothing}, 45m]": 45 * time.Minute,
		"[$.nothing]":                       0,
	} {
		o := openBank(t, b, "token: $.token\nexpires: "+expires, nil)
		s := o.signIn(0)
		if s.Expires.IsZero() != (want == 0) || want > 0 && s.Expires.Sub(s.Made) != want {
			t.Errorf("%s: from %v to %v", expires, s.Made, s.Expires)
		}
	}
}

func TestSignIn_tellsWhatTheAPISays(t *testing.T) {
	o := openBank(t, newBank(t), bankSession, nil)
	_, failure := o.engine.SignIn(t.Context(), o.session, map[string]string{"user": "ada", "password": "let-me-in"}, "")
	if failure == nil || failure.Kind != engine.Answered || failure.Message() != "the password is wrong" {
		t.Errorf("got %v", failure)
	}
	if _, failure = o.engine.SignIn(t.Context(), o.session, map[string]string{"user": "ada"}, ""); failure == nil ||
		failure.Kind != engine.BadInput {
		t.Errorf("without a password: %v", failure)
	}
	_, failure = o.engine.SignIn(t.Context(), o.session, map[string]string{"user": "ada", "password": "right"},
		`{"device":"phone","password":"other"}`)
	last := o.bank.Requests()[1] // the second one had no password and was not sent
	if failure != nil || last.Header.Get("Device") != "phone" || strings.Contains(string(last.Body), "other") {
		t.Errorf("%v, sent %s", failure, last.Text())
	}
}

func TestSession_ofAnotherDefinitionOrPlaceIsAnother(t *testing.T) {
	b := newBank(t)
	o := openBank(t, b, bankSession, nil)
	other := openBank(t, b, strings.ReplaceAll(bankSession, "$.token", "$['token']"), nil)
	elsewhere := openBank(t, newBank(t), bankSession, nil)
	if a := o.key(); a == other.key() || a == elsewhere.key() || a.Origin != b.URL {
		t.Errorf("%+v\n%+v\n%+v", a, other.key(), elsewhere.key())
	}
}

func TestLoginTool_takesNothingThatAPersonIsAsked(t *testing.T) {
	o := openBank(t, newBank(t), bankSession, nil)
	for _, u := range o.plan.Units() {
		if u.ID == "mcp.login" && (len(u.Inputs) != 1 || u.Inputs[0].Name != "device") {
			t.Errorf("login takes %v", u.Inputs)
		}
		if u.ID == "POST /login" && len(u.Inputs) < 2 {
			t.Errorf("POST /login takes %v", u.Inputs)
		}
	}
	_, failure := o.run("mcp.login", value.Of("phone"))
	if failure == nil || failure.SignIn == nil || failure.SignIn.Given != `{"device":"phone"}` {
		t.Errorf("got %+v", failure)
	}
}

func TestPlan_withoutSessionsIsAsWritten(t *testing.T) {
	s := testkit.Serve(t, bankDocument(bankSession), testkit.Options{Plan: compile.Options{NoSessions: true}})
	if len(s.Document.Plan.Sessions) > 0 {
		t.Error("there are sessions")
	}
	for _, u := range s.Document.Plan.Units() {
		if u.Signs || u.Role != plan.NoRole {
			t.Errorf("%s signs in", u.ID)
		}
	}
}

func TestForward_isSentInTheCallersSession(t *testing.T) {
	b := newBank(t)
	s := testkit.Serve(t, bankDocument(bankSession)+`
    - type: rest
      namespace: front
      port: 8081
      resources:
        - {path: "/bank/{rest}", forward: {targetNamespace: bank, trustedHeaders: [X-Any]}}
`, testkit.Options{Upstream: b.URL})
	v := session.NewMemoryVault(nil)
	s.Engine.KeepSessions(v)
	o := &teller{t, b, s.Engine, v, s.Document.Plan, s.Document.Plan.Sessions[0],
		session.Principal{Issuer: "test", Subject: "ada"}}
	var f *plan.Forward
	for _, server := range o.plan.Servers {
		for _, r := range server.Routes {
			if r.Forward != nil {
				f = r.Forward
			}
		}
	}
	ask := func() (string, *engine.Error) {
		result, failure := o.engine.Forward(t.Context(), f, httptest.NewRequest("GET", "/bank/account", nil), "account",
			engine.Args{Principal: o.who})
		if failure != nil {
			return "", failure
		}
		text, failure := result.Bytes(1 << 20)
		return string(text), failure
	}
	if _, failure := ask(); failure == nil || failure.Kind != engine.SignInNeeded {
		t.Errorf("without a session: %v", failure)
	}
	o.signIn(0)
	if got, failure := ask(); failure != nil || got != `{"seen":"token-1-secret"}` {
		t.Errorf("got %q, %v", got, failure)
	}
}

func TestPlan_knowsTheSessionsOwnUnits(t *testing.T) { // of which the log masks the secrets that the document holds
	o := openBank(t, newBank(t), bankSession+`
service: {user: robot, password: written-s3cret-1}`, nil)
	var written []string
	for _, u := range o.plan.Running() {
		for _, w := range u.Written {
			written = append(written, w.Text.Reveal())
		}
	}
	if !slices.Contains(written, "written-s3cret-1") {
		t.Errorf("written: %v", written)
	}
}
