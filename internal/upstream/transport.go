package upstream

import (
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

// newTransport makes the connections of a way. HTTP/1.1 is what APIs are called
// with unless HTTP/2 is asked for: its calls share no connection, so that none
// waits for another's.
func newTransport(egress *Egress, w way) (*http.Transport, error) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(w.http2)
	files := maxFiles()
	t := &http.Transport{
		DialContext:            egress.dial(w.connect, isGuarded),
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
	if w.proxy != "" {
		by, err := parseProxy(w.proxy)
		if err != nil {
			return nil, err
		}
		t.Proxy = http.ProxyURL(by)
		if !w.named { // the operator's own, wherever it is
			t.DialContext = new(Egress).dial(w.connect, isGuarded)
		} else if err := egress.checkURL(by, false); err != nil {
			return nil, err
		}
	}
	return t, w.secure(t)
}

// keepAlive finds connections that went deaf while they were idle.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
