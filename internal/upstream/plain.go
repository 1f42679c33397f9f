package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"
)

// NewPlainClient makes a client for the engine's own errands, such as reading
// secrets: it trusts roots (the system's when nil), follows no redirect, and
// gives up after ten seconds.
func NewPlainClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
	}
}
