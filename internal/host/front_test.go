package host

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// conn is a connection between two addresses.
type conn struct {
	net.Conn
	local, remote string
}

func (c conn) LocalAddr() net.Addr  { return tcp(c.local) }
func (c conn) RemoteAddr() net.Addr { return tcp(c.remote) }

func tcp(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

// entered is a request that has come in on a connection.
func entered(f *Front, local bool, c conn, header ...string) *http.Request {
	r := httptest.NewRequest("GET", "http://evil.example/", nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Add(header[i], header[i+1])
		}
	}
	return f.enter(r.WithContext(f.connected(context.Background(), c)), local)
}

func TestAddress(t *testing.T) {
	public, err := ParsePublic("https://Apis.Example/")
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "127.0.0.1", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	behind := &Front{Proxies: proxies}
	loopback := conn{local: "127.0.0.1:9090", remote: "127.0.0.1:5000"}
	wide := conn{local: "192.0.2.7:9090", remote: "198.51.100.9:5000"}
	proxied := conn{local: "10.1.1.1:9090", remote: "10.9.9.9:5000"}
	for name, tt := range map[string]struct {
		front  *Front
		conn   conn
		header []string
		want   string // "" where people cannot use it
		host   string // for which the request is, when not the one that it names
		caller string // where a proxy is believed
	}{
		"the connection": {&Front{}, loopback, nil, "http://127.0.0.1:9090", "", ""},
		"IPv6": {&Front{}, conn{local: "[::1]:80", remote: "[::1]:9"}, nil, "http://[::1]:80",
			"", ""},
		"a mapped address": {&Front{}, conn{local: "[::ffff:127.0.0.1]:80", remote: "[::1]:9"}, nil,
			"http://127.0.0.1:80", "", ""},
		"no TLS, from elsewhere": {&Front{}, wide, nil, "", "", ""},
		"public": {&Front{Public: public}, wide, []string{"X-Forwarded-Host", "evil.example"},
			"https://apis.example", "", ""},
		"a header of nobody's": {&Front{}, loopback,
			[]string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example;proto=https"},
			"http://127.0.0.1:9090", "", ""},
		"a header of a stranger's": {behind, wide,
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example"}, "", "", ""},
		"a proxy": {behind, proxied,
			[]string{"X-Forwarded-For", "198.51.100.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host",
				"a.example"}, "https://a.example", "a.example", "198.51.100.9"},
		"a proxy that keeps Host": {behind, proxied,
			[]string{"X-Forwarded-Proto", "https", "Host", "b.example:8443"}, "https://b.example:8443",
			"b.example:8443", "invalid IP"},
		"a proxy on this machine": {behind, loopback,
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "c.example"}, "https://c.example", "c.example",
			"invalid IP"},
		"a proxy that says nothing": {behind, proxied, nil, "", "evil.example", "10.9.9.9"},
		"Forwarded":                 {behind, proxied, []string{"Forwarded", `for="[2001:dead::1]:4711";host="d.example";proto=HTTPS`}, "https://d.example", "d.example", "2001:dead::1"},
		"a chain": {behind, proxied, []string{"Forwarded", `for=203.0.113.66;host=evil.example, for=198.51.100.9;host=d.example;proto=https`,
			"Forwarded", "for=10.2.2.2;proto=http;host=inner"}, "https://d.example", "d.example", "198.51.100.9"},
		"a quote before a proxy's": {behind, proxied, []string{"Forwarded",
			`proto=https;host=evil.example;for=", for=9.9.9.9;proto=https;host=good.example`, "Host", "b.example"}, "", "b.example", "10.9.9.9"},
		"a quote on a line of its own": {behind, proxied, []string{"Forwarded", `proto=https;host=evil.example;for="`,
			"Forwarded", "for=9.9.9.9;proto=https;host=good.example", "Host", "b.example"}, "", "b.example",
			"10.9.9.9"},
		"a quote that a proxy's closes": {behind, proxied, []string{"Forwarded",
			`proto=https;host=evil.example;for=", for="9.9.9.9;host=good.example`, "Host", "b.example"}, "", "b.example", "10.9.9.9"},
		"a quote in a name": {behind, proxied, []string{"Forwarded", `x"="a", for=9.9.9.9;proto=https;host=good.example`,
			"Host", "b.example"}, "", "b.example", "10.9.9.9"},
		"a quote in a list of X-Forwarded": {behind, proxied, []string{"X-Forwarded-For", `"`, "X-Forwarded-For", "9.9.9.9",
			"X-Forwarded-Proto", `https, "http`, "X-Forwarded-Proto", "https", "X-Forwarded-Host", `evil.example, "`,
			"X-Forwarded-Host", "good.example"}, "https://good.example", "good.example", "9.9.9.9"},
		"a chain of lists": {behind, proxied,
			[]string{"X-Forwarded-For", "203.0.113.66, 198.51.100.9", "X-Forwarded-For", "10.2.2.2",
				"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example, e.example, inner"}, "https://e.example",
			"e.example", "198.51.100.9"},
		"two that differ": {behind, proxied,
			[]string{"Forwarded", "host=evil.example;proto=https", "X-Forwarded-Host", "f.example",
				"X-Forwarded-Proto", "https", "Host", "g.example"}, "", "g.example", "10.9.9.9"},
		"no host": {behind, proxied, []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", `evil.example/x?"`, "Host", "h.example"},
			"https://h.example", "h.example", "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			r := entered(tt.front, false, tt.conn, tt.header...)
			got, err := tt.front.address(r.Context())
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("the address is %q, %v; want %q", got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "--public-url") {
				t.Errorf("it does not say what to do: %v", err)
			}
			if tt.host != "" && r.Host != tt.host {
				t.Errorf("it is for %q, want %q", r.Host, tt.host)
			}
			p, ok := r.Context().Value(passageKey{}).(*passage)
			if ok != (tt.caller != "") || ok && p.caller.String() != tt.caller {
				t.Errorf("the caller is %v, want %q", p, tt.caller)
			}
		})
	}
}

func TestParsePublic_refuses(t *testing.T) {
	for _, text := range []string{"", "apis.example", "ftp://a.example", "https://", "https://a.example/fairlead",
		"https://u@a.example", "https://a.example?x", "http://a.example", "http://192.0.2.1:80",
		"https://a.example:99999"} {
		if u, err := ParsePublic(text); err == nil {
			t.Errorf("%q is %s", text, u)
		}
	}
	for _, text := range []string{"http://localhost:9090", "http://127.0.0.1:9090/", "https://[2001:db8::1]"} {
		if _, err := ParsePublic(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseProxies([]string{"proxy.example"}); err == nil {
		t.Error("a name is taken for an address")
	}
}

// TestEnter_whoIsOfThisMachine: the whole internet is loopback behind a proxy on
// the same machine, and a page of any name may lead a browser here.
func TestEnter_whoIsOfThisMachine(t *testing.T) {
	loopback := conn{local: "127.0.0.1:9090", remote: "127.0.0.1:5000"}
	for name, tt := range map[string]struct {
		conn   conn
		header []string
		own    bool
	}{
		"an address":            {loopback, []string{"Host", "127.0.0.1:9090"}, true},
		"localhost":             {loopback, []string{"Host", "localhost:9090"}, true},
		"IPv6":                  {conn{local: "[::1]:80", remote: "[::1]:9"}, []string{"Host", "[::1]"}, true},
		"a rebound name":        {loopback, []string{"Host", "evil.example"}, false},
		"a name that holds one": {loopback, []string{"Host", "127.0.0.1.evil.example"}, false},
		"no Host":               {loopback, []string{"Host", ""}, false},
		"another machine": {conn{local: "192.0.2.7:80", remote: "192.0.2.8:9"},
			[]string{"Host", "127.0.0.1"}, false},
		"its address in the net": {conn{local: "192.0.2.7:80", remote: "192.0.2.7:9"},
			[]string{"Host", "127.0.0.1"}, false},
		"a proxy":                   {loopback, []string{"Host", "localhost", "X-Forwarded-For", "192.0.2.8"}, false},
		"a proxy with an empty one": {loopback, []string{"Host", "localhost", "Forwarded", ""}, false},
		"a tunnel":                  {loopback, []string{"Host", "localhost", "Cf-Connecting-Ip", "192.0.2.8"}, false},
		"a gateway":                 {loopback, []string{"Host", "localhost", "Via", "1.1 x"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isOwn(entered(&Front{}, true, tt.conn, tt.header...).Context()); got != tt.own {
				t.Errorf("it is the local user's: %v", got)
			}
			if isOwn(entered(&Front{}, false, tt.conn, tt.header...).Context()) {
				t.Error("nobody has said that there is a local user")
			}
		})
	}
	proxy := &Front{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	if isOwn(entered(proxy, true, loopback, "Host", "localhost").Context()) {
		t.Error("whoever comes through a proxy is the local user")
	}
}
