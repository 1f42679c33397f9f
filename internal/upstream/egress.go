package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Egress says which hosts calls may reach, besides what a document says: those of
// calls, of tokens and of keys. The zero Egress lets them reach all but names of
// guarded addresses.
type Egress struct {
	Allow []EgressRule // if there is any, nothing else may be reached
	Deny  []EgressRule // goes before Allow

	// Own reports whether an address is one of the process' own that no call may
	// reach; nil for none. It is asked whenever a connection is made.
	Own func(netip.AddrPort) bool
}

// EgressRule is a host name, the names below one, or a range of addresses.
type EgressRule struct {
	name     string // in lower case, without a dot at its end; "" for addresses
	below    bool   // names below it, and not itself
	prefixes []netip.Prefix
}

// egressWord are ranges of addresses that have a name. Private ones are those of RFC
// 1918, RFC 6598 and RFC 4193, loopback those that stay on the machine.
func egressWord(text string) []netip.Prefix {
	var ranges []string
	switch text {
	case "link-local":
		return guarded
	case "private":
		ranges = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}
	case "loopback":
		ranges = []string{"127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"}
	}
	var prefixes []netip.Prefix
	for _, r := range ranges {
		prefixes = append(prefixes, netip.MustParsePrefix(r))
	}
	return prefixes
}

// ParseEgressRule reads a rule: host.example, *.example, 192.0.2.1, 192.0.2.0/24,
// private, loopback, link-local.
func ParseEgressRule(text string) (EgressRule, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if prefixes := egressWord(text); prefixes != nil {
		return EgressRule{prefixes: prefixes}, nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil {
		a = plainAddr(a)
		return EgressRule{prefixes: []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return EgressRule{prefixes: []netip.Prefix{p.Masked()}}, nil
	}
	name, below := strings.CutPrefix(text, "*.")
	name = strings.TrimSuffix(name, ".")
	if name == "" || strings.ContainsAny(name, "*/:@ \t") {
		return EgressRule{}, fmt.Errorf("“%s” is no host, *.domain, address, range such as 10.0.0.0/8, private, loopback or link-local", text)
	}
	return EgressRule{name: name, below: below}, nil
}

func (r EgressRule) names(host string) bool {
	return r.name != "" && (!r.below && host == r.name || r.below && strings.HasSuffix(host, "."+r.name))
}

func (r EgressRule) contains(a netip.Addr) bool {
	return slices.ContainsFunc(r.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// EgressError says that a host may not be reached from here.
type EgressError struct{ Host string }

func (e *EgressError) Error() string { return "egress: " + e.Host + " may not be reached from here" }

// isFree reports whether there are no rules at all.
func (e *Egress) isFree() bool { return len(e.Allow) == 0 && len(e.Deny) == 0 && e.Own == nil }

// checkURL refuses a host by its name, or as an address. Where only its address
// decides, dialing does.
func (e *Egress) checkURL(u *url.URL, proxied bool) error {
	if e.isFree() {
		return nil
	}
	host := hostName(u.Hostname())
	if a, err := netip.ParseAddr(host); err == nil {
		return e.checkAddr(host, a)
	}
	switch {
	case slices.ContainsFunc(e.Deny, func(r EgressRule) bool { return r.names(host) }):
		return &EgressError{host}
	case len(e.Allow) == 0 || e.allows(host):
		return nil
	case !proxied && slices.ContainsFunc(e.Allow, func(r EgressRule) bool { return r.prefixes != nil }):
		return nil
	}
	return &EgressError{host}
}

func (e *Egress) allows(host string) bool {
	return slices.ContainsFunc(e.Allow, func(r EgressRule) bool { return r.names(host) })
}

// checkAddr refuses the address of a host, which may be a name.
func (e *Egress) checkAddr(host string, a netip.Addr) error {
	a = plainAddr(a)
	holds := func(r EgressRule) bool { return r.contains(a) }
	if slices.ContainsFunc(e.Deny, holds) ||
		len(e.Allow) > 0 && !e.allows(host) && !slices.ContainsFunc(e.Allow, holds) {
		return &EgressError{host}
	}
	return nil
}

// hostName is a host as rules have it.
func hostName(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// nat64 is the well-known prefix of IPv4 addresses in IPv6 (RFC 6052).
const nat64 = "64:ff9b::/96"

// plainAddr is the address that a leads to: an IPv4 address within an IPv6 one is itself.
func plainAddr(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if netip.MustParsePrefix(nat64).Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// dial makes connections, and refuses addresses that may not be reached: names that
// lead to guarded addresses, and what the rules say. It looks at the address that is
// dialed, so a name cannot change its mind between.
func (e *Egress) dial(timeout time.Duration, guarded func(netip.Addr) bool) func(ctx context.Context, network,
	address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: timeout, KeepAliveConfig: keepAlive}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		literal := false
		if _, err := netip.ParseAddrPort(address); err == nil {
			if literal = true; e.isFree() {
				return plain.DialContext(ctx, network, address)
			}
		}
		host, _, _ := net.SplitHostPort(address)
		host = hostName(host)
		checked := *plain
		checked.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			switch {
			case err != nil || !literal && guarded(to.Addr()):
				return ErrGuardedAddress
			case e.Own != nil && e.Own(netip.AddrPortFrom(to.Addr().Unmap(), to.Port())):
				return &EgressError{host}
			}
			return e.checkAddr(host, to.Addr())
		}
		return checked.DialContext(ctx, network, address)
	}
}
