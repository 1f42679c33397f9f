package connect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
)

const password = "canary-password"

// world is a page with one API whose only account is ada.
type world struct {
	*testing.T
	handler  http.Handler
	signIns  *session.SignIns
	vault    *session.Vault
	api      *connect.API
	who      connect.Visitor
	asked    int // how often the API was asked to sign in
	signedIn error
	life     time.Duration // of the sessions that it gives
	refused  error
	ended    []string // tokens that the API was told of
}

func open(t *testing.T) *world {
	t.Helper()
	sealer, err := session.NewSealer(bytes.Repeat([]byte{1}, session.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	vault := session.NewVault(session.NewMemory(), sealer, nil)
	w := &world{T: t, signIns: session.NewSignIns(vault), vault: vault, life: time.Hour,
		who: connect.Visitor{Principal: session.Local()}}
	w.api = &connect.API{
		Key: session.Key{Principal: session.Local(), Document: "koyeb.yaml", API: "koyeb",
			Origin: "https://app.koyeb.com:443"},
		Capability: "Koyeb <Sessions>", Name: "koyeb", Host: "app.koyeb.com",
		Fields: []connect.Field{
			{Name: "email", Label: "E-mail", Required: true},
			{Name: "password", Label: "Password", Secret: true, Required: true},
			{Name: "organization_id", Label: "Organization", Hint: "The default one when left out."},
		},
		SignIn: func(_ context.Context, values map[string]string, _ string) (*session.Session, error) {
			w.asked++
			switch {
			case w.signedIn != nil:
				return nil, w.signedIn
			case values["email"] != "ada@example.com" || values["password"] != password:
				return nil, &connect.Refusal{Message: "invalid <credentials>"}
			}
			now := time.Now()
			return &session.Session{Token: secret.New("canary-token"), Made: now, Expires: now.Add(w.life),
				Shown: []session.Shown{{Name: "user", Text: "u-1"}}}, nil
		},
		SignOut: func(_ context.Context, s *session.Session) error {
			w.ended = append(w.ended, s.Token.Reveal())
			return nil
		},
	}
	w.handler = connect.New(connect.Config{
		SignIns: w.signIns, Vault: w.vault,
		APIs: func(_ context.Context, who session.Principal) ([]*connect.API, error) {
			api := *w.api
			api.Key.Principal = who
			return []*connect.API{&api}, nil
		},
		Who: func(http.ResponseWriter, *http.Request) (connect.Visitor, bool, error) {
			return w.who, false, w.refused
		},
	})
	return w
}

// ask is the address of a new sign-in page.
func (w *world) ask() string {
	w.Helper()
	key := w.api.Key
	key.Principal = session.Local()
	in, err := w.signIns.Ask(w.Context(), key,
		session.Asked{Capability: w.api.Capability, Unit: "login-user", Client: "an agent"})
	if err != nil {
		w.Fatal(err)
	}
	return connect.Path + "/" + in.Handle
}

func (w *world) send(r *http.Request) (status int, body string, header http.Header) {
	w.Helper()
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	text, _ := io.ReadAll(recorder.Body)
	for _, canary := range []string{password, "canary-token"} {
		if strings.Contains(string(text), canary) {
			w.Errorf("%s %s shows a secret:\n%s", r.Method, r.URL, text)
		}
	}
	return recorder.Code, string(text), recorder.Header()
}

func (w *world) get(path string) (int, string, http.Header) {
	w.Helper()
	return w.send(httptest.NewRequest("GET", path, nil))
}

func (w *world) post(path string, pairs ...string) (int, string, http.Header) {
	w.Helper()
	r := postRequest(path, pairs...)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(r)
}

func postRequest(path string, pairs ...string) *http.Request {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (w *world) session() (*session.Session, error) {
	key := w.api.Key
	key.Principal = session.Local()
	return w.vault.Get(context.Background(), key)
}

func TestPage_signsIn(t *testing.T) {
	w := open(t)
	page := w.ask()
	status, body, header := w.get(page)
	if status != 200 {
		t.Fatalf("%d\n%s", status, body)
	}
	for _, want := range []string{"Koyeb &lt;Sessions&gt;", "app.koyeb.com", "login-user", "an agent", `type="password"`, `autocomplete="current-password"`, `<label for="f-email">`, `aria-describedby="h-organization_id"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"X-Frame-Options": "DENY",
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %q", name, header.Get(name))
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "style=") {
		t.Error("the page needs what its policy forbids")
	}
	status, body, _ = w.post(page, "email", " ada@example.com ", "password", password)
	if status != 200 || !strings.Contains(body, "You are signed in") || !strings.Contains(body, "u-1") {
		t.Errorf("%d\n%s", status, body)
	}
	if s, err := w.session(); err != nil || s.Token.Reveal() != "canary-token" {
		t.Errorf("stored %v, %v", s, err)
	}
	if status, _, _ = w.get(page); status != 404 {
		t.Errorf("the page opens again: %d", status)
	}
	if status, _, _ = w.post(page, "email", "ada@example.com", "password", password); status != 404 || w.asked != 1 {
		t.Errorf("posted twice: %d, asked %d times", status, w.asked)
	}
}

func TestPage_tellsWhatTheAPISays(t *testing.T) {
	w := open(t)
	page := w.ask()
	if status, body, _ := w.post(page, "email", "ada@example.com"); status != 422 ||
		!strings.Contains(body, "Password is needed.") || w.asked != 0 {
		t.Errorf("without a password: %d, asked %d times\n%s", status, w.asked, body)
	}
	for i := range session.MaxAttempts {
		status, body, _ := w.post(page, "email", "ada@example.com", "password", "wrong")
		want := 422
		if i == session.MaxAttempts-1 {
			want = 403
		}
		if status != want || !strings.Contains(body, "invalid &lt;credentials&gt;") {
			t.Errorf("attempt %d: %d\n%s", i+1, status, body)
		}
		if want == 422 && !strings.Contains(body, `value="ada@example.com"`) {
			t.Error("what was typed and is no secret must be typed again")
		}
	}
	if status, _, _ := w.post(page, "email", "ada@example.com", "password", password); status != 404 {
		t.Errorf("after the last attempt: %d", status)
	}
	if status, _, _ := w.post(w.ask(), "email", "ada@example.com", "password", password); status != 429 ||
		w.asked != session.MaxAttempts {
		t.Errorf("a new page gives new attempts: %d, asked %d times", status, w.asked)
	}
}

// TestPage_keepsItsHandleWhileTheAPIIsAway: nobody is locked out by an API that does
// not look at what they typed.
func TestPage_keepsItsHandleWhileTheAPIIsAway(t *testing.T) {
	w := open(t)
	page := w.ask()
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("dial tcp 10.0.0.1: canary-token refused"), "could not be asked"},
		{&connect.Refusal{Message: "slow down", Unjudged: true}, "slow down"},
	} {
		w.signedIn = c.err
		for range session.MaxAttempts {
			if status, body, _ := w.post(page, "email", "ada@example.com", "password", password); status != 422 ||
				!strings.Contains(body, c.want) || strings.Contains(body, "10.0.0.1") {
				t.Errorf("%d\n%s", status, body)
			}
		}
	}
	w.signedIn = nil
	if status, _, _ := w.post(page, "email", "ada@example.com", "password", password); status != 200 {
		t.Errorf("then: %d", status)
	}
}

// TestPage_tellsOfAnAnswerWithoutASession: such an answer may be how an API refuses, so
// it counts.
func TestPage_tellsOfAnAnswerWithoutASession(t *testing.T) {
	w := open(t)
	page := w.ask()
	w.signedIn = &connect.NoSession{Err: errors.New("canary-token is HTML")}
	for i := range session.MaxAttempts {
		status, body, _ := w.post(page, "email", "ada@example.com", "password", password)
		want := 422
		if i == session.MaxAttempts-1 {
			want = 403
		}
		if status != want || !strings.Contains(body, "app.koyeb.com answered, but gave no session") {
			t.Errorf("attempt %d: %d\n%s", i+1, status, body)
		}
	}
}

// TestPage_storesNoSessionThatHasEnded: nobody is told that they are signed in with it.
func TestPage_storesNoSessionThatHasEnded(t *testing.T) {
	w := open(t)
	page := w.ask()
	w.life = -time.Minute
	status, body, _ := w.post(page, "email", "ada@example.com", "password", password)
	if status != 502 || !strings.Contains(body, "app.koyeb.com gave a session that has ended already") ||
		strings.Contains(body, "You are signed in") {
		t.Errorf("%d\n%s", status, body)
	}
	if s, err := w.session(); !errors.Is(err, session.ErrSignIn) {
		t.Errorf("stored %v, %v", s, err)
	}
	w.life = time.Hour
	if status, _, _ := w.post(page, "email", "ada@example.com", "password", password); status != 200 {
		t.Errorf("then: %d", status)
	}
}

// TestPage_isForItsPersonAlone: credentials.md vectors 7, 10 and 11.
func TestPage_isForItsPersonAlone(t *testing.T) {
	w := open(t)
	page := w.ask()
	for _, who := range []session.Principal{{Issuer: "https://issuer.example", Subject: "bob"}, {}} {
		w.who = connect.Visitor{Principal: who}
		if status, body, _ := w.get(page); status != 404 && status != 403 || strings.Contains(body, "app.koyeb.com") {
			t.Errorf("%+v sees it: %d\n%s", who, status, body)
		}
		if status, _, _ := w.post(page, "email", "ada@example.com", "password", password); status != 404 &&
			status != 403 {
			t.Errorf("%+v signs in: %d", who, status)
		}
	}
	w.who = connect.Visitor{Principal: session.Local()}
	for name, headers := range map[string][]string{
		"of another site":       {"Sec-Fetch-Site", "cross-site"},
		"of a sibling":          {"Sec-Fetch-Site", "same-site"},
		"of a foreign origin":   {"Origin", "https://evil.example"},
		"of the null origin":    {"Origin", "null"},
		"of an unknown browser": nil,
	} {
		r := postRequest(page, "email", "ada@example.com", "password", password)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		if status, _, _ := w.send(r); status != 403 {
			t.Errorf("a post %s: %d", name, status)
		}
	}
	if w.asked != 0 {
		t.Errorf("the API was asked %d times", w.asked)
	}
	if status, _, _ := w.get(connect.Path + "/AAAAAAAAAAAAAAAAAAAAAAAAAA"); status != 404 {
		t.Errorf("an invented handle: %d", status)
	}
	if status, _, _ := w.post(page, "email", "ada@example.com", "password",
		password+strings.Repeat("x", 64<<10)); status != 400 {
		t.Errorf("a huge form: %d", status)
	}
	if status, _, _ := w.get(page); status != 200 {
		t.Errorf("afterwards its own person: %d", status)
	}
}

func TestList_opensAndEnds(t *testing.T) {
	w := open(t)
	if status, body, _ := w.get(connect.Path); status != 200 || !strings.Contains(body, "Not signed in") {
		t.Errorf("%d\n%s", status, body)
	}
	status, _, header := w.post(connect.Path+"/open", "document", "koyeb.yaml", "api", "koyeb")
	if status != 303 {
		t.Fatalf("open: %d", status)
	}
	w.post(header.Get("Location"), "email", "ada@example.com", "password", password)
	if _, body, _ := w.get(connect.Path); !strings.Contains(body, "Signed in until") || !strings.Contains(body, "u-1") {
		t.Errorf("the list does not know:\n%s", body)
	}
	if status, _, _ := w.post(connect.Path+"/end", "document", "koyeb.yaml", "api", "koyeb"); status != 303 {
		t.Errorf("end: %d", status)
	}
	if _, err := w.session(); !errors.Is(err, session.ErrSignIn) || len(w.ended) != 1 || w.ended[0] != "canary-token" {
		t.Errorf("after the end: %v, told of %v", err, w.ended)
	}
	if status, _, _ := w.post(connect.Path+"/open", "document", "other.yaml", "api", "koyeb"); status != 404 {
		t.Errorf("an API that is not there: %d", status)
	}
}

func TestStyle_isServed(t *testing.T) {
	status, body, header := open(t).get(connect.Path + "/style.css")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/css") ||
		!strings.Contains(body, "prefers-color-scheme") {
		t.Errorf("%d %v", status, header)
	}
}

func TestPage_asksWhoItIs(t *testing.T) {
	w := open(t)
	w.refused = connect.Choice{{Name: "orders <mcp>", URL: "/connect?as=1"}}
	if status, body, _ := w.get(connect.Path); status != 200 || !strings.Contains(body, `href="/connect?as=1">orders &lt;mcp&gt;`) {
		t.Errorf("%d\n%s", status, body)
	}
	w.refused = &connect.Refused{Status: 401, Message: "Say who you are."}
	if status, body, _ := w.get(connect.Path); status != 401 || !strings.Contains(body, "Say who you are.") {
		t.Errorf("%d\n%s", status, body)
	}
	w.refused, w.who.Name, w.who.Kept = nil, "ada <l>", true
	for _, path := range []string{connect.Path, w.ask(), connect.Path + "/AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if _, body, _ := w.get(path); !strings.Contains(body, "<strong>ada &lt;l&gt;</strong>") ||
			!strings.Contains(body, `action="/connect/leave"`) {
			t.Errorf("%s does not say who somebody is:\n%s", path, body)
		}
	}
	if status, _, _ := w.post(connect.Path + "/leave"); status != 200 {
		t.Errorf("leave: %d", status)
	}
}

func TestCookies(t *testing.T) {
	type thing struct{ Name string }
	jar := func(c *connect.Cookies, secure bool, life time.Duration) *http.Request {
		w := httptest.NewRecorder()
		if err := c.Put(w, "one", secure, thing{"ada"}, life); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		for _, cookie := range w.Result().Cookies() {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" ||
				cookie.Domain != "" ||
				cookie.Secure != secure || strings.HasPrefix(cookie.Name, "__Host-") != secure ||
				strings.Contains(cookie.Value, "ada") {
				t.Errorf("%s", cookie)
			}
			r.AddCookie(cookie)
		}
		return r
	}
	cookies := func(key string) *connect.Cookies {
		c, err := connect.NewCookies([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, replica, stranger := cookies("a key of replicas, long enough"), cookies("a key of replicas, long enough"),
		cookies("")
	var got thing
	if !replica.Get(jar(one, true, time.Minute), "one", true, &got) || got.Name != "ada" {
		t.Errorf("another replica reads %v", got)
	}
	for name, there := range map[string]bool{
		"over HTTP":           one.Get(jar(one, true, time.Minute), "one", false, &got),
		"of HTTP":             one.Get(jar(one, false, time.Minute), "one", true, &got),
		"by another name":     one.Get(jar(one, true, time.Minute), "two", true, &got),
		"with another key":    stranger.Get(jar(one, true, time.Minute), "one", true, &got),
		"after its end":       one.Get(jar(one, true, -time.Second), "one", true, &got),
		"where there is none": one.Get(httptest.NewRequest("GET", "/", nil), "one", true, &got),
	} {
		if there {
			t.Errorf("it is read %s", name)
		}
	}
	renamed := httptest.NewRequest("GET", "/", nil)
	for _, cookie := range jar(one, true, time.Minute).Cookies() {
		renamed.AddCookie(&http.Cookie{Name: strings.Replace(cookie.Name, "one", "two", 1), Value: cookie.Value})
	}
	if one.Get(renamed, "two", true, &got) {
		t.Error("a cookie stands for another")
	}
}

func TestStrip(t *testing.T) {
	for given, want := range map[string]string{
		"a=1; fairlead-person=x; b=2":                      "a=1; b=2",
		"__Host-fairlead-person=x;fairlead-away-Y=z":       "",
		"other-fairlead-person=x; a=\"fairlead-person=x\"": "other-fairlead-person=x; a=\"fairlead-person=x\"",
		"a=1": "a=1",
	} {
		h := http.Header{"Cookie": {given}}
		if connect.Strip(h); h.Get("Cookie") != want {
			t.Errorf("%q becomes %q, want %q", given, h.Get("Cookie"), want)
		}
	}
	h := http.Header{"Cookie": {"a=1", "fairlead-person=x", "b=2"}}
	if connect.Strip(h); len(h["Cookie"]) != 1 || h.Get("Cookie") != "a=1; b=2" {
		t.Errorf("of several lines: %q", h["Cookie"])
	}
}
