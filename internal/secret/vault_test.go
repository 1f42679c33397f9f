package secret

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// stubVault answers like Vault's HTTP API as its public reference describes it:
// KV version 2 mounted at secret and team/kv, version 1 at kv1, logins by
// AppRole and Kubernetes, and refusals that tell nothing apart.
type stubVault struct {
	*httptest.Server
	mu       sync.Mutex
	tokens   []string // that are good now
	logins   int
	requests []string
	broken   int // status of every answer, unless 0
	text     string
}

const canary = "canary-4f1c9e"

func newStubVault(t *testing.T) *stubVault {
	s := &stubVault{tokens: []string{"root-" + canary}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

var stubSecrets = map[string]string{
	"secret/data/app":            `{"data":{"data":{"token":"` + canary + `","port":5432,"nested":{"key":"deep"},"a.b":"dotted"},"metadata":{"version":2}}}`,
	"secret/data/team/app":       `{"data":{"data":{"token":"folder"},"metadata":{"version":1}}}`,
	"secret/data/a b":            `{"data":{"data":{"token":"blank"},"metadata":{"version":1}}}`,
	"secret/data/plain/data/app": `{"data":{"data":{"token":"odd"},"metadata":{"version":1}}}`,
	"team/kv/data/app":           `{"data":{"data":{"token":"long mount"},"metadata":{"version":1}}}`,
	"kv1/app":                    `{"data":{"token":"version 1","data":"x"},"lease_duration":2764800}`,
	"kv1/data/old":               `{"data":{"token":"version 1, in a folder named data"}}`,
}

func (s *stubVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	s.requests = append(s.requests, r.Method+" "+path+" "+r.Header.Get("X-Vault-Namespace"))
	answer := func(status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", s.URL+"/v1/secret/data/app")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
	var body map[string]string
	_ = json.NewDecoder(r.Body).Decode(&body)
	good := slices.Contains(s.tokens, r.Header.Get("X-Vault-Token"))
	switch {
	case s.broken != 0:
		answer(s.broken, s.text)
	case r.Header.Get("X-Vault-Request") != "true":
		answer(http.StatusForbidden, `{"errors":["missing header"]}`)
	case path == "auth/approle/login" || path == "auth/team/login":
		if body["role_id"] != "role" || body["secret_id"] != "secret-"+canary {
			answer(http.StatusBadRequest, `{"errors":["invalid role or secret ID `+canary+`"]}`)
			return
		}
		answer(http.StatusOK, s.newToken())
	case path == "auth/kubernetes/login":
		if body["role"] != "app" || body["jwt"] != "jwt-"+canary {
			answer(http.StatusForbidden, `{"errors":["permission denied `+canary+`"]}`)
			return
		}
		answer(http.StatusOK, s.newToken())
	case !good || strings.HasPrefix(path, "forbidden/") || strings.HasPrefix(path, "vault/"):
		answer(http.StatusForbidden, `{"errors":["permission denied `+canary+`"]}`)
	case path == "secret/data/deleted":
		answer(http.StatusNotFound, `{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","version":1}}}`)
	case stubSecrets[path] != "":
		answer(http.StatusOK, stubSecrets[path])
	default:
		answer(http.StatusNotFound, `{"errors":[]}`)
	}
}

func (s *stubVault) newToken() string {
	s.logins++
	token := "login-" + canary + strings.Repeat("+", s.logins)
	s.tokens = append(s.tokens, token)
	return `{"auth":{"client_token":"` + token + `","lease_duration":3600,"renewable":true}}`
}

// revoke makes all tokens bad.
func (s *stubVault) revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = nil
}

// system is a machine whose environment and files are the maps, and which
// connects with the certificates it was told to trust, and no others.
func system(t *testing.T, environment, files map[string]string) System {
	return System{
		Getenv: func(name string) (string, bool) { text, ok := environment[name]; return text, ok },
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Connect: func(roots *x509.CertPool) HTTPDoer {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
			t.Cleanup(transport.CloseIdleConnections)
			return &http.Client{
				Transport:     transport,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}
		},
	}
}

func certificate(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// vaultStore returns a store on the stub with the environment given as pairs.
func vaultStore(t *testing.T, s *stubVault, pairs ...string) *Store {
	environment := map[string]string{"VAULT_ADDR": s.URL, "VAULT_CACERT": "/ca.pem"}
	for i := 0; i < len(pairs); i += 2 {
		environment[pairs[i]] = pairs[i+1]
	}
	files := map[string]string{"/ca.pem": certificate(s.Server), "/empty.pem": "", serviceAccount + "token": "jwt-" +
		canary + "\n"}
	// a TTL that is always over
	return NewStore(Config{TTL: 1, Providers: Defaults(system(t, environment, files), nil)})
}

func TestVault_readsBothVersions(t *testing.T) {
	stub := newStubVault(t)
	s := vaultStore(t, stub, "VAULT_TOKEN", "root-"+canary+"\n")
	for name, c := range map[string]struct{ location, key, want string }{
		"version 2":                           {"vault://secret/app", "token", canary},
		"version 2, a number":                 {"vault://secret/app", "port", "5432"},
		"version 2, nested":                   {"vault://secret/app", "nested.key", "deep"},
		"version 2, a dot in the key":         {"vault://secret/app", "a.b", "dotted"},
		"version 2, in a folder":              {"vault://secret/team/app", "token", "folder"},
		"version 2, escaped":                  {"vault://secret/a%20b", "token", "blank"},
		"version 2, path of the API":          {"vault://secret/data/app", "token", canary},
		"version 2, behind a host":            {"vault://my-vault/secret/data/app", "token", canary},
		"version 2, in a folder named data":   {"vault://secret/plain/data/app", "token", "odd"},
		"version 2, mount of two segments":    {"vault://team/kv/data/app", "token", "long mount"},
		"version 1":                           {"vault://kv1/app", "token", "version 1"},
		"version 1, in a folder named data":   {"vault://kv1/data/old", "token", "version 1, in a folder named data"},
		"without host, as some write the URL": {"vault:///secret/app", "token", canary},
	} {
		if got := mustGet(t, s, Ref{Key: c.key, Location: c.location}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if stub.logins != 0 {
		t.Error("logged in although there is a token")
	}
}

func TestVault_asksOncePerFetchWhenItIsVersion2(t *testing.T) {
	stub := newStubVault(t)
	mustGet(t, vaultStore(t, stub, "VAULT_TOKEN", "root-"+canary, "VAULT_NAMESPACE", "acme"),
		Ref{Key: "token", Location: "vault://secret/app"})
	if got := strings.Join(stub.requests, ", "); got != "GET secret/data/app acme" {
		t.Errorf("requests: %s", got)
	}
}

func TestVault_logsIn(t *testing.T) {
	for name, environment := range map[string][]string{
		"AppRole": {"VAULT_ROLE_ID", "role", "VAULT_SECRET_ID", "secret-" + canary},
		"AppRole, elsewhere": {"VAULT_ROLE_ID", "role", "VAULT_SECRET_ID", "secret-" + canary,
			"VAULT_AUTH_MOUNT", "team/"},
		"Kubernetes": {"VAULT_KUBERNETES_ROLE", "app"},
		"Kubernetes, token by file": {"VAULT_KUBERNETES_ROLE", "app", "VAULT_KUBERNETES_TOKEN_FILE", serviceAccount +
			"token"},
	} {
		stub := newStubVault(t)
		s := vaultStore(t, stub, environment...)
		for range 3 {
			if got := mustGet(t, s, Ref{Key: "token", Location: "vault://secret/app"}); got != canary {
				t.Errorf("%s: got %q", name, got)
			}
		}
		if stub.logins != 1 {
			t.Errorf("%s: %d logins", name, stub.logins)
		}
		stub.revoke()
		mustGet(t, s, Ref{Key: "token", Location: "vault://secret/app"})
		if stub.logins != 2 || s.RefreshError(Ref{Key: "token", Location: "vault://secret/app"}) != nil {
			t.Errorf("%s, after the token was revoked: %d logins", name, stub.logins)
		}
		before := stub.logins
		if err := getError(t, s, Ref{Name: "T", Key: "k", Location: "vault://forbidden/app"}); !errors.Is(err,
			errForbidden) {
			t.Errorf("%s: %v", name, err)
		}
		if stub.logins != before+1 {
			t.Errorf("%s: %d logins for a secret that is always refused", name, stub.logins-before)
		}
	}
}

func TestVault_sharesALoginAmongConcurrentFetches(t *testing.T) {
	stub := newStubVault(t)
	s := vaultStore(t, stub, "VAULT_ROLE_ID", "role", "VAULT_SECRET_ID", "secret-"+canary)
	var group sync.WaitGroup
	for _, r := range []Ref{{Key: "token", Location: "vault://secret/app"},
		{Key: "port", Location: "vault://secret/app"}, {Key: "token", Location: "vault://kv1/app"}} {
		group.Go(func() {
			if _, err := s.Get(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if stub.logins != 1 {
		t.Errorf("%d logins", stub.logins)
	}
}

func TestVault_saysWhatIsWrong(t *testing.T) {
	stub := newStubVault(t)
	approle := []string{"VAULT_ROLE_ID", "role", "VAULT_SECRET_ID", "wrong-" + canary}
	root := []string{"VAULT_TOKEN", "root-" + canary}
	for name, c := range map[string]struct {
		environment    []string
		location, want string
	}{
		"no such secret": {root, "vault://secret/none", "(there is no such secret)"},
		"deleted":        {root, "vault://secret/deleted", "(there is no such secret)"},
		"no such key":    {root, "vault://secret/app", `set the key "k" of vault://secret/app`},
		"refused": {[]string{"VAULT_TOKEN", "bad-" + canary}, "vault://secret/app",
			"status 403: the secret does not exist, or the login may not read it"},
		"no path":          {root, "vault://secret", "not of the form vault://mount/path"},
		"path that climbs": {root, "vault://secret/../sys/seal", "not of the form vault://mount/path"},
		"empty segment":    {root, "vault://secret//app", "not of the form vault://mount/path"},
		"wrong secret id": {approle, "vault://secret/app",
			"log in at auth/approle: status 400: Vault knows no such role or credentials"},
		"no login method": {append(approle, "VAULT_AUTH_MOUNT", "none"), "vault://secret/app",
			"log in at auth/none: status 403: Vault refused the credentials"},
		"wrong role": {[]string{"VAULT_KUBERNETES_ROLE", "x"}, "vault://secret/app",
			"log in at auth/kubernetes: status 403: Vault refused the credentials"},
		"no account token": {[]string{"VAULT_KUBERNETES_ROLE", "x", "VAULT_KUBERNETES_TOKEN_FILE", "/none"},
			"vault://secret/app", "read the service account's token: file does not exist"},
		"no address":         {append(root, "VAULT_ADDR", ""), "vault://secret/app", "set VAULT_ADDR"},
		"address of no host": {append(root, "VAULT_ADDR", "vault:8200"), "vault://secret/app", "set VAULT_ADDR"},
		"no certificate file": {append(root, "VAULT_CACERT", "/none"), "vault://secret/app",
			"read CA certificates: file does not exist"},
		"no certificate": {append(root, "VAULT_CACERT", "/empty.pem"), "vault://secret/app",
			"no PEM certificate in /empty.pem"},
		"untrusted": {append(root, "VAULT_CACERT", ""), "vault://secret/app", "certificate"},
	} {
		err := getError(t, vaultStore(t, stub, c.environment...), Ref{Name: "T", Key: "k", Location: c.location})
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for want, broken := range map[string]struct {
		status int
		text   string
	}{
		"status 503: Vault is sealed":               {503, canary},
		"status 429: Too Many Requests":             {429, canary},
		"status 307: it redirects":                  {307, canary},
		"the answer is not JSON":                    {200, `{"data":` + canary},
		"the answer is larger than 4 MiB":           {200, strings.Repeat(canary, maxAnswer/len(canary)+1)},
		"secret T has no value":                     {200, `{"data":"` + canary + `"}`},
		"vault: status 500: Internal Server Error":  {500, canary},
		"vault: status 400: Vault did not understa": {400, canary},
	} {
		stub.broken, stub.text = broken.status, broken.text
		err := getError(t, vaultStore(t, stub, root...), Ref{Name: "T", Key: "k", Location: "vault://secret/app"})
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	stub.broken, stub.text = 200, `{"auth":{"token":"`+canary+`"}}`
	err := getError(t, vaultStore(t, stub, approle...), Ref{Name: "T", Key: "k", Location: "vault://secret/app"})
	if !strings.Contains(err.Error(), "the answer has no token") {
		t.Error(err)
	}
}

func TestVault_needsAClient(t *testing.T) {
	sys := system(t, map[string]string{"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t"}, nil)
	sys.Connect = nil
	s := NewStore(Config{Providers: Defaults(sys, nil)})
	if err := getError(t, s, Ref{Name: "T", Key: "k", Location: "vault://secret/app"}); !strings.Contains(err.Error(),
		"no HTTP client was given") {
		t.Error(err)
	}
}
