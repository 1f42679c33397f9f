package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// clock is a time that passes only when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

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

// rig is a sandbox behind a loopback listener.
type rig struct {
	*testing.T
	*Sandbox
	clock *clock
	url   string
	http  *http.Client
	log   *bytes.Buffer // what the server wrote; read it after stop
	stop  func()
}

func start(t *testing.T, cfg Config) *rig {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)}
	cfg.Clock = c.Now
	s, lines := New(cfg), &bytes.Buffer{}
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(lines, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return &rig{t, s, c, server.URL, server.Client(), lines, server.Close}
}

type got struct {
	status int
	header http.Header
	body   string
}

func (r *rig) call(method, path, credential, body string) got {
	r.Helper()
	g, err := r.try(method, path, credential, body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, err)
	}
	return g
}

func (r *rig) try(method, path, credential, body string) (got, error) {
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		return got{}, err
	}
	if credential != "" {
		req.Header.Set("Authorization", credential)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return got{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header, string(text)}, err
}

// login logs in by name and returns the token.
func (r *rig) login(name string) tokenReply {
	r.Helper()
	return r.token(r.call("POST", "/v1/account/login", "", credentialsOf(name)))
}

// token takes the token out of an answer that must have one.
func (r *rig) token(g got) tokenReply {
	r.Helper()
	if g.status != 200 {
		r.Fatalf("got %d %s, want a token", g.status, g.body)
	}
	var reply loginReply
	if err := json.Unmarshal([]byte(g.body), &reply); err != nil {
		r.Fatal(err)
	}
	return reply.Token
}

func (r *rig) refused(g got, status int, text string) {
	r.Helper()
	if g.status != status || !strings.Contains(g.body, text) {
		r.Errorf("got %d %s, want %d with %q", g.status, g.body, status, text)
	}
}

func credentialsOf(name string) string {
	return fmt.Sprintf(`{"email":"%s@fairlead.example","password":"%s"}`, name, demoPassword)
}

func bearer(t tokenReply) string { return "Bearer " + t.ID }

func TestSandbox_answersAsPublished(t *testing.T) {
	const (
		login   = "/v1/account/login"
		method  = "/v1/account/login_method"
		demo    = `{"email":"demo@fairlead.example","password":"not-a-real-password"`
		invalid = `{"status":400,"code":"invalid_argument","message":"the request is not valid","fields":[`
		unauth  = `{"status":401,"code":"authentication_error","message":"`
		wrong   = `{"code":12,"message":"Method Not Allowed","details":[]}`
	)
	fields := func(pairs ...string) string {
		var list []string
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, fmt.Sprintf(`{"field":%q,"description":%q}`, pairs[i], pairs[i+1]))
		}
		return invalid + strings.Join(list, ",") + "]}"
	}
	unknown := "is not known; a login has email, password and organization_id"

	rows := []struct {
		name, method, path, credential, body string
		status                               int
		want                                 string // the whole body
	}{
		{"login without a body", "POST", login, "", "", 400, fields("body", "must be valid JSON")},
		{"login with broken JSON", "POST", login, "", `{"email":`, 400, fields("body", "must be valid JSON")},
		{"login with text after the body", "POST", login, "", demo + "} x", 400, fields("body", "must be valid JSON")},
		{"login with invalid UTF-8", "POST", login, "", "{\"email\":\"\xff\"}", 400,
			fields("body", "must be valid JSON")},
		{"login with a string", "POST", login, "", `"demo"`, 400, fields("body", "must be an object, not a string")},
		{"login with an array", "POST", login, "", `[]`, 400, fields("body", "must be an object, not an array")},
		{"login with null", "POST", login, "", `null`, 400, fields("body", "must be an object, not null")},
		{"login with nothing in it", "POST", login, "", `{}`, 400, fields("email", "is required", "password", "is required")},
		{"login with empty members", "POST", login, "", `{"email":"","password":null}`, 400, fields("email", "is required", "password", "is required")},
		{"login with ill-typed members", "POST", login, "", `{"email":7,"password":true,"organization_id":{}}`, 400,
			fields("email", "must be a string, not a number", "password", "must be a string, not a boolean",
				"organization_id", "must be a string, not an object")},
		{"login with a misspelt member", "POST", login, "", `{"emial":"a@b.example","password":"x"}`, 400, fields("emial", unknown, "email", "is required")},
		{"login with one member too many", "POST", login, "", demo + `,"remember":true}`, 400, fields("remember", unknown)},
		{"login of nobody", "POST", login, "", `{"email":"nobody@fairlead.example","password":"not-a-real-password"}`, 401, unauth + `the e-mail address or the password is wrong"}`},
		{"login with a wrong password", "POST", login, "", `{"email":"demo@fairlead.example","password":"wrong"}`, 401, unauth + `the e-mail address or the password is wrong"}`},
		{"login into another organization", "POST", login, "", demo + `,"organization_id":"other"}`, 403,
			`{"status":403,"code":"authorization_required","message":"the account is not a member of this organization"}`},
		{"login with too long a body", "POST", login, "", strings.Repeat(" ", maxBody) + "{", 413,
			`{"code":8,"message":"the request body is larger than 65536 bytes","details":[]}`},

		{"login by GET", "GET", login, "", "", 501, wrong},
		{"logout by POST", "POST", "/v1/account/logout", "", "", 501, wrong},
		{"refresh by POST", "POST", "/v1/account/refresh", "", "", 501, wrong},
		{"session by PUT", "PUT", "/v1/account/session", "", "", 501, wrong},
		{"login method by POST", "POST", method, "", "", 501, wrong},

		{"refresh without a credential", "PUT", "/v1/account/refresh", "", "", 401, unauth + `the Authorization header is missing"}`},
		{"session without a credential", "POST", "/v1/account/session", "", "", 401, unauth + `the Authorization header is missing"}`},
		{"logout without a credential", "DELETE", "/v1/account/logout", "", "", 401, unauth + `the Authorization header is missing"}`},
		{"logout with a bare token", "DELETE", "/v1/account/logout", apiToken, "", 401, unauth + `the Authorization header must be the word Bearer, a space and the token"}`},
		{"logout with another scheme", "DELETE", "/v1/account/logout", "Basic eDp5", "", 401, unauth + `the Authorization header must be the word Bearer, a space and the token"}`},
		{"logout with the scheme alone", "DELETE", "/v1/account/logout", "Bearer ", "", 401, unauth + `the Authorization header must be the word Bearer, a space and the token"}`},
		{"logout with nonsense", "DELETE", "/v1/account/logout", "Bearer nonsense", "", 401, unauth + `the token is not valid"}`},
		{"logout with dots", "DELETE", "/v1/account/logout", "Bearer ..", "", 401, unauth + `the token is not valid"}`},

		{"login method of demo", "GET", method + "?email=demo@fairlead.example", "", "", 200, `{"method":"KOYEB"}`},
		{"login method of nobody", "GET", method + "?email=nobody@fairlead.example", "", "", 200, `{"method":"KOYEB"}`},
		{"login method of workos", "GET", method + "?email=workos@fairlead.example", "", "", 200, `{"method":"WORKOS"}`},
		{"login method of mfa", "GET", method + "?email=mfa@fairlead.example", "", "", 200, `{"method":"KOYEB"}`},
		{"login method of no address", "GET", method, "", "", 400, fields("email", "is required")},
	}
	r := start(t, Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			g := r.call(row.method, row.path, row.credential, row.body)
			if g.status != row.status || g.body != row.want {
				t.Errorf("got  %d %s\nwant %d %s", g.status, g.body, row.status, row.want)
			}
			if g.header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type %q", g.header.Get("Content-Type"))
			}
			for _, absent := range []string{"WWW-Authenticate", "Retry-After", "Allow"} {
				if g.header.Get(absent) != "" {
					t.Errorf("%s: %s, which Koyeb does not send", absent, g.header.Get(absent))
				}
			}
		})
	}
	if r.Requests() != len(rows) {
		t.Errorf("counted %d requests, want %d", r.Requests(), len(rows))
	}
}

func TestSandbox_answersUnknownPathsWithPage(t *testing.T) {
	r := start(t, Config{})
	for _, path := range []string{"/", "/v1/account", "/v1/account/login/", "/v1/v1/account/login",
		"/v1/account/profile"} {
		for _, method := range []string{"GET", "POST"} {
			g := r.call(method, path, "", "")
			if g.status != 200 || g.header.Get("Content-Type") != "text/html; charset=utf-8" ||
				!strings.HasPrefix(g.body, "<!doctype html>") {
				t.Errorf("%s %s: %d %s %q", method, path, g.status, g.header.Get("Content-Type"), g.body)
			}
		}
	}
}

func TestAccounts_startWithDemo(t *testing.T) {
	s, seen := New(Config{}), map[string]bool{}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for i, a := range s.Accounts() {
		if i == 0 && a.Email != "demo@fairlead.example" {
			t.Errorf("first account %s", a.Email)
		}
		if !uuid.MatchString(a.OrganizationID) || a.Password == "" || a.Note == "" || seen[a.Email] ||
			seen[a.OrganizationID] {
			t.Errorf("account %+v", a)
		}
		seen[a.Email], seen[a.OrganizationID] = true, true
	}
	s.Accounts()[0].Email = "changed"
	if s.Accounts()[0].Email == "changed" {
		t.Error("a caller can change the table")
	}
	if New(Config{}).Accounts()[0] != s.Accounts()[0] {
		t.Error("the demo account differs between processes")
	}
}

func TestAPIToken_hasTheLengthOfKoyebs(t *testing.T) {
	if n := len(New(Config{}).APIToken()); n != 64 {
		t.Errorf("%d characters", n)
	}
}

// Nothing that a caller gave to be kept secret may turn up in an answer that is
// not a token, or in a log.
func TestSandbox_repeatsNoCredential(t *testing.T) {
	var process bytes.Buffer
	log.SetOutput(&process) // slog's default writes there too
	t.Cleanup(func() { log.SetOutput(os.Stderr) })

	r := start(t, Config{Latency: time.Nanosecond})
	const secret = "hunter2-hunter2"
	for _, body := range []string{
		`{"email":"demo@fairlead.example","password":"` + secret + `"}`,
		`{"email":"demo@fairlead.example","password":["` + secret + `"]}`,
		`{"email":"demo@fairlead.example","password":` + secret + `}`,
		`{"email":"` + secret + `","password":"x","organization_id":"` + secret + `"}`,
		secret,
	} {
		if g := r.call("POST", "/v1/account/login", "", body); strings.Contains(g.body, secret) {
			t.Errorf("login answers %s", g.body)
		}
	}
	if g := r.call("PUT", "/v1/account/refresh", "Bearer "+secret, ""); strings.Contains(g.body, secret) {
		t.Errorf("refresh answers %s", g.body)
	}
	for _, a := range r.Accounts() {
		_, _ = r.try("POST", "/v1/account/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, a.Email, a.Password))
	}
	r.stop()
	if r.log.Len()+process.Len() > 0 {
		t.Errorf("logged %q %q", r.log, &process)
	}
}

func BenchmarkLogin(b *testing.B) {
	s := New(Config{RateLimit: 1 << 30})
	body := []byte(credentialsOf("demo"))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/account/login", bytes.NewReader(body)))
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
