package host

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/plan"
)

// bind is where a server is declared to listen.
type bind struct {
	host string // an address, or a name that is none
	port int    // 0 is a free one
}

// bindOf is loopback unless the document or --listen says otherwise.
func (c *Config) bindOf(s *plan.Server) bind {
	b := bind{host: cmp.Or(c.Listen, s.Model.Address, "127.0.0.1"), port: s.Model.Port}
	if b.host == "localhost" {
		b.host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(b.host); err == nil {
		b.host = ip.Unmap().String()
	}
	if c.AutoPorts {
		b.port = 0
	}
	return b
}

func (b bind) String() string { return net.JoinHostPort(b.host, strconv.Itoa(b.port)) }

// ip is the zero Addr for a name.
func (b bind) ip() netip.Addr {
	ip, _ := netip.ParseAddr(b.host)
	return ip
}

// isEverywhere reports whether connections to any address reach b.
func (b bind) isEverywhere() bool { return b.ip().IsUnspecified() }

// answers reports whether connections of this machine to a host reach b.
func (b bind) answers(host string) bool {
	ip, err := netip.ParseAddr(host)
	own := host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil &&
		(ip.IsLoopback() || ip.IsUnspecified())
	return own && (b.isEverywhere() || b.exposure().loopback) || err == nil && ip.Unmap() == b.ip()
}

// covers reports whether connections to other reach a socket bound to b.
func (b bind) covers(other bind) bool {
	ip := b.ip()
	return b == other || b.port == other.port && ip.IsUnspecified() && (ip.Is6() || !other.ip().Is6())
}

// exposure is whose connections a server answers, by the local address that they
// come in on. The zero reach is everybody's.
type exposure struct {
	loopback bool
	ip       netip.Addr // of servers with one address; the zero Addr otherwise
}

func (b bind) exposure() exposure {
	switch ip := b.ip(); {
	case ip.IsLoopback():
		return exposure{loopback: true}
	case ip.IsUnspecified():
		return exposure{}
	default:
		return exposure{ip: ip.WithZone("")}
	}
}

// exposureOf is on which address a request came in.
func exposureOf(r *http.Request) exposure {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return exposure{}
	}
	ip := local.AddrPort().Addr().Unmap()
	if ip.IsLoopback() {
		return exposure{loopback: true}
	}
	return exposure{ip: ip.WithZone("")}
}

// sockets are the addresses to listen on for binds of one port, by the bind that
// uses them. One that is everywhere takes the others in.
func sockets(binds []bind) map[bind]bind {
	shared, wide, six := map[bind]bind{}, bind{}, false
	for _, b := range binds {
		if b.isEverywhere() && (wide.host == "" || b.ip().Is6()) {
			wide = b
		}
		six = six || b.ip().Is6()
	}
	if wide.host != "" && six {
		wide.host = "::"
	}
	for _, b := range binds {
		shared[b] = b
		if wide.host != "" && b.ip().IsValid() {
			shared[b] = wide
		}
	}
	return shared
}
