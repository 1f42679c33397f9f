package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"
)

// NewPlainClient makes a client for the operator's own errands, such as reading
// secrets: it trusts roots (the system's when nil), follows no redirect, and
// gives up after ten seconds.
func NewPlainClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: proxyOf(environmentProxy()), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
	}
}

// proxyOf is by for a transport.
func proxyOf(by func(*url.URL) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if by == nil {
		return nil
	}
	return func(req *http.Request) (*url.URL, error) { return by(req.URL) }
}
