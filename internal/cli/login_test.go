package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/redis"
)

const (
	canaryPassword = "canary-password-1"
	canaryToken    = "canary-token-2"
)

// account is a document with an API at which people sign in.
const account = `ikanos: 1.0.0-beta5
capability:
  consumes:
  - namespace: crm
    type: http
    baseUri: %s
    x-fairlead:
      session:
        login: {call: crm.sign-in}
        ask: {email: {label: E-mail}, password: {label: Password, hint: That of the CRM., secret: true}, team: {label: Team, required: false}}
        token: $.token
        expires: 1h
        logout: crm.sign-out
        show: {user: $.user}
    resources:
    - name: session
      path: /session
      operations:
      - name: sign-in
        method: POST
        inputParameters:
        - {name: email, in: body}
        - {name: password, in: body}
        - {name: team, in: body, required: false}
      - {name: sign-out, method: DELETE}
    - name: me
      path: /me
      operations:
      - {name: me, method: GET}
  exposes:
  - type: mcp
    namespace: tools
    port: 3010
    tools:
    - {name: me, description: Who am I, call: crm.me}
`

// crm is an API that lets alice in.
type crm struct {
	*testkit.Upstream
	mu    sync.Mutex
	valid bool
	down  bool // signing out fails
}

func newCRM(t *testing.T) *crm {
	api := &crm{}
	api.Upstream = testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		api.mu.Lock()
		defer api.mu.Unlock()
		signedIn := api.valid && r.Header.Get("Authorization") == "Bearer "+canaryToken
		answer := func(status int, text string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
		switch {
		case r.Method == http.MethodPost:
			text, _ := io.ReadAll(r.Body)
			var given struct{ Email, Password string }
			if json.Unmarshal(text, &given) != nil || given.Email != "alice@example.com" ||
				given.Password != canaryPassword {
				answer(http.StatusUnauthorized, `{"message":"the password of `+given.Email+` is wrong\u001b[2J"}`)
				return
			}
			api.valid = true
			answer(http.StatusOK, `{"token":"`+canaryToken+`","user":"Alice\u001b[2J"}`)
		case !signedIn:
			answer(http.StatusUnauthorized, `{"message":"sign in first"}`)
		case r.Method == http.MethodDelete && api.down:
			answer(http.StatusBadGateway, `{"message":"away"}`)
		case r.Method == http.MethodDelete:
			api.valid = false
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(http.StatusOK, `{"me":"Alice"}`)
		}
	})
	return api
}

// desk is where somebody types commands.
type desk struct {
	*testing.T
	api  *crm
	file string
}

func newDesk(t *testing.T) *desk {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "") // never the keyring of whoever runs the tests
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	d := &desk{T: t, api: newCRM(t), file: filepath.Join(t.TempDir(), "crm.yaml")}
	if err := os.WriteFile(d.file, fmt.Appendf(nil, account, d.api.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// run is a command with what it reads, its exit code and all that it writes.
func (d *desk) run(stdin string, args ...string) (code int, out, said string) {
	d.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(d.Context(), args, cli.Streams{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr})
	for _, canary := range []string{canaryPassword, canaryToken} {
		if strings.Contains(stdout.String()+stderr.String(), canary) {
			d.Errorf("fairlead %s shows a secret:\n%s%s", strings.Join(args, " "), stdout.String(), stderr.String())
		}
	}
	if strings.ContainsRune(stdout.String()+stderr.String(), '\x1b') { // which the API has put in
		d.Errorf("fairlead %s steers the terminal: %q %q", strings.Join(args, " "), stdout.String(), stderr.String())
	}
	return code, stdout.String(), stderr.String()
}

// does runs a command that must succeed, and returns what it prints.
func (d *desk) does(stdin string, args ...string) string {
	d.Helper()
	code, out, said := d.run(stdin, args...)
	if code != 0 {
		d.Fatalf("fairlead %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, said)
	}
	return out
}

// fails runs a command that must fail with words.
func (d *desk) fails(words, stdin string, args ...string) {
	d.Helper()
	if code, out, said := d.run(stdin, args...); code == 0 || !strings.Contains(said, words) {
		d.Errorf("fairlead %s: exit code %d, want %q\n%s%s", strings.Join(args, " "), code, words, out, said)
	}
}

const aliceJSON = `{"email":"alice@example.com","password":"` + canaryPassword + `"}`

// TestLogin_servesOtherCommands: what a machine signs in to, “fairlead call” and “fairlead mcp” act in,
// until it signs out; all of it without a secret in any output.
func TestLogin_servesOtherCommands(t *testing.T) {
	d := newDesk(t)
	d.fails("nobody is signed in", "", "call", d.file, "me")
	if out := d.does("", "sessions", d.file); !strings.Contains(out, "nobody is signed in") {
		t.Errorf("sessions: %s", out)
	}
	if out := d.does(aliceJSON, "login", d.file, "--service"); !strings.Contains(out, "user Alice") {
		t.Errorf("login: %s", out)
	}
	relative, err := filepath.Rel(must(os.Getwd()), d.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{d.file, relative} { // however it is written, it is the same document
		if out := d.does("", "call", file, "me"); !strings.Contains(out, `"me": "Alice"`) {
			t.Errorf("call: %s", out)
		}
	}
	for _, command := range [][]string{{"explain", d.file, "me"}, {"inspect", d.file}} {
		if out := d.does("", command...); !strings.Contains(out, "you are signed in") {
			t.Errorf("%s: %s", command[0], out)
		}
	}
	const calls = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"me","arguments":{}}}
`
	if out := d.does(calls, "mcp", d.file); !strings.Contains(out, `{\"me\":\"Alice\"}`) {
		t.Errorf("mcp: %s", out)
	}
	var listed struct {
		APIs []struct {
			API      string            `json:"api"`
			SignedIn bool              `json:"signed_in"`
			Shown    map[string]string `json:"shown"`
		} `json:"apis"`
	}
	if err := json.Unmarshal([]byte(d.does("", "sessions", d.file, "-o", "json")), &listed); err != nil ||
		len(listed.APIs) != 1 || !listed.APIs[0].SignedIn || listed.APIs[0].Shown["user"] != "Alice\x1b[2J" {
		t.Errorf("listed %+v, %v", listed, err)
	}
	// The same text elsewhere is another document, which nobody has signed in to.
	copied := filepath.Join(t.TempDir(), "crm.yaml")
	if err := os.WriteFile(copied, must(os.ReadFile(d.file)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails("nobody is signed in", "", "call", copied, "me")
	if out := d.does("", "logout", d.file, "crm"); !strings.Contains(out, "Signed out at") || d.api.valid {
		t.Errorf("logout: %s, the API knows the token: %t", out, d.api.valid)
	}
	if out := d.does("", "logout", d.file); !strings.Contains(out, "Nobody was signed in") {
		t.Errorf("logout again: %s", out)
	}
	d.fails("nobody is signed in", "", "call", d.file, "me")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestLogin_saysWhatIsWrong(t *testing.T) {
	d := newDesk(t)
	d.fails("takes no password from a pipe; for machines: fairlead login --service", aliceJSON, "login", d.file)
	d.fails("refuses: the password of alice@example.com is wrong", `{"email":"alice@example.com","password":"not-it"}`,
		"login", d.file, "--service")
	d.fails("FAIRLEAD_LOGIN_EMAIL is not set", "", "login", d.file, "--service")
	d.fails("holds no JSON object", canaryPassword, "login", d.file, "--service")
	d.fails("has no “password”", `{"email":"alice@example.com"}`, "login", d.file, "--service")
	d.fails("has “passwort”, which is not asked for", strings.Replace(aliceJSON, "{", `{"passwort":"x",`, 1), "login", d.file, "--service")
	d.fails("did you mean “crm”", aliceJSON, "login", d.file, "cmr", "--service")
	plain := filepath.Join(t.TempDir(), "plain.yaml")
	if err := os.WriteFile(plain, []byte("ikanos: 1.0.0-beta5\ncapability:\n  exposes:\n  - {type: rest, namespace: x, resources: "+
		"{ping: {path: /ping, operations: {ping: {method: GET, outputParameters: {pong: {type: string, value: pong}}}}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails("“fairlead suggest "+plain+"”", aliceJSON, "login", plain, "--service")
	d.fails("want one of debug, info, warn, error", "", "logs", "--level", "loud")
	d.fails("want one of debug, info, warn, error", "", "logs", "--set-level", "loud")
	d.fails("nothing to sign in to", aliceJSON, "login", d.file, "--service", "--no-sessions")
	d.fails("the sandbox ends with this command", aliceJSON, "login", "--service", "--sandbox")
	d.fails("want memory, user, a folder", aliceJSON, "login", d.file, "--service", "--sessions", "memroy")
	d.fails("add --state-key FILE", aliceJSON, "login", d.file, "--service", "--sessions", "redis://127.0.0.1:1")
	t.Setenv("FAIRLEAD_LOGIN_EMAIL", "alice@example.com")
	t.Setenv("FAIRLEAD_LOGIN_PASSWORD", canaryPassword)
	d.does("", "login", d.file, "--service")
	d.api.mu.Lock()
	d.api.down = true
	d.api.mu.Unlock()
	d.fails("the session is forgotten here, but", "", "logout", d.file)
	if out := d.does("", "sessions", d.file); !strings.Contains(out, "nobody is signed in") {
		t.Errorf("a session that the API did not hear of is kept: %s", out)
	}
}

// TestSessions_revoke: whoever has the key of a shared store sees whose sessions it
// holds, and ends them.
func TestSessions_revoke(t *testing.T) {
	d := newDesk(t)
	stateKey := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(stateKey, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	places := map[string][]string{"user": nil, "folder": {"--sessions", filepath.Join(t.TempDir(), "sessions")}}
	if redis.Installed() {
		server, file := redis.Start(t, "--requirepass", canaryPassword), filepath.Join(t.TempDir(), "address")
		if err := os.WriteFile(file, []byte("redis://:"+canaryPassword+"@"+server.Addr+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		places["redis"] = []string{"--sessions", "@" + file, "--state-key", stateKey}
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			d := &desk{T: t, api: d.api, file: d.file}
			with := func(args ...string) []string { return append(args, place...) }
			d.does(aliceJSON, with("login", d.file, "--service")...)
			var listed struct {
				Sessions []struct{ ID, Document, Subject string } `json:"sessions"`
			}
			out := d.does("", with("sessions", "--all", "-o", "json")...)
			if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed.Sessions) != 1 ||
				(listed.Sessions[0].Subject == "user") == (name == "redis") { // where it is a name of the machine's
				t.Fatalf("listed %s, %v", out, err)
			}
			person := listed.Sessions[0].Subject
			d.fails("there is no session 00000000", "", with("sessions", "revoke", "00000000")...)
			d.fails("say which sessions", "", with("sessions", "revoke")...)
			for _, which := range [][]string{{listed.Sessions[0].ID}, {"--person", person},
				{"--document", listed.Sessions[0].Document}, {"--all"}} {
				d.does(aliceJSON, with("login", d.file, "--service")...)
				if out := d.does("", with("sessions", "revoke", "--person",
					"somebody else")...); !strings.Contains(out, "0 sessions ended") {
					t.Errorf("revoked %s", out)
				}
				if out := d.does("", with(append([]string{"sessions", "revoke"},
					which...)...)...); !strings.Contains(out, "1 session ended") {
					t.Errorf("%v revoked %s", which, out)
				}
				d.fails("nobody is signed in", "", with("call", d.file, "me")...)
			}
		})
	}
	d.fails("sessions in memory end with their process", "", "sessions", "--all", "--sessions", "memory")
}

// TestSessions_keysChange: a session is read with a key that was replaced, moves
// under the new one when it is used, and is unknown without either.
func TestSessions_keysChange(t *testing.T) {
	d := newDesk(t)
	folder, place := t.TempDir(), filepath.Join(t.TempDir(), "sessions")
	key := func(name string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(strings.Repeat(name, 32)), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	old, next := key("o"), key("n")
	d.does(aliceJSON, "login", d.file, "--service", "--sessions", place, "--state-key", old)
	d.does("", "call", d.file, "me", "--sessions", place, "--state-key", next, "--state-key", old)
	d.does("", "call", d.file, "me", "--sessions", place, "--state-key", next)
	d.fails("nobody is signed in", "", "call", d.file, "me", "--sessions", place, "--state-key", old)
	d.fails("Run: fairlead login "+d.file+" --sessions "+place+" --state-key "+old, "", "call", d.file, "me",
		"--sessions", place, "--state-key", old)
	d.fails("want at least 32", "", "call", d.file, "me", "--sessions", place, "--state-key", d.keyOf("short"))
}

func (d *desk) keyOf(text string) string {
	file := filepath.Join(d.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
	return file
}
