// Package sessions holds the session of the seed document with other people's
// clients: a person signs in on the page, in a headless Chromium, and the agent's
// tools work, while neither password nor token stands in a message, in what a
// client prints or in the server's log. ../clients/README.md says how to install them.
package sessions

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/sandbox"
	"github.com/fairlead/fairlead/internal/testkit/chromium"
	"github.com/fairlead/fairlead/test/harness"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "record" {
		os.Exit(recordLines(os.Args[2], os.Args[3:]))
	}
	os.Exit(harness.Main(m))
}

// wrong is a password that opens nothing, and stands nowhere either.
const wrong = "wrong-pass-7f3a"

// koyeb is the sandbox, and what it has given.
type koyeb struct {
	*httptest.Server
	account sandbox.Account
	mu      sync.Mutex
	tokens  []string
	seen    []string // requests, with the number of the token that they carry
}

func newKoyeb(t *testing.T) *koyeb {
	behind := sandbox.New(sandbox.Config{})
	k := &koyeb{account: behind.Accounts()[0]}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		behind.ServeHTTP(answer, r)
		var given struct{ Token struct{ ID string } }
		_ = json.Unmarshal(answer.Body.Bytes(), &given) // errors hold none
		k.mu.Lock()
		at := slices.Index(k.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) + 1
		k.seen = append(k.seen, fmt.Sprintf("%s %s %d: %d", r.Method, r.URL.Path, at, answer.Code))
		if given.Token.ID != "" {
			k.tokens = append(k.tokens, given.Token.ID)
		}
		k.mu.Unlock()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(k.Close)
	return k
}

// held is what Koyeb is asked when a whole session is held: each request carries the
// token that the one before it gave.
var held = []string{
	"POST /v1/account/login 0: 401",
	"POST /v1/account/login 0: 200",
	"POST /v1/account/session 1: 200",
	"PUT /v1/account/refresh 2: 200",
	"DELETE /v1/account/logout 3: 200",
}

// check fails when something else was asked, or when what a sink holds gives a
// secret away.
func (k *koyeb) check(t *testing.T, sinks map[string]string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.seen, held) || len(k.tokens) != 3 {
		t.Errorf("Koyeb gave %d tokens and was asked\n%s\nwant\n%s", len(k.tokens), strings.Join(k.seen, "\n"),
			strings.Join(held, "\n"))
	}
	for _, secret := range append([]string{k.account.Password, wrong}, k.tokens...) {
		parts := strings.Split(secret, ".")
		for spelling, text := range map[string]string{
			"as it is":          secret,
			"its signature":     parts[len(parts)-1],
			"in Base64":         strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
			"in Base64 of URLs": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"in hexadecimal":    hex.EncodeToString([]byte(secret)),
		} {
			for sink, said := range sinks {
				if strings.Contains(said, text) {
					t.Errorf("%q stands, %s, in %s:\n%s", secret, spelling, sink, said)
				}
			}
		}
	}
	for sink, said := range sinks {
		if sink != "the server's log" && said == "" {
			t.Errorf("%s is empty: nothing was recorded", sink)
		}
	}
}

// wire records what client and server say to each other.
type wire struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// tee is a body that w records.
func tee(body io.ReadCloser, w io.Writer) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, w), body}
}

// proxy stands before a server and records. It says nothing of itself to the server.
func proxy(t *testing.T, to string, w *wire) string {
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			fmt.Fprintf(w, "%s %s %v\n", r.In.Method, r.In.URL, r.In.Header)
			if r.Out.Body != nil {
				r.Out.Body = tee(r.Out.Body, w)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			fmt.Fprintf(w, "\n%s %v\n", r.Status, r.Header)
			r.Body = tee(r.Body, w)
			return nil
		},
	})
	t.Cleanup(func() {
		p.CloseClientConnections() // streams that a client keeps open
		p.Close()
	})
	return p.URL + target.Path
}

// caller is a client that calls tools of a server.
type caller interface {
	// list is the result of tools/list, as JSON.
	list(t *testing.T) []byte
	// call is the result of tools/call. open is called with the address of a page when
	// the server asks that the user open it.
	call(t *testing.T, tool string, open func(address string)) result
	// said is all that the client has printed.
	said() string
}

type result struct {
	Content           []struct{ Text string }
	StructuredContent struct {
		SignedIn *bool `json:"signed_in"`
		User     string
		Expires  string `json:"expires_at"`
	}
	IsError bool
}

func (r result) text() string {
	var all []string
	for _, c := range r.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

var pageAddress = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/connect/[A-Z2-7]{26}`)

// hold holds the whole session. elicits says that the client asks its user to open the
// page; else the address stands in a result.
func hold(t *testing.T, c caller, k *koyeb, browser *chromium.Browser, elicits bool) {
	t.Helper()
	if tools := string(c.list(t)); !strings.Contains(tools, "login-user") || strings.Contains(tools, "password") ||
		strings.Contains(tools, `"email"`) {
		t.Errorf("the tools are %s", tools)
	}
	unasked := func(address string) { t.Errorf("the user is asked to open %s", address) }
	if r := c.call(t, "refresh-token", unasked); !r.IsError || !strings.Contains(r.text(), "nothing to renew") {
		t.Errorf("without a session refresh-token says %q", r.text())
	}
	opened := 0
	open := func(address string) {
		opened++
		if !pageAddress.MatchString(address) {
			t.Fatalf("the page is %q", address)
		}
		signIn(t, browser, address, k.account)
	}
	r := c.call(t, "login-user", open)
	if !elicits {
		page := pageAddress.FindString(r.text())
		if !r.IsError || page == "" || opened > 0 {
			t.Fatalf("login-user says %q after %d pages", r.text(), opened)
		}
		open(page)
		r = c.call(t, "login-user", unasked)
	}
	if opened != 1 {
		t.Errorf("%d pages were opened", opened)
	}
	signed := func(tool string, r result, in bool) {
		t.Helper()
		if r.IsError || r.StructuredContent.SignedIn == nil || *r.StructuredContent.SignedIn != in ||
			in && (r.StructuredContent.User == "" || r.StructuredContent.Expires == "") {
			t.Errorf("%s says %q, %+v", tool, r.text(), r.StructuredContent)
		}
	}
	signed("login-user", r, true)
	for _, tool := range []string{"new-session", "refresh-token", "logout-user"} {
		signed(tool, c.call(t, tool, unasked), tool != "logout-user")
	}
	if r := c.call(t, "refresh-token", unasked); !r.IsError || !strings.Contains(r.text(), "nothing to renew") {
		t.Errorf("after the end refresh-token says %q", r.text())
	}
}

// signIn fills the page with the keyboard alone: a wrong password first.
func signIn(t *testing.T, browser *chromium.Browser, address string, account sandbox.Account) {
	t.Helper()
	p := browser.NewPage(t)
	p.Open(address)
	if text := p.Text(); !strings.Contains(text, "login-user") || p.Focused() != "email" {
		t.Fatalf("the page has the focus at %q and says\n%s", p.Focused(), text)
	}
	p.Type(account.Email)
	for _, password := range []string{wrong, account.Password} {
		for p.Focused() != "password" {
			p.Press("Tab")
		}
		p.Type(password)
		p.Enter()
		if password == wrong && !strings.Contains(p.Text(), "the e-mail address or the password is wrong") {
			t.Errorf("after a wrong password the page says\n%s", p.Text())
		}
	}
	if text := p.Text(); !strings.Contains(text, "You are signed in") {
		t.Fatalf("the page says\n%s", text)
	}
}

// program is a client library in one of ../clients/programs.
type program struct{ *harness.Conversation }

func (p program) step(t *testing.T, method string, params map[string]any, open func(string)) json.RawMessage {
	t.Helper()
	p.Say(map[string]any{"method": method, "params": params})
	for {
		var line struct {
			Open          string
			Result, Error json.RawMessage
		}
		p.Hear(&line)
		if line.Open == "" {
			if line.Result == nil {
				t.Fatalf("%s %v is the error %s", method, params, line.Error)
			}
			return line.Result
		}
		open(line.Open)
		p.Say(map[string]any{"opened": true})
	}
}

func (p program) list(t *testing.T) []byte {
	t.Helper()
	return p.step(t, "tools/list", map[string]any{}, nil)
}

func (p program) call(t *testing.T, tool string, open func(string)) (r result) {
	t.Helper()
	decode(t, p.step(t, "tools/call", map[string]any{"name": tool, "arguments": map[string]any{}}, open), &r)
	return r
}

func (p program) said() string { return p.Said() }

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

var libraries = []struct {
	name    string
	command func(*testing.T) []string
	eras    []string
}{
	{"TypeScript SDK v1", func(t *testing.T) []string {
		return harness.Program(t, "sdk-v1.mjs",
			"@modelcontextprotocol/sdk")
	},
		[]string{"legacy"}},
	{"TypeScript SDK v2", func(t *testing.T) []string {
		return harness.Program(t, "sdk-v2.mjs", "@modelcontextprotocol/client")
	}, []string{"legacy", "modern"}},
	{"Python SDK", func(t *testing.T) []string { return harness.Python(t, "sdk-python.py") },
		[]string{"legacy", "modern"}},
	{"Go SDK", harness.GoSDK, []string{"legacy", "modern"}},
}

// TestLibraries_holdTheSession: with a user who opens pages, and without.
func TestLibraries_holdTheSession(t *testing.T) {
	browser := chromium.Start(t)
	for _, l := range libraries {
		for _, era := range l.eras {
			for _, elicits := range []bool{true, false} {
				env, how := []string{"FAIRLEAD_TEST_OPENS=1"}, "/elicitation"
				if !elicits {
					env, how = nil, "/address"
				}
				t.Run(l.name+"/"+era+how+"/HTTP", func(t *testing.T) {
					t.Parallel()
					command := l.command(t)
					k, w := newKoyeb(t), &wire{}
					s := serve(t, k)
					p := program{harness.Converse(t, env, append(command, era, proxy(t, s.Adapter(t, "mcp"), w))...)}
					p.Hear(&struct{}{})
					hold(t, p, k, browser, elicits)
					k.check(t, map[string]string{"the messages": w.String(), "what the client prints": p.said(),
						"the server's log": s.Log()})
				})
				t.Run(l.name+"/"+era+how+"/stdio", func(t *testing.T) {
					t.Parallel()
					command := l.command(t)
					k := newKoyeb(t)
					file, server := stdio(t, k)
					p := program{harness.Converse(t, env, append(append(command, era, "stdio"), server...)...)}
					p.Hear(&struct{}{})
					hold(t, p, k, browser, elicits)
					k.check(t, map[string]string{"the messages": read(t, file),
						"what client and server print": p.said()})
				})
			}
		}
	}
}

// serve serves the seed before k, for the local user.
func serve(t *testing.T, k *koyeb) *harness.Served {
	t.Helper()
	return harness.Serve(t, "--upstream", k.URL, "--local-sessions", "--log-level", "debug")
}

// stdio is the command of the seed's server on standard input and output, and the
// file in which its messages are recorded.
func stdio(t *testing.T, k *koyeb, more ...string) (file string, command []string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "messages")
	return file, append([]string{os.Args[0], "record", file, harness.Fairlead(t), "mcp", "--upstream", k.URL,
		"--log-level",
		"debug"}, more...)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
