package upstream

import (
	"errors"
	"net/netip"
	"net/url"
)

// ErrGuardedAddress says that a host name leads to a link-local or metadata
// address, where a cloud hands its machines their credentials. A baseUri that
// names such an address literally, without variables, is called.
var ErrGuardedAddress = errors.New("the host name leads to a link-local or metadata address")

// guarded are the addresses that no name may lead to. A proxy from the
// environment resolves names by itself and has to guard them by itself.
var guarded = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fd00:ec2::254/128"),
	netip.MustParsePrefix("64:ff9b::a9fe:0/112"), // 169.254.0.0/16 through NAT64 (RFC 6052)
}

func isGuarded(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range guarded {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// guardedLiteral reports whether u names a guarded address as an address.
func guardedLiteral(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && isGuarded(a)
}
