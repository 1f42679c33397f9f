package upstream

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

// maxResponseHeader bounds the header of an answer, in bytes.
const maxResponseHeader = 1 << 20

// An HTTP/2 connection on which nothing has come for pingAfter is asked whether it
// lives, and is given up when that is not answered within pingWait, which a server
// that is very busy may need.
const (
	pingAfter = 15 * time.Second
	pingWait  = 15 * time.Second
)

// maxIdle bounds the idle connections to one host.
const maxIdle = 1024

// way is what calls have in common that share connections.
type way struct {
	http2              bool
	connect, firstByte time.Duration
}

// transportOf has the connections on which calls of a policy go.
func (c *Client) transportOf(p *Policy) http.RoundTripper {
	if p.Timeout.Connect == 0 && p.Timeout.FirstByte == 0 {
		if p.HTTP2 {
			return c.http2
		}
		return c.transport
	}
	w := way{p.HTTP2 || c.config.HTTP2, cmp.Or(p.Timeout.Connect, c.limits.Connect),
		cmp.Or(p.Timeout.FirstByte, c.limits.Header)}
	return c.ways.get(w, func() *http.Transport { return newTransport(w) })
}

// newTransport makes the connections of a client. HTTP/1.1 is what APIs are called
// with unless HTTP/2 is asked for: its calls share no connection, so that none
// waits for another's.
func newTransport(w way) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(w.http2)
	files := maxFiles()
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            guardedDial(w.connect, isGuarded),
		TLSHandshakeTimeout:    w.connect,
		ResponseHeaderTimeout:  w.firstByte,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           files / 2, // callers need the others
		MaxIdleConnsPerHost:    min(maxIdle, files/4),
		MaxResponseHeaderBytes: maxResponseHeader,
		Protocols:              protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait},
	}
}

// keepAlive finds connections that went deaf while they were idle.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
