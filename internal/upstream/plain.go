package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
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

// NewControlClient makes a client for the control server of another process of
// Fairlead: at a Unix socket, or with "" at the addresses that requests name. It
// asks no proxy and follows no redirect; its requests take as long as their context.
func NewControlClient(socket string) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
