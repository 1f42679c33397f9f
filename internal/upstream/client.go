package upstream

import (
	"cmp"
	"context"
	"crypto/rsa"
	"net/http"
	"net/url"
	"time"
)

// Limits bound a call. Zero fields take the defaults.
type Limits struct {
	Connect  time.Duration // to establish a connection, TLS included; 5 s
	Header   time.Duration // from the request sent to the answer's header; 30 s
	Call     time.Duration // from start to the end of the answer's body, or its beginning if it is passed on; 60 s
	Idle     time.Duration // that nothing comes of an answer's body; 60 s
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
	set(&l.Idle, 60*time.Second)
	if l.Response == 0 {
		l.Response = 32 << 20
	}
	if l.Request == 0 {
		l.Request = 10 << 20
	}
	return l
}

// Client keeps what calls to all consumed APIs share: the connections, one pool
// per host; tokens and digest challenges. It keeps no cookies. Use one per process.
type Client struct {
	transport  http.RoundTripper // HTTP/1.1
	http2      http.RoundTripper // HTTP/2 where it is offered
	send       sender
	agent      string
	limits     Limits
	tokens     cache[tokenKey, *tokenSource]
	challenges cache[challengeKey, *challenge]
	keys       cache[string, *rsa.PrivateKey] // by their text; nil for what is no key
	ways       cache[way, transport]          // for calls that are sent otherwise
	egress     *Egress
	decoders   decoders
	config     Config

	// environment is what the environment says of proxies; nil for nothing.
	environment func(*url.URL) (*url.URL, error)

	budgets  scoped[*retryBudget]
	breakers scoped[*breaker]
	limiters scoped[*limiter]
	closing  context.Context
	close    context.CancelFunc
}

// Config says how a Client calls. The zero Config is ready to use.
type Config struct {
	Limits
	Agent string // who calls, for the header User-Agent; "" is Fairlead
	HTTP2 bool   // offer HTTP/2 to every API, not only where the document asks for it

	// Connections are what the operator says of those of APIs, by namespace; "" is all.
	// nil is nothing.
	Connections map[string]Connections
	Egress      Egress

	// What documents leave out, for each API; nil is nothing. Scopes are not read.
	Retry   *Retry
	Breaker *Breaker
	Limit   *Limit
}

// NewClient makes a client that has nothing configured but its limits.
func NewClient(limits Limits) *Client { return New(Config{Limits: limits}) }

// New makes a client.
func New(config Config) *Client {
	limits := config.Limits.WithDefaults()
	c := &Client{config: config, limits: limits, agent: cmp.Or(config.Agent, "Fairlead"), decoders: newDecoders()}
	c.egress, c.environment = &c.config.Egress, environmentProxy()
	usual := way{connect: limits.Connect, firstByte: limits.Header}
	c.transport, _ = newTransport(c.egress, usual) // which fails for what usual does not have
	usual.http2 = true
	c.http2, _ = newTransport(c.egress, usual)
	if config.HTTP2 {
		c.transport = c.http2
	}
	c.closing, c.close = context.WithCancel(context.Background())
	c.send = c.chain(c.attempt)
	return c
}

// Limits returns the limits in force.
func (c *Client) Limits() Limits { return c.limits }

// Close closes the connections that are idle and ends requests for tokens.
func (c *Client) Close() {
	c.close()
	for _, by := range []http.RoundTripper{c.transport, c.http2} {
		if t, ok := by.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
	c.ways.each(func(t transport) {
		if t.by != nil {
			t.by.CloseIdleConnections()
		}
	})
}

// Errands is the client for errands on behalf of documents that are no calls: keys and
// settings of authorization servers. They go as calls do whose documents and operators
// say nothing of their APIs, within ten seconds, and follow no redirect.
func (c *Client) Errands() *http.Client {
	client := NewPlainClient(nil)
	client.Transport = errands{c}
	return client
}

type errands struct{ c *Client }

func (e errands) RoundTrip(req *http.Request) (*http.Response, error) {
	by, err := e.c.transportTo(new(Outbound), req.URL)
	if err != nil {
		return nil, err
	}
	return by.RoundTrip(req)
}

// CloseIdleConnections is for http.Client: they are those of calls.
func (errands) CloseIdleConnections() {}
