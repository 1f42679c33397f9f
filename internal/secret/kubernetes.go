package secret

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Kubernetes takes values from Secrets of the cluster the program runs in. The
// location is k8s://namespace/secret or, in the pod's own namespace,
// k8s://secret; a key is a key of the Secret's data. The API server's address
// comes from the environment that Kubernetes gives to a pod, token and CA from
// the files of its service account, whose role must allow to get the Secret.
type Kubernetes struct {
	sys    System
	client lazyClient
}

// NewKubernetes returns a provider that looks for the cluster at the first Fetch.
func NewKubernetes(sys System) *Kubernetes { return &Kubernetes{sys: sys.withDefaults()} }

var kubernetesAdvice = map[int]string{
	http.StatusUnauthorized: "the API server does not accept the service account's token",
	http.StatusForbidden:    "the service account needs a role that allows to get this Secret",
}

// Fetch implements Provider.
func (k *Kubernetes) Fetch(ctx context.Context, location *url.URL, key string) (String, error) {
	req, err := k.request(ctx, location)
	if err != nil {
		return String{}, fmt.Errorf("kubernetes: %w", err)
	}
	doer, err := k.client.get(func() (HTTPDoer, error) {
		return k.sys.connect(serviceAccount+"ca.crt", func() (*x509.CertPool, error) { return x509.NewCertPool(), nil })
	})
	if err != nil {
		return String{}, fmt.Errorf("kubernetes: %w", err)
	}
	status, answer, err := roundTrip(doer, req)
	switch {
	case err != nil:
		return String{}, fmt.Errorf("kubernetes: %w", err)
	case status == http.StatusNotFound:
		return String{}, &MissingError{Detail: "there is no such Secret"}
	case status != http.StatusOK:
		return String{}, fmt.Errorf("kubernetes: %w", refusal(status, kubernetesAdvice))
	}
	encoded := answer.Path("data", key)
	if encoded.IsAbsent() {
		return String{}, &MissingError{}
	}
	text, err := base64.StdEncoding.DecodeString(encoded.Text())
	if err != nil {
		return String{}, errors.New("kubernetes: the value is not base64")
	}
	return New(string(text)), nil
}

func (k *Kubernetes) request(ctx context.Context, location *url.URL) (*http.Request, error) {
	host := k.sys.env("KUBERNETES_SERVICE_HOST")
	if host == "" {
		return nil, errors.New("not in a cluster: KUBERNETES_SERVICE_HOST is not set")
	}
	namespace, name := location.Host, strings.Trim(location.Path, "/")
	if name == "" {
		own, err := k.sys.ReadFile(serviceAccount + "namespace")
		if err != nil {
			return nil, fmt.Errorf("read the pod's namespace: %w", withoutPath(err))
		}
		namespace, name = strings.TrimSpace(string(own)), location.Host
	}
	if !isName(namespace) || !isName(name) {
		return nil, errors.New("the location is not of the form k8s://namespace/secret")
	}
	token, err := k.sys.ReadFile(serviceAccount + "token") // anew each time: Kubernetes replaces it
	if err != nil {
		return nil, fmt.Errorf("read the service account's token: %w", withoutPath(err))
	}
	api := url.URL{
		Scheme: "https",
		Host:   net.JoinHostPort(host, cmp.Or(k.sys.env("KUBERNETES_SERVICE_PORT"), "443")),
		Path:   "/api/v1/namespaces/" + namespace + "/secrets/" + name,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.String(), nil)
	if err != nil {
		return nil, errors.New("KUBERNETES_SERVICE_HOST is not a host")
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return req, nil
}

// isName reports whether s is made like the names of Kubernetes objects: a DNS
// subdomain (RFC 1123), as far as that keeps it one segment of a path.
func isName(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}
