package secret

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
)

// Provider fetches values from one kind of place.
type Provider interface {
	// Fetch returns the value of the key at the location, which is nil for the
	// environment. When the place has no such key, the error is a *MissingError,
	// whose Name and Source are left to the caller. An error carries no value.
	Fetch(ctx context.Context, location *url.URL, key string) (String, error)
}

// HTTPDoer is what a provider needs of an HTTP client. It must not follow
// redirects, since they would take the credentials along.
type HTTPDoer interface {
	Do(*http.Request) (*http.Response, error)
}

// System is what providers see of the machine.
type System struct {
	Getenv   func(name string) (string, bool)    // default os.LookupEnv
	ReadFile func(path string) ([]byte, error)   // reads tokens and CA certificates; default os.ReadFile
	Connect  func(roots *x509.CertPool) HTTPDoer // makes a client that trusts the roots, or the system's when nil
}

// Schemes that Store itself knows.
const (
	envScheme    = "env"
	githubScheme = "github-secrets"
	fileScheme   = "file"
)

// Defaults returns the providers that ship, by URL scheme: the environment (env,
// github-secrets), files, Vault (vault) and Kubernetes (k8s, k8s-secret). files
// is the document's own, or nil; the others may serve any number of documents.
func Defaults(sys System, files Provider) map[string]Provider {
	sys = sys.withDefaults()
	environment, kubernetes := NewEnv(sys.Getenv), NewKubernetes(sys)
	return map[string]Provider{
		envScheme:    environment,
		githubScheme: environment,
		fileScheme:   files,
		"vault":      NewVault(sys),
		"k8s":        kubernetes,
		"k8s-secret": kubernetes,
	}
}

func (s System) withDefaults() System {
	if s.Getenv == nil {
		s.Getenv = os.LookupEnv
	}
	if s.ReadFile == nil {
		s.ReadFile = os.ReadFile
	}
	return s
}

// env returns a variable of the environment, or "".
func (s System) env(name string) string {
	text, _ := s.Getenv(name)
	return text
}

// Env takes values from environment variables; the key is the variable's name.
// It ignores the location: secrets of GitHub reach a job as its environment.
type Env struct {
	getenv func(string) (string, bool)
}

// NewEnv returns a provider that reads with getenv, which is like os.LookupEnv.
func NewEnv(getenv func(name string) (string, bool)) *Env { return &Env{getenv} }

// Fetch implements Provider.
func (e *Env) Fetch(_ context.Context, _ *url.URL, key string) (String, error) {
	text, ok := e.getenv(key)
	if !ok {
		return String{}, &MissingError{}
	}
	return New(text), nil
}
