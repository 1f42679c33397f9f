package host

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/connect"
)

// Front is what stands between people and the listeners. The zero Front is
// nothing: whoever connects is who calls, and the connection says to which address.
type Front struct {
	Public  *url.URL       // the address that people use, see ParsePublic; nil is not known
	Proxies []netip.Prefix // of these, forwarding headers are believed; of nobody else
	TLS     *Certificate   // nil serves without TLS
}

// ParsePublic reads the address that people use: scheme://host[:port]. It is
// HTTPS but on loopback, since people type passwords there.
func ParsePublic(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Host) || u.User != nil:
		return nil, errors.New("want scheme://host[:port], such as https://apis.example.com")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("want scheme://host[:port] without a path: the pages of people are at /connect there")
	case u.Scheme == "http" && !isLoopbackHost(u.Host):
		return nil, errors.New("want https: people type passwords there")
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// ParseProxies reads addresses and ranges of proxies.
func ParseProxies(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if ip, failed := netip.ParseAddr(text); failed == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("“%s” is neither an address nor a range such as 10.0.0.0/8", text)
		}
		all = append(all, netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()).Masked())
	}
	return all, nil
}

func (f *Front) trusts(ip netip.Addr) bool {
	return ip.IsValid() && slices.ContainsFunc(f.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// door is how the requests of a connection come in. It is made with the
// connection, so that requests cost nothing.
type door struct {
	local   netip.AddrPort
	remote  netip.Addr
	secure  bool // TLS
	trusted bool // the other end is a proxy that is believed
}

type doorKey struct{}

// connected notes the door of a connection in the context of its requests.
func (f *Front) connected(ctx context.Context, c net.Conn) context.Context {
	d := &door{local: addrPort(c.LocalAddr()), remote: addrPort(c.RemoteAddr()).Addr()}
	_, d.secure = c.(*tls.Conn)
	d.trusted = f.trusts(d.remote)
	return context.WithValue(ctx, doorKey{}, d)
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := t.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

// passage is what is known of a request's way, where more is known than its
// connection says.
type passage struct {
	proxied     bool // it came through a proxy that is believed
	proto, host string
	caller      netip.Addr // who sent it to the first proxy that is believed; zero is not known
	own         bool       // it comes from this machine and names it
}

type passageKey struct{}

// enter reads what is to be known of a request's way. Requests of trusted proxies
// are for the host that their caller named; what anybody else says of a way is
// nothing but a header.
func (f *Front) enter(r *http.Request, local bool) *http.Request {
	if len(r.Header["Cookie"]) > 0 && !reserved(r.URL.Path) {
		connect.Strip(r.Header)
	}
	d, _ := r.Context().Value(doorKey{}).(*door)
	var p *passage // nil for most, which costs nothing
	switch {
	case d == nil:
	case d.trusted:
		p = f.passage(d.remote, r)
	case local && d.remote.IsLoopback() && isLoopbackHost(r.Host) && !isForwarded(r.Header):
		p = &passage{own: true}
	}
	if p == nil {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), passageKey{}, p))
	if p.host != "" {
		r.Host = p.host
	}
	return r
}

// isOwn reports whether a request comes from this machine, names it, and has come
// through no proxy that says so.
func isOwn(ctx context.Context) bool {
	p, ok := ctx.Value(passageKey{}).(*passage)
	return ok && p.own
}

// address is where people reach the listener that a request has come to, as
// scheme://host[:port]: the public address, that which a trusted proxy tells, or
// the connection's own. What a request says of its host is nobody's word. The
// error says why people cannot use it, in a sentence for callers.
func (f *Front) address(ctx context.Context) (string, error) {
	if f.Public != nil {
		return f.Public.String(), nil
	}
	d, ok := ctx.Value(doorKey{}).(*door)
	if !ok || !d.local.IsValid() {
		return "", errors.New("the address of this server is not known; its operator gives it with --public-url")
	}
	scheme, host := schemes[d.secure], d.local.String()
	if p, ok := ctx.Value(passageKey{}).(*passage); ok && p.proxied {
		scheme, host = cmp.Or(p.proto, scheme), cmp.Or(p.host, host)
	}
	if scheme == "http" && !isLoopbackHost(host) {
		return "", errors.New("people can sign in over HTTPS only; the operator gives the address with --public-url, " +
			"or a certificate with --tls-cert and --tls-key")
	}
	return scheme + "://" + host, nil
}

// secure reports whether a request has come over HTTPS. The error says that it has
// neither, nor over loopback: people must not type anything then.
func (f *Front) secure(r *http.Request) (bool, error) {
	d, ok := r.Context().Value(doorKey{}).(*door)
	p, proxied := r.Context().Value(passageKey{}).(*passage)
	switch {
	case !ok:
		return false, errNotSecure
	case d.secure, proxied && p.proto == "https":
		return true, nil
	case f.Public != nil && strings.EqualFold(r.Host, f.Public.Host):
		return f.Public.Scheme == "https", nil
	case d.remote.IsLoopback() && isLoopbackHost(r.Host):
		return false, nil
	}
	return false, errNotSecure
}

var errNotSecure = &connect.Refused{Status: http.StatusForbidden,
	Message: "People can sign in over HTTPS only. The operator gives " +
		"the address that they use with --public-url, and names the proxy before Fairlead with --trusted-proxy, or gives a certificate with " +
		"--tls-cert and --tls-key."}

// schemes are those of addresses, by whether there is TLS.
var schemes = map[bool]string{false: "http", true: "https"}

// passage follows the way of a request back as far as the proxies are trusted.
func (f *Front) passage(remote netip.Addr, r *http.Request) *passage {
	p := passage{proxied: true, caller: remote}
	one, other := f.follow(p, forwarded(r.Header)), f.follow(p, xForwarded(r.Header))
	switch {
	case len(r.Header["Forwarded"]) == 0:
		p = other
	case !isXForwarded(r.Header) || one == other:
		p = one
	} // else one of them is the caller's own, and nobody knows which
	if p.host == "" && isHost(r.Host) {
		p.host = strings.ToLower(r.Host)
	}
	return &p
}

func (f *Front) follow(p passage, hops []hop) passage {
	for _, h := range slices.Backward(hops) {
		if !f.trusts(p.caller) {
			break
		}
		p.caller, p.proto, p.host = h.from, cmp.Or(h.proto, p.proto), cmp.Or(h.host, p.host)
	}
	return p
}

// isLoopbackHost reports whether a Host, with or without a port, is this machine
// for everybody who says it.
func isLoopbackHost(host string) bool {
	name := adapter.HostName(host)
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// isHost reports whether text is host[:port].
func isHost(text string) bool {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || u.Hostname() == "" {
		return false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true
	}
	return !strings.ContainsFunc(u.Hostname(), func(c rune) bool {
		return c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}
