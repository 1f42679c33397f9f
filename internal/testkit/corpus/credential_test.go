package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/testkit"
)

// authenticated are the published documents with an authentication that is wanted.
func authenticated(t *testing.T, base *url.URL, wanted func(*model.Auth) bool) (docs []*host.Document) {
	for _, d := range Compile(Paths(t), base) {
		if d.Model != nil && slices.ContainsFunc(d.Model.Consumes,
			func(c *model.Consume) bool { return c.Auth != nil && wanted(c.Auth) }) {
			docs = append(docs, d)
		}
	}
	return docs
}

func TestBodyKeys_ofPublishedDocumentsAreSent(t *testing.T) { // issue 11.2
	p := newProbe(t)
	defer p.close()
	base, _ := url.Parse(p.server.URL)
	inBody := func(a *model.Auth) bool { return a.Type == "apikey" && a.Text("placement") == "body" }
	docs := authenticated(t, base, inBody)
	sent := 0
	for _, d := range docs {
		for _, s := range d.Plan.Servers {
			units := slices.Clone(s.Tools)
			for _, r := range s.Routes {
				units = append(units, r.Unit)
			}
			for _, u := range units {
				api, _, _ := strings.Cut(u.Steps[0].Call.Request.Target, ".")
				i := slices.IndexFunc(d.Model.Consumes, func(c *model.Consume) bool { return c.Namespace == api })
				if auth := d.Model.Consumes[i].Auth; auth == nil || !inBody(auth) {
					continue
				} else if name := auth.Text("key"); !p.sends(t, u, name) {
					t.Errorf("%s, %s: the body lacks %s", d.Name, u.Name, name)
				}
				sent++
			}
		}
	}
	t.Logf("%d documents, %d units", len(docs), sent)
	if len(docs) < 6 || sent < 70 {
		t.Errorf("only %d documents and %d units send a key in the body", len(docs), sent)
	}
}

// sends reports whether a call of u sends the key, once, in a body of its kind.
func (p *probe) sends(t *testing.T, u *plan.Unit, key string) bool {
	result, failure := p.engine.Invoke(t.Context(), u, engine.Args{Values: testkit.Samples(u)})
	if failure != nil {
		t.Errorf("%s: %v", u.Name, failure)
		return false
	}
	result.Close()
	got := p.take()
	if got == nil {
		return false
	}
	r := &http.Request{Method: http.MethodPost, Header: got.header, Body: http.NoBody}
	switch kind := got.header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/json"):
		members := map[string]any{}
		return json.Unmarshal(got.body, &members) == nil && isSecret(members[key])
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(got.body))
		return err == nil && len(form[key]) == 1 && isSecret(form.Get(key))
	default:
		r.Body = io.NopCloser(bytes.NewReader(got.body))
		return r.ParseMultipartForm(1<<20) == nil && len(r.MultipartForm.Value[key]) == 1 &&
			isSecret(r.MultipartForm.Value[key][0])
	}
}

// isSecret reports whether v is what anySecret gives.
func isSecret(v any) bool { return strings.HasPrefix(fmt.Sprint(v), fmt.Sprintf("%x", "secret ")) }

// tokenHosts are the hosts that the published documents of custom tokens and token
// endpoints name; a stand-in takes their place.
var tokenHosts = []string{"https://login.microsoftonline.com", "https://graph.microsoft.com", "https://api.hubapi.com",
	"https://inventory.internal.example.com"}

func TestTokens_ofPublishedDocumentsAreAcquiredAndRenewed(t *testing.T) { // issue 11.2
	paths := slices.DeleteFunc(Paths(t),
		func(path string) bool { return !strings.Contains(path, "token-refresh-authentication-0") })
	if len(paths) != 4 {
		t.Fatalf("%d documents", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var (
				mu       sync.Mutex
				asked    int
				accepted = "token-1"
			)
			up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				w.Header().Set("Content-Type", "application/json")
				if r.Method == http.MethodPost { // nobody but token endpoints and the login gets one
					asked++
					token := fmt.Sprintf("token-%d", asked)
					fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600,"data":{"sessionToken":%q,"expiresIn":3600}}`,
						token, token)
					return
				}
				if r.Header.Get("Authorization") != "Bearer "+accepted && r.Header.Get("X-Session-Token") != accepted {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_, _ = io.WriteString(w, `{"records":[7],"value":[7],"results":[7],"items":[7]}`)
			})
			served := string(text)
			for _, host := range tokenHosts {
				served = strings.ReplaceAll(served, host, up.URL)
			}
			env := map[string]string{"SF_INSTANCE_URL": up.URL}
			for _, bind := range regexp.MustCompile(`[A-Z]+_[A-Z_]+`).FindAllString(served, -1) {
				if env[bind] == "" {
					env[bind] = "value-of-" + bind
				}
			}
			s := testkit.Serve(t, served, testkit.Options{Env: env})
			tool := s.Document.Plan.Servers[0].Tools[0]
			arguments := "{}"
			if len(tool.Inputs) > 0 {
				arguments = `{"query":"SELECT Id FROM Account"}`
			}
			call := func(after string) {
				t.Helper()
				got := testkit.CallTool(t, s.MCP, tool.Name, arguments)
				if strings.Contains(got, `"isError":true`) || !strings.Contains(got, `[7]`) || strings.Contains(got, "token-") {
					t.Errorf("%s: %s", after, got)
				}
			}
			requests := func(want ...string) {
				t.Helper()
				var got []string
				for _, r := range up.Requests() {
					got = append(got, r.Method)
				}
				if !slices.Equal(got, want) {
					t.Errorf("got the requests %v, want %v", got, want)
				}
			}
			call("first")
			requests("POST", "GET")
			call("second")
			requests("GET")
			mu.Lock()
			accepted = "token-2"
			mu.Unlock()
			call("after 401")
			requests("GET", "POST", "GET")
		})
	}
}
