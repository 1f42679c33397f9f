package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits bound a call. Zero fields take the defaults.
type Limits struct {
	Connect  time.Duration // to establish a connection, TLS included; 5 s
	Header   time.Duration // from the request sent to the answer's header; 30 s
	Call     time.Duration // from start to the end of the answer's body; 60 s
	Response int64         // bytes of an answer; 32 MiB
	Request  int64         // bytes of a caller's body; 10 MiB
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&l.Connect, 5*time.Second)
	set(&l.Header, 30*time.Second)
	set(&l.Call, 60*time.Second)
	if l.Response == 0 {
		l.Response = 32 << 20
	}
	if l.Request == 0 {
		l.Request = 10 << 20
	}
	return l
}

// Client keeps the connections to all consumed APIs: one pool per host, HTTP/2
// where it is offered, no cookies, gzip decoded. Use one per process.
type Client struct {
	transport http.RoundTripper
	limits    Limits
}

// NewClient makes a client.
func NewClient(limits Limits) *Client {
	limits = limits.WithDefaults()
	dialer := &net.Dialer{Timeout: limits.Connect, KeepAlive: 30 * time.Second}
	return &Client{limits: limits, transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    limits.Connect,
		ResponseHeaderTimeout:  limits.Header,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    64,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 1 << 20,
	}}
}

// Limits returns the limits in force.
func (c *Client) Limits() Limits { return c.limits }

// Close closes the connections that are idle.
func (c *Client) Close() {
	if t, ok := c.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// Send sends req within the limits and follows redirects on the same host for
// GET and HEAD, five at most. The caller closes the answer's body, which ends
// the call's time; canceling ctx ends it too.
func (c *Client) Send(ctx context.Context, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Call)
	resp, err := c.follow(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &body{resp.Body, cancel}
	return resp, nil
}

func (c *Client) follow(req *http.Request) (*http.Response, error) {
	for hops := 0; ; hops++ {
		resp, err := c.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		next := redirect(req, resp)
		if next == nil || hops == 5 {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 2<<10) // lets the connection be used again
		resp.Body.Close()
		req = next
	}
}

// redirect is the request that follows a redirect, or nil where it is not to be followed.
func redirect(req *http.Request, resp *http.Response) *http.Request {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return nil
	}
	location := resp.Header.Get("Location")
	to, err := url.Parse(location)
	if location == "" || err != nil {
		return nil
	}
	to = req.URL.ResolveReference(to)
	if to.Host != req.URL.Host || to.Scheme != req.URL.Scheme {
		return nil
	}
	next := req.Clone(req.Context())
	next.URL = to
	return next
}

// body ends the call's context when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
