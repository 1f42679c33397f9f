package upstream

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/secret"
)

// Direct is the proxy of connections that go through none.
const Direct = "none"

// Connection is what a document says of the connections to its API, over the frame.
// What is no expression is as the process has it.
type Connection struct {
	Proxy expr.Expr // its URL, or Direct
	CA    expr.Expr // PEM: certificates that are trusted besides the system's
	Cert  expr.Expr // PEM: the client's certificate, with those that it is signed by
	Key   expr.Expr // PEM: its key; none when Cert holds it, too
}

// Text says what c is, for people.
func (c *Connection) Text() string {
	text := ""
	if v, fixed := c.Proxy.Constant(); fixed && v.Text() == Direct {
		text += "; directly"
	} else if fixed && !c.Proxy.IsZero() {
		text += "; through " + secret.BareURL(v.Text())
	} else if !c.Proxy.IsZero() {
		text += "; through a proxy"
	}
	if !c.CA.IsZero() {
		text += "; certificates of its own are trusted"
	}
	if !c.Cert.IsZero() {
		text += "; with a client certificate"
	}
	return text
}

// Connections are what the operator says of the connections to an API.
type Connections struct {
	Proxy    string // a URL, or Direct
	CA       string // PEM
	CertFile string // PEM, with the key; read whenever a connection is made, so that it can be renewed
	Insecure bool   // whoever answers is believed to be the API
}

// Check reads what c names, and says what cannot be.
func (c Connections) Check() error {
	if _, err := parseProxy(c.Proxy); c.Proxy != "" && c.Proxy != Direct && err != nil {
		return err
	}
	if c.CA != "" {
		if _, err := trusted(c.CA); err != nil {
			return err
		}
	}
	if c.CertFile != "" {
		if _, err := certificate(c.CertFile, "", ""); err != nil {
			return err
		}
	}
	return nil
}

// way is what calls have in common that share connections.
type way struct {
	http2              bool
	connect, firstByte time.Duration
	proxy              string // a URL; "" is direct
	named              bool   // the document names the proxy, which has to be an address that it may reach
	ca, cert, key      string // PEM
	certFile           string
	insecure           bool
}

// evaluated is a Connection of one call.
type evaluated struct{ proxy, ca, cert, key string }

// evaluate gives the texts of c. None may be empty that the document says: calls would
// go another way than it wants.
func (c *Connection) evaluate(target string, f expr.Frame) (*evaluated, error) {
	var out evaluated
	for _, part := range []struct {
		name string
		e    expr.Expr
		to   *string
	}{{"proxy", c.Proxy, &out.proxy}, {"tls.ca", c.CA, &out.ca}, {"tls.cert", c.Cert, &out.cert},
		{"tls.key", c.Key, &out.key}} {
		if part.e.IsZero() {
			continue
		}
		r := reader{frame: f}
		if *part.to = strings.TrimSpace(r.text(part.e)); r.err != nil || *part.to == "" {
			return nil, &UnavailableError{part.name + " of " + apiOf(target) + " has no value"}
		}
	}
	return &out, nil
}

// wayTo is how the connection for a call of an API to u is made.
func (c *Client) wayTo(o *Outbound, u *url.URL) way {
	t := &o.Policy.Timeout
	w := way{http2: o.Policy.HTTP2 || c.config.HTTP2, connect: cmp.Or(t.Connect, c.limits.Connect),
		firstByte: cmp.Or(t.FirstByte, c.limits.Header)}
	all, own := c.config.Connections[""], c.config.Connections[apiOf(o.Target)]
	w.certFile, w.insecure = cmp.Or(own.CertFile, all.CertFile), own.Insecure || all.Insecure
	w.ca = all.CA + own.CA
	said := evaluated{}
	if o.connection != nil {
		said = *o.connection
	}
	w.ca += said.ca
	if own.CertFile == "" && said.cert != "" {
		w.cert, w.key, w.certFile = said.cert, said.key, ""
	}
	switch {
	case own.Proxy != "":
		w.proxy = own.Proxy
	case said.proxy != "":
		w.proxy, w.named = said.proxy, true
	case all.Proxy != "":
		w.proxy = all.Proxy
	case c.environment != nil:
		if by, err := c.environment(u); err == nil && by != nil {
			w.proxy = by.String()
		}
	}
	if w.proxy == Direct {
		w.proxy, w.named = "", false
	}
	return w
}

// transportTo has the connections on which a call goes to u.
func (c *Client) transportTo(o *Outbound, u *url.URL) (http.RoundTripper, error) {
	t := &o.Policy.Timeout
	if t.Connect == 0 && t.FirstByte == 0 && o.connection == nil && c.config.Connections == nil && c.environment == nil {
		if err := c.egress.checkURL(u, false); err != nil {
			return nil, err
		}
		if o.Policy.HTTP2 {
			return c.http2, nil
		}
		return c.transport, nil
	}
	return c.transportBy(c.wayTo(o, u), u)
}

// transportBy has the connections of a way, on which something goes to u.
func (c *Client) transportBy(w way, u *url.URL) (http.RoundTripper, error) {
	if err := c.egress.checkURL(u, w.proxy != ""); err != nil {
		return nil, err
	}
	made := c.ways.get(w, func() transport {
		by, err := newTransport(c.egress, w)
		return transport{by, err}
	})
	if made.err != nil {
		return nil, &UnavailableError{"connections to " + u.Hostname() + " cannot be made: " + made.err.Error()}
	}
	return made.by, nil
}

// transport is the connections of a way, or why there can be none.
type transport struct {
	by  *http.Transport
	err error
}

// secure gives t what w says of TLS.
func (w *way) secure(t *http.Transport) error {
	if w.ca == "" && w.cert == "" && w.certFile == "" && !w.insecure {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: w.insecure} //nolint:gosec // with a warning
	if w.ca != "" {
		roots, err := trusted(w.ca)
		if err != nil {
			return err
		}
		config.RootCAs = roots
	}
	if w.cert != "" || w.certFile != "" {
		if _, err := certificate(w.certFile, w.cert, w.key); err != nil {
			return err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate(w.certFile, w.cert, w.key)
		}
	}
	t.TLSClientConfig = config
	return nil
}

var (
	errNoCA   = errors.New("the CA holds no certificate in PEM")
	errNoPair = errors.New("the client's certificate and key do not belong together, or are no PEM")
	errNoFile = errors.New("the file of the client's certificate cannot be read")
	errProxy  = errors.New("the proxy is no URL with http, https, socks5 or socks5h and a host")
)

// trusted are the system's certificates and those of a text.
func trusted(pem string) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, errNoCA
	}
	return roots, nil
}

// certificate is that of a file, which holds its key, too, or of two texts, of which
// the first may hold both.
func certificate(file, cert, key string) (*tls.Certificate, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, errNoFile
		}
		cert, key = string(text), ""
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(cmp.Or(key, cert)))
	if err != nil {
		return nil, errNoPair // whose text may quote the key
	}
	return &pair, nil
}

func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, errProxy
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errProxy
}

// ProxyText is the URL of a proxy for people, without its user and password.
func ProxyText(text string) string { return secret.WithoutUser(text) }

// environmentProxy is the proxy that the environment names for a URL: HTTP_PROXY,
// HTTPS_PROXY, and ALL_PROXY where the one of its scheme is not set, but for what
// NO_PROXY lists and for loopback. It is nil where the environment names none.
func environmentProxy() func(*url.URL) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	config.HTTPProxy, config.HTTPSProxy = cmp.Or(config.HTTPProxy, all), cmp.Or(config.HTTPSProxy, all)
	if config.HTTPProxy == "" && config.HTTPSProxy == "" {
		return nil
	}
	return config.ProxyFunc()
}
