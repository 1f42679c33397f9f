package secret

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/value"
)

// serviceAccount is where Kubernetes puts what a pod needs to reach its API.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"

// Vault takes values from the KV secrets engine of HashiCorp Vault or OpenBao,
// version 1 or 2. The location is vault://mount/path, or the path as Vault's API
// has it (vault://mount/data/path, with any host before the mount). Which server
// is asked, and as whom, is the operator's to say and never the document's:
//
//	VAULT_ADDR        URL of the server
//	VAULT_NAMESPACE   namespace, if any
//	VAULT_CACERT      file of CA certificates trusted beside the system's
//	VAULT_TOKEN       token; else
//	VAULT_ROLE_ID     and VAULT_SECRET_ID: AppRole login; else
//	VAULT_KUBERNETES_ROLE  login with the token of the pod's service account,
//	                  or of the file VAULT_KUBERNETES_TOKEN_FILE
//	VAULT_AUTH_MOUNT  mount of the login method; default approle or kubernetes
//
// When a token from a login is refused, Vault logs in again, once per Fetch.
type Vault struct {
	sys System

	client lazyClient

	mu    sync.Mutex // held during a login, so that there is one at a time
	token *String    // of the last login
}

// NewVault returns a provider that reads its environment at the first Fetch.
func NewVault(sys System) *Vault { return &Vault{sys: sys.withDefaults()} }

// Format keeps fmt, and loggers that use it, from printing the token.
func (v *Vault) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret.Vault") }

// Fetch implements Provider.
func (v *Vault) Fetch(ctx context.Context, location *url.URL, key string) (String, error) {
	paths, err := vaultPaths(location)
	if err != nil {
		return String{}, err
	}
	token, err := v.login(ctx, nil)
	if err != nil {
		return String{}, err
	}
	data, err := v.read(ctx, token, paths)
	if errors.Is(err, errForbidden) {
		fresh, loginErr := v.login(ctx, token)
		if loginErr != nil {
			return String{}, loginErr
		}
		if !equal(*fresh, *token) {
			data, err = v.read(ctx, fresh, paths)
		}
	}
	if err != nil {
		return String{}, err
	}
	text, found := lookUp(data, key)
	if !found {
		return String{}, &MissingError{}
	}
	return New(text), nil
}

// vaultPaths returns the API paths that the location may mean, likeliest first.
// Asking for them one after the other tells version 2 from version 1 without the
// right to read the mount's settings.
func vaultPaths(location *url.URL) ([]string, error) {
	segments := strings.Split(strings.Trim(location.Host+location.Path, "/"), "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return nil, errors.New("vault: the location is not of the form vault://mount/path")
		}
		segments[i] = url.PathEscape(s)
	}
	if len(segments) < 2 {
		return nil, errors.New("vault: the location is not of the form vault://mount/path")
	}
	asWritten := strings.Join(segments, "/")
	version2 := strings.Join(slices.Insert(slices.Clone(segments), 1, "data"), "/")
	if at := slices.Index(segments, "data"); at < 1 || at == len(segments)-1 {
		return []string{version2, asWritten}, nil
	} else if at == 1 {
		return []string{asWritten, version2}, nil
	}
	return []string{asWritten, strings.Join(segments[1:], "/"), version2}, nil
}

var (
	errForbidden = errors.New("vault: status 403: the secret does not exist, or the login may not read it")

	vaultAdvice = map[int]string{
		http.StatusBadRequest:         "Vault did not understand the request",
		http.StatusServiceUnavailable: "Vault is sealed or in maintenance",
	}
)

// read returns the entries of the secret at the first of the paths that has one.
func (v *Vault) read(ctx context.Context, token *String, paths []string) (value.Value, error) {
	var err error = &MissingError{Detail: "there is no such secret"}
	for _, path := range paths {
		status, answer, failure := v.send(ctx, http.MethodGet, path, token, nil)
		switch {
		case failure != nil:
			return value.Value{}, fmt.Errorf("vault: %w", failure)
		case status == http.StatusForbidden:
			err = errForbidden
			continue
		case status == http.StatusNotFound:
			continue
		case status != http.StatusOK:
			return value.Value{}, fmt.Errorf("vault: %w", refusal(status, vaultAdvice))
		}
		data := answer.Get("data")
		if strings.Contains(path, "/data/") && data.Get("metadata").Kind() == value.Object {
			data = data.Get("data")
		}
		if data.Kind() == value.Object {
			return data, nil
		}
	}
	return value.Value{}, err
}

// login returns the token to use: a new one when the last is rejected. VAULT_TOKEN
// stays what it is.
func (v *Vault) login(ctx context.Context, rejected *String) (*String, error) {
	if text := strings.TrimSpace(v.sys.env("VAULT_TOKEN")); text != "" {
		token := New(text)
		return &token, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token != nil && (rejected == nil || !equal(*v.token, *rejected)) {
		return v.token, nil
	}
	mount, credentials, err := v.credentials()
	if err != nil {
		return nil, err
	}
	mount = cmp.Or(strings.Trim(v.sys.env("VAULT_AUTH_MOUNT"), "/"), mount)
	status, answer, err := v.send(ctx, http.MethodPost, "auth/"+mount+"/login", nil, credentials.AppendJSON(nil))
	if err != nil {
		return nil, fmt.Errorf("vault: log in at auth/%s: %w", mount, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("vault: log in at auth/%s: %w", mount, refusal(status, map[int]string{
			http.StatusBadRequest: "Vault knows no such role or credentials",
			http.StatusForbidden:  "Vault refused the credentials",
			http.StatusNotFound:   "no login method is mounted there",
		}))
	}
	token := New(answer.Path("auth", "client_token").Text())
	if token.IsEmpty() {
		return nil, fmt.Errorf("vault: log in at auth/%s: the answer has no token", mount)
	}
	v.token = &token
	return v.token, nil
}

// credentials returns what to log in with, and the default mount of that method.
func (v *Vault) credentials() (mount string, body value.Value, err error) {
	if role := v.sys.env("VAULT_ROLE_ID"); role != "" {
		body = value.Map(value.Member{Name: "role_id", Value: value.Of(role)})
		if id := v.sys.env("VAULT_SECRET_ID"); id != "" {
			body.Set("secret_id", value.Of(id))
		}
		return "approle", body, nil
	}
	role := v.sys.env("VAULT_KUBERNETES_ROLE")
	if role == "" {
		return "", value.Value{}, errors.New("vault: no login: set VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE")
	}
	jwt, err := v.sys.ReadFile(cmp.Or(v.sys.env("VAULT_KUBERNETES_TOKEN_FILE"), serviceAccount+"token"))
	if err != nil {
		return "", value.Value{}, fmt.Errorf("vault: read the service account's token: %w", withoutPath(err))
	}
	return "kubernetes", value.Map(
		value.Member{Name: "role", Value: value.Of(role)},
		value.Member{Name: "jwt", Value: value.Of(strings.TrimSpace(string(jwt)))},
	), nil
}

var errAddress = errors.New("set VAULT_ADDR to the http or https URL of the server")

func (v *Vault) send(ctx context.Context, method, path string, token *String, body []byte) (int, value.Value, error) {
	address, err := url.Parse(v.sys.env("VAULT_ADDR"))
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return 0, value.Value{}, errAddress
	}
	doer, err := v.client.get(func() (HTTPDoer, error) {
		return v.sys.connect(v.sys.env("VAULT_CACERT"), x509.SystemCertPool)
	})
	if err != nil {
		return 0, value.Value{}, err
	}
	target := strings.TrimRight(address.String(), "/") + "/v1/" + path
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, value.Value{}, errAddress
	}
	req.Header.Set("X-Vault-Request", "true")
	if namespace := v.sys.env("VAULT_NAMESPACE"); namespace != "" {
		req.Header.Set("X-Vault-Namespace", namespace)
	}
	if token != nil {
		req.Header.Set("X-Vault-Token", token.Reveal())
	}
	return roundTrip(doer, req)
}
