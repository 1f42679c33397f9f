package upstream

import (
	"context"
	"crypto/rsa"
	"io"
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

// maxResponseHeader bounds the header of an answer, in bytes.
const maxResponseHeader = 1 << 20

// Client keeps what calls to all consumed APIs share: the connections, one pool
// per host, HTTP/2 where it is offered; tokens and digest challenges. It keeps
// no cookies and decodes what is encoded. Use one per process.
type Client struct {
	transport  http.RoundTripper
	limits     Limits
	tokens     cache[grant, *tokenSource]
	challenges cache[challengeKey, *challenge]
	keys       cache[string, *rsa.PrivateKey] // by their text; nil for what is no key
	decoders   decoders
	closing    context.Context
	close      context.CancelFunc
}

// NewClient makes a client.
func NewClient(limits Limits) *Client {
	limits = limits.WithDefaults()
	c := &Client{limits: limits, decoders: newDecoders(), transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            guardedDial(limits.Connect, isGuarded),
		TLSHandshakeTimeout:    limits.Connect,
		ResponseHeaderTimeout:  limits.Header,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    64,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}}
	c.closing, c.close = context.WithCancel(context.Background())
	return c
}

// Limits returns the limits in force.
func (c *Client) Limits() Limits { return c.limits }

// Close closes the connections that are idle and ends requests for tokens.
func (c *Client) Close() {
	c.close()
	if t, ok := c.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// Send sends what Request.Build made within the limits, and follows redirects
// on the same host for GET and HEAD, five at most. The caller closes the
// answer's body, which ends the call's time; canceling ctx ends it too. A
// request that cannot be authorized is a *CredentialError.
func (c *Client) Send(ctx context.Context, req *http.Request, credential *Credential) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Call)
	c.decoders.offer(req)
	resp, err := c.follow(req.WithContext(ctx), credential)
	if err != nil {
		cancel()
		return nil, err
	}
	c.decoders.decode(resp)
	resp.Body = &body{resp.Body, cancel}
	return resp, nil
}

func (c *Client) follow(req *http.Request, credential *Credential) (*http.Response, error) {
	for hops := 0; ; hops++ {
		resp, err := c.roundTrip(req, credential)
		if err != nil {
			return nil, err
		}
		next := redirect(req, resp)
		if next == nil || hops == 5 {
			return resp, nil
		}
		discard(resp)
		req = next
	}
}

func (c *Client) roundTrip(req *http.Request, credential *Credential) (*http.Response, error) {
	if credential == nil {
		return c.transport.RoundTrip(req)
	}
	resp, err := credential.by.roundTrip(c, req)
	return resp, aimed(err, credential.target)
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
