package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/authserver"
)

const agreeing = `ikanos: 1.0.0-beta5
binds: [{namespace: env, keys: {CRM_CLIENT: CRM_CLIENT}}]
capability:
  consumes:
  - namespace: crm
    type: http
    baseUri: %s
    x-fairlead: {oauth: {issuer: %s, clientId: "{{CRM_CLIENT}}", scopes: [read]}}
    resources:
    - {name: me, path: /me, operations: [{name: me, method: GET}]}
  exposes:
  - {type: mcp, namespace: tools, port: 3010, tools: [{name: me, description: Who am I, call: crm.me}]}
`

// watched is an output in which a test waits for something.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		select {
		case w.more <- struct{}{}:
		default:
		}
	}()
	return w.text.Write(p)
}

func (w *watched) find(ctx context.Context, what *regexp.Regexp) string {
	for {
		w.mu.Lock()
		found := what.FindString(w.text.String())
		w.mu.Unlock()
		if found != "" {
			return found
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return ""
		}
	}
}

// TestLogin_byOAuth: the person agrees in their browser, which comes back to the
// terminal; what others send there ends nothing.
func TestLogin_byOAuth(t *testing.T) {
	d := newDesk(t)
	as := authserver.New(t, "", time.Now)
	// as native apps are registered: for any port (RFC 8252)
	as.Registered("cli", "", "http://127.0.0.1/connect/callback/"+oauth.Label(as.Issuer, "", ""))
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		person, ok := as.Person(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"me":%q}`, person)
	})
	d.file = filepath.Join(t.TempDir(), "crm.yaml")
	if err := os.WriteFile(d.file, fmt.Appendf(nil, agreeing, api.URL, as.Issuer), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CRM_CLIENT", "cli")
	d.fails("nobody is signed in", "", "call", d.file, "me")
	d.fails("only a person can agree", "", "login", d.file, "--service")

	login := func(deny bool) (int, string, string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, said := new(bytes.Buffer), &watched{more: make(chan struct{}, 1)}
		code := make(chan int)
		go func() {
			code <- cli.Run(ctx, []string{"login", d.file}, cli.Streams{In: strings.NewReader(""), Out: out, Err: said})
		}()
		to := said.find(ctx, regexp.MustCompile(`http://\S+/authorize\?\S+`))
		if to == "" {
			t.Fatal(said.text.String())
		}
		back := regexp.MustCompile(`redirect_uri=([^&]+)`).FindStringSubmatch(to)[1]
		back = strings.NewReplacer("%3A", ":", "%2F", "/").Replace(back)
		for _, at := range []string{back, back + "?state=AAAAAAAAAAAAAAAAAAAAAAAAAA&code=x",
			strings.TrimSuffix(back, back[len(back)-4:]) + "?code=x"} {
			if status, _, _ := testkit.Do(t, "GET", at, ""); status != http.StatusNotFound {
				t.Errorf("%s: %d", at, status)
			}
		}
		rebound, _ := http.NewRequestWithContext(ctx, "GET", back+"?code=x&state="+
			regexp.MustCompile(`state=([^&]+)`).FindStringSubmatch(to)[1], nil)
		rebound.Host = "evil.example"
		if resp, err := http.DefaultClient.Do(rebound); err != nil || resp.StatusCode != http.StatusNotFound {
			t.Errorf("a rebound name: %v, %v", resp, err)
		} else {
			resp.Body.Close()
		}
		if deny {
			as.Set(func() {
				as.Answer = func(a url.Values) {
					delete(a, "code")
					a["error"] = []string{"access_denied"}
				}
			})
		}
		req, _ := http.NewRequestWithContext(ctx, "GET", to, nil)
		req.AddCookie(authserver.SignedIn("alice"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(text), "You may close this page") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		return <-code, out.String(), said.text.String()
	}
	if code, _, said := login(true); code == 0 ||
		!strings.Contains(said, "the authorization server refuses: access_denied") {
		t.Errorf("%d %s", code, said)
	}
	as.Set(func() { as.Answer = nil })
	if code, out, said := login(false); code != 0 || !strings.Contains(out, "scopes read, until ") {
		t.Fatalf("%d %s%s", code, out, said)
	}
	if out := d.does("", "call", d.file, "me"); !strings.Contains(out, `"me": "alice"`) {
		t.Errorf("call: %s", out)
	}
	// the session belongs to the client that made it
	t.Setenv("CRM_CLIENT", "another")
	d.fails("nobody is signed in", "", "call", d.file, "me")
	t.Setenv("CRM_CLIENT", "cli")
	if out := d.does("", "logout", d.file); !strings.Contains(out, "Signed out") || as.Asked("/revoke") != 1 {
		t.Errorf("logout: %s", out)
	}
	d.fails("nobody is signed in", "", "call", d.file, "me")
}
