package secret

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newStubKubernetes answers like the core/v1 API for Secrets.
func newStubKubernetes(t *testing.T) *httptest.Server {
	encode := base64.StdEncoding.EncodeToString
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := http.StatusNotFound, `{"kind":"Status","message":"secrets `+canary+` not found","code":404}`
		switch {
		case r.Header.Get("Authorization") != "Bearer account-"+canary:
			status, body = http.StatusUnauthorized, `{"kind":"Status","message":"`+canary+`","code":401}`
		case r.URL.Path == "/api/v1/namespaces/prod/secrets/app", r.URL.Path == "/api/v1/namespaces/own/secrets/app":
			status, body = http.StatusOK, `{"kind":"Secret","data":{"token":"`+encode([]byte(canary))+`","tls.crt":"`+encode([]byte("line\n"))+`","bad":"`+canary+`","empty":""}}`
		case strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/closed/"):
			status, body = http.StatusForbidden, `{"kind":"Status","message":"`+canary+`","code":403}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func kubernetesStore(t *testing.T, s *httptest.Server, account string) *Store {
	host, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
	files := map[string]string{
		serviceAccount + "token":     account + "\n",
		serviceAccount + "ca.crt":    certificate(s),
		serviceAccount + "namespace": "own",
	}
	return NewStore(Config{Providers: Defaults(system(t, environment, files), nil)})
}

func TestKubernetes_readsSecrets(t *testing.T) {
	s := kubernetesStore(t, newStubKubernetes(t), "account-"+canary)
	for name, c := range map[string]struct{ location, key, want string }{
		"k8s":               {"k8s://prod/app", "token", canary},
		"k8s-secret":        {"k8s-secret://prod/app", "token", canary},
		"own namespace":     {"k8s://app", "token", canary},
		"a dot in the key":  {"k8s://prod/app", "tls.crt", "line\n"},
		"slash at the end":  {"k8s://prod/app/", "token", canary},
		"own, with a slash": {"k8s-secret://app/", "token", canary},
	} {
		if got := mustGet(t, s, Ref{Key: c.key, Location: c.location}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestKubernetes_saysWhatIsWrong(t *testing.T) {
	stub := newStubKubernetes(t)
	s := kubernetesStore(t, stub, "account-"+canary)
	for name, c := range map[string]struct{ location, key, want string }{
		"no such Secret":   {"k8s://prod/none", "token", "(there is no such Secret)"},
		"no such key":      {"k8s://prod/app", "none", `set the key "none" of k8s://prod/app`},
		"empty":            {"k8s://prod/app", "empty", "(it is empty)"},
		"not base64":       {"k8s://prod/app", "bad", "the value is not base64"},
		"no role":          {"k8s://closed/app", "token", "status 403: the service account needs a role"},
		"path that climbs": {"k8s://prod/../../nodes", "token", "not of the form k8s://namespace/secret"},
		"too many parts":   {"k8s://prod/app/token", "token", "not of the form k8s://namespace/secret"},
		"nothing":          {"k8s://", "token", "not of the form k8s://namespace/secret"},
	} {
		err := getError(t, s, Ref{Name: "T", Key: c.key, Location: c.location})
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	err := getError(t, kubernetesStore(t, stub, "old-"+canary),
		Ref{Name: "T", Key: "token", Location: "k8s://prod/app"})
	if !strings.Contains(err.Error(), "does not accept the service account's token") ||
		strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}
